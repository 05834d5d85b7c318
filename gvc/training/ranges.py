"""Between which numbers features of a trained network lie, measured on clips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gvc.clips import Split, read_table
from gvc.errors import UsageError
from gvc.model import models
from gvc.model import ranges as range_files
from gvc.model.inference import RectifiedConvolution, for_inference
from gvc.model.layers import resize
from gvc.model.mttf import Mttf, network_from
from gvc.model.ranges import Range, Ranges
from gvc.training.clips import load_frames
from gvc.training.pairs import Picture

#: Most clips that are looked at, each of another identity where there are as many.
MEASURED_CLIPS = 32

#: Frames that are generated of each clip at each size, from one key frame.
_FRAMES = 4

#: At the largest size one in so many clips has to do.
_THINNING = 4

#: Numbers kept of what goes into or comes out of a convolution each time.
_KEPT = 8192

#: Bounds that are tried, as shares of the outermost number, and how often each of both in turn.
_SHARES, _ROUNDS = tuple(0.93**power for power in range(40)), 2

#: Ranges are wider than that, by this factor: weights fitted to a file change features a little.
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
    found = models.weights_for(models.FACE, settings.weights)
    people = {row.identity: row for row in read_table(settings.clips) if row.split is Split.TRAIN}
    if not people:
        raise UsageError("no clip of split 'train'", path=settings.clips)
    rows = list(people.values())[:: -(-len(people) // MEASURED_CLIPS)]
    network = network_from(found, path=settings.weights)

    def clips() -> Iterator[Picture]:
        for number, row in enumerate(rows):
            yield from load_frames([row], settings.cache)
            report({"clip": row.path.name, "number": number + 1, "of": len(rows)})

    measured = measure_ranges(network, found.fingerprint, clips(), seed=settings.seed)
    range_files.save(measured, settings.output)


def measure_ranges(network: Mttf, weights: bytes, clips: Iterable[Picture], *, seed: int) -> Ranges:
    """The ranges of a network's features on some clips.

    :param network: in evaluation mode; it is for inference afterwards.
    :param weights: fingerprint of its weights.
    :param clips: frames uint8 [F, S, S, 3] of each. :param seed: draws frames.
    """
    meter = RangeMeter(for_inference(network))
    generator = torch.Generator().manual_seed(seed)
    for number, frames in enumerate(clips):
        meter.watch(frames, generator, largest=number % _THINNING == 0)
    return meter.ranges(weights)


class RangeMeter:
    """Sees what goes into the convolutions that decoders run for every frame.

    :param network: from :func:`gvc.model.inference.for_inference`.
    """

    def __init__(self, network: Mttf) -> None:
        self._network = network
        self._seen = defaultdict[str, list[Tensor]](list)
        self._made = defaultdict[str, list[Tensor]](list)

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
            name: best_range(torch.cat(seen))
            for name, seen in self._seen.items()
            if name not in _IN_FLOAT32
        }
        outputs = {
            name: best_range(torch.cat(self._made[name]))
            for name in inputs
            if name.endswith(_INTERLEAVED)
        }
        return Ranges(weights, inputs, outputs)

    def _note(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def note(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            for kept, features in ((self._seen, inputs[0]), (self._made, output)):
                kept[name].append(_some(features))

        return note


def _some(features: Tensor) -> Tensor:
    """Numbers from all over ``features``, at most :data:`_KEPT`, [M]."""
    flat = features.flatten()
    # Steps of a prime keep pace with neither rows nor channels.
    places = torch.arange(min(len(flat), _KEPT), device=flat.device) * 1_000_003 % len(flat)
    return flat[places].cpu()


def best_range(numbers: Tensor) -> Range:
    """The range in whose 256 steps numbers lose least, in the mean of squares, a little widened.

    Those far outside what is usual are cut off: a range for all of them would have coarse steps.

    :param numbers: [M].
    """
    low, high = min(0.0, float(numbers.min())), max(0.0, float(numbers.max()))

    def loss(low: float, high: float) -> float:
        step = (high - low) / 255 or 1.0
        kept = ((numbers - low) / step).round_().clamp_(0, 255).mul_(step).add_(low)
        return float(kept.sub_(numbers).square_().mean())

    # Sets: behind a ReLU there is but one lower bound.
    lows, highs = ({share * bound for share in _SHARES} for bound in (low, high))
    for _ in range(_ROUNDS):
        high = min(highs, key=lambda each: loss(low, each))
        low = min(lows, key=lambda each: loss(each, high))
    return Range(*(float(f"{_MARGIN * bound:.4g}") for bound in (low, high)))
