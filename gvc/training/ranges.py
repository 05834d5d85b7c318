"""Between which numbers features of a trained network lie, measured on clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gvc.clips import Split, read_table
from gvc.errors import UsageError
from gvc.model import ranges as range_files
from gvc.model import weights
from gvc.model.inference import RectifiedConvolution, for_inference
from gvc.model.layers import resize
from gvc.model.mttf import Mttf, network_from
from gvc.model.ranges import Range, Ranges
from gvc.training.clips import load_frames
from gvc.training.pairs import Picture

#: Most identities that are looked at, one clip each.
_IDENTITIES = 32

#: Frames that are generated of each clip at each size, from one key frame.
_FRAMES = 4

#: At the largest size one in so many clips has to do.
_THINNING = 4

#: Ranges are wider than what was seen, by this factor.
_MARGIN = 1.1

#: Convolutions whose inputs lie on scales that differ by orders of magnitude from channel to
#: channel: what a motion code says. 256 steps for all of them are too few.
_IN_FLOAT32 = ("motion.fold_flow", "motion.fold_weight")

#: How those are called whose outputs are integers too: what comes next only brings pixels together.
_INTERLEAVED = ".phases"


@dataclass(frozen=True, slots=True)
class RangeSettings:
    """A measurement.

    :param clips: folder with ``clips.tsv``. :param output: the file to write.
    :param cache: folder of decoded frames; those that are not there are decoded.
    :param weights: a weights file in place of the one that ships.
    :param seed: draws the frames. :param threads: CPU threads.
    """

    clips: Path
    output: Path
    cache: Path
    weights: Path | None = None
    seed: int = 0
    threads: int | None = None


def write_ranges(settings: RangeSettings, *, report: Callable[[dict[str, Any]], None]) -> None:
    """Measure on clips of split ``train``, and write the ranges.

    :param report: gets a record for each clip.
    :raises GvcError: if clips or weights cannot be read.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    found = weights.load(settings.weights) if settings.weights else weights.default("lite")
    people = {row.identity: row for row in read_table(settings.clips) if row.split is Split.TRAIN}
    if not people:
        raise UsageError("no clip of split 'train'", path=settings.clips)
    rows = list(people.values())[:: -(-len(people) // _IDENTITIES)]
    network = for_inference(network_from(found, path=settings.weights))
    generator = torch.Generator().manual_seed(settings.seed)
    meter = RangeMeter(network)
    for number, row in enumerate(rows):
        (frames,) = load_frames([row], settings.cache)
        meter.watch(frames, generator, largest=number % _THINNING == 0)
        report({"clip": row.path.name, "number": number + 1, "of": len(rows)})
    range_files.save(meter.ranges(found.fingerprint), settings.output)


class RangeMeter:
    """Sees what goes into the convolutions that decoders run for every frame.

    :param network: from :func:`gvc.model.inference.for_inference`.
    """

    def __init__(self, network: Mttf) -> None:
        self._network = network
        self._seen = dict[str, tuple[float, float]]()
        self._made = dict[str, tuple[float, float]]()

    @torch.inference_mode()
    def watch(self, frames: Picture, generator: torch.Generator, *, largest: bool) -> None:
        """Generate frames of one clip at all sizes.

        :param frames: uint8 [F, S, S, 3]; :param generator: chooses a key frame and others.
        :param largest: whether at the largest size too, which takes longest.
        """
        network = self._network
        device = network.coder.spread.device
        chosen = torch.randint(len(frames), (1 + _FRAMES,), generator=generator).tolist()
        pictures = torch.from_numpy(frames[chosen]).permute(0, 3, 1, 2).to(device).float() / 255
        for size in sorted(network.profile.resolutions)[: None if largest else -1]:
            sized = resize(pictures, size, size).contiguous(memory_format=torch.channels_last)
            state = network.key_state(sized[:1])
            code = network.encode(sized[1:])[1]
            watched = [
                module.register_forward_hook(self._note(name))
                for name, module in network.named_modules()
                if isinstance(module, (nn.Conv2d, RectifiedConvolution))
            ]
            try:
                network.generate(state, network.estimate(state, code))
            finally:
                for hook in watched:
                    hook.remove()

    def ranges(self, weights: bytes) -> Ranges:
        """The ranges of all convolutions that have been seen and can be integers.

        :param weights: fingerprint of the network's.
        """
        inputs = {
            name: _wider(seen) for name, seen in self._seen.items() if name not in _IN_FLOAT32
        }
        outputs = {name: _wider(self._made[name]) for name in inputs if name.endswith(_INTERLEAVED)}
        return Ranges(weights, inputs, outputs)

    def _note(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def note(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            for kept, features in ((self._seen, inputs[0]), (self._made, output)):
                low, high = kept.get(name, (0.0, 0.0))
                least, most = (float(bound) for bound in torch.aminmax(features))
                kept[name] = min(low, least), max(high, most)

        return note


def _wider(bounds: tuple[float, float]) -> Range:
    return Range(*(float(f"{_MARGIN * bound:.4g}") for bound in bounds))
