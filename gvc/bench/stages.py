"""Parts of the codec one by one: what each takes for a frame, with nothing else running."""

from __future__ import annotations

import io
import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from gvc.api.input import InputContainer
from gvc.bench.sample import Picture
from gvc.bench.speed_settings import SpeedSettings
from gvc.bitstream import Group
from gvc.codec.decoder import VideoDecoder
from gvc.media import Sink, SinkOptions, from_rgb
from gvc.model import weights
from gvc.model.analysis import Analyser
from gvc.model.device import select_device
from gvc.model.mttf import Mttf, network_from
from gvc.model.profiles import PAPER
from gvc.model.synthesis import Synthesiser

#: Inter frames of one batch, as the decoder makes them, and as the encoder analyses them.
_GENERATED, _ANALYSED = 8, 16

#: Batches that a stage is measured on.
_BATCHES = 4


def median_seconds(work: Callable[[], object], *, repeat: int) -> float:
    """Median time of ``work``, after one run for warmth."""
    work()
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def decode_stages(coded: Path, settings: SpeedSettings) -> dict[str, float]:
    """Seconds a frame of each stage of decoding a file, by name.

    The generator's share is the time of a whole batch less that of its motion.
    """
    with InputContainer(
        coded, weights=settings.weights, device=settings.device, threads=settings.threads
    ) as container:
        header = container.header.video
        group = next(container.demux(video=0)).unit
        assert isinstance(group, Group)
        decoder = container.video_decoder
        network = network_from(weights.find(header.weights, extra=settings.weights))
        synthesiser = Synthesiser(network, device=settings.device)
        batches = list(itertools.islice(decoder.motion(group), _BATCHES))
        frames = sum(len(batch.codes) for batch in batches)
        state = synthesiser.prepare(decoder.key_picture(group))

        def generate() -> list[Picture]:
            return [picture for b in batches for picture in synthesiser.animate(state, b.codes)]

        def move() -> None:
            with torch.inference_mode():
                for batch in batches:
                    codes = torch.from_numpy(batch.codes).to(state.picture.device)
                    network.estimate(state, codes * network.coder.spread)
            _wait(settings.device)

        pictures = generate()

        def convert() -> None:
            for picture in pictures:
                from_rgb(picture, header.width, header.height, header.colour)

        repeat = settings.repeat
        moved = median_seconds(move, repeat=repeat) / frames
        return {
            "entropy": _entropy(decoder, group, repeat=repeat),
            "motion": moved,
            "generator": median_seconds(generate, repeat=repeat) / frames - moved,
            "colour": median_seconds(convert, repeat=repeat) / frames,
            "H.264": _coding(container, pictures, threads=settings.threads, repeat=repeat),
        }


def analysis_seconds(pictures: Sequence[Picture], settings: SpeedSettings) -> float:
    """Seconds a frame of computing motion codes from RGB pictures."""
    chosen = weights.load(settings.weights) if settings.weights else weights.default("lite")
    analyser = Analyser(network_from(chosen), device=settings.device)
    batch = list(itertools.islice(itertools.cycle(pictures), _ANALYSED))

    def analyse() -> None:
        for _ in range(_BATCHES):
            analyser.codes(batch)

    return median_seconds(analyse, repeat=settings.repeat) / (_BATCHES * _ANALYSED)


def paper_seconds(picture: Picture, settings: SpeedSettings) -> float:
    """Seconds a frame of the paper-size generator: both branches, the motion known.

    Its weights are random, which makes no difference to time; the features of the key frame are
    computed once, and do not count.
    """
    device = select_device(settings.device)
    network = Mttf(PAPER).eval().requires_grad_(False)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    synthesiser = Synthesiser(network, device=settings.device)
    state = synthesiser.prepare(picture)
    code = torch.zeros(1, PAPER.code_length, device=device)
    with torch.inference_mode():
        motion = network.estimate(state, code)

        def generate() -> None:
            foreground, mask = network.foreground(state.picture, state.features, motion)
            torch.lerp(network.background(state.picture, motion), foreground, mask)
            _wait(settings.device)

        return median_seconds(generate, repeat=settings.repeat)


def _entropy(decoder: VideoDecoder, group: Group, *, repeat: int) -> float:
    whole = median_seconds(lambda: list(decoder.motion(group)), repeat=repeat)
    return whole / max(1, group.frames - 1)


def _coding(
    container: InputContainer, pictures: Sequence[Picture], *, threads: int | None, repeat: int
) -> float:
    """Seconds a frame of H.264, from the first frame to the end of the file."""
    header = container.header.video
    frames = []
    for index, picture in enumerate(pictures):
        frame = from_rgb(picture, header.width, header.height, header.colour)
        frame.pts, frame.time_base = index * header.frame_duration, header.time_base
        frames.append(frame)

    def code() -> None:
        sink = Sink(
            io.BytesIO(),
            container="mp4",
            video=header,
            audio=None,
            options=SinkOptions(threads=threads),
            metadata={},
            name="<memory>",
        )
        for frame in frames:
            sink.write_video(frame)
        sink.close()

    return median_seconds(code, repeat=repeat) / len(frames)


def _wait(device: str) -> None:
    """Wait until a GPU has done what it was asked for."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
