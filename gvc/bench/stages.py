"""Parts of the codec one by one: what each takes for a frame, with nothing else running."""

from __future__ import annotations

import io
import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
import numpy.typing as npt
import torch

from gvc.api.input import InputContainer
from gvc.bench.sample import Picture
from gvc.bench.speed_settings import SpeedSettings
from gvc.bitstream import Group
from gvc.codec.decoder import MotionBatch, VideoDecoder, matrix_of
from gvc.codec.networks import for_decoding
from gvc.codec.pipeline import share
from gvc.codec.settings import Precision
from gvc.errors import InvalidDataError
from gvc.media import Sink, SinkOptions, from_planes
from gvc.model import models, weights
from gvc.model.analysis import Analyser
from gvc.model.device import select_device, set_threads
from gvc.model.inference import for_inference
from gvc.model.motion import DenseMotion
from gvc.model.mttf import Mttf, network_from
from gvc.model.profiles import PAPER
from gvc.model.synthesis import Synthesiser
from gvc.ops import Branches, compose_planes, paint

#: Frames that the encoder analyses in one batch.
_ANALYSED = 16

Item = TypeVar("Item")


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
    """Seconds a frame of each stage of decoding a file, by name, with all threads on each.

    The generator's share is the time of both networks less that of the motion; "colour" is all that
    makes frames of what they say.

    :raises InvalidDataError: if no group holds a second frame.
    """
    with InputContainer(
        coded, weights=settings.weights, device=settings.device, threads=settings.threads
    ) as container:
        header = container.header.video
        group = _longest(container)
        decoder = container.video_decoder
        found = weights.find(header.weights, extra=settings.weights)
        network = for_decoding(
            for_inference(network_from(found)),
            found.fingerprint,
            Precision.AUTO,
            device=settings.device,
            extra_weights=settings.weights,
        )
        synthesiser = Synthesiser(network, device=settings.device)
        matrix = matrix_of(header.colour)
        moving = (batch for batch in decoder.motion(group) if batch.times)
        batches = list(itertools.islice(moving, _batches(settings)))
        frames = sum(len(batch.codes) for batch in batches)
        state = synthesiser.prepare(decoder.key_pictures(group)[0])

        @torch.inference_mode()
        def estimate(batch: MotionBatch) -> DenseMotion:
            codes = torch.from_numpy(batch.codes).to(state.picture.device)
            motion = network.estimate(state, codes * network.coder.spread)
            _wait(settings.device)
            return motion

        @torch.inference_mode()
        def generate(batch: MotionBatch) -> Branches:
            branches = network.generate(state, estimate(batch))
            _wait(settings.device)
            return branches

        drawn = generate(batches[0])

        @torch.inference_mode()
        def convert(branches: Branches) -> list[av.VideoFrame]:
            planes = compose_planes(branches, matrix).cpu().numpy()
            return [
                from_planes(each, header.width, header.height, header.colour) for each in planes
            ]

        planes = [synthesiser.animate(state, batch.codes, matrix) for batch in batches]
        moved = _shared_seconds(estimate, batches, settings) / frames
        colour = _shared_seconds(convert, [drawn] * len(batches), settings)
        return {
            "entropy": _entropy(decoder, group, repeat=settings.repeat),
            "motion": moved,
            "generator": _shared_seconds(generate, batches, settings) / frames - moved,
            "colour": colour / (len(drawn.foreground) * len(batches)),
            "H.264": _coding(
                container,
                np.concatenate(planes),
                threads=settings.threads,
                repeat=settings.repeat,
            ),
        }


def analysis_seconds(pictures: Sequence[Picture], settings: SpeedSettings) -> float:
    """Seconds a frame of computing motion codes from RGB pictures."""
    chosen = models.weights_for(models.FACE, settings.weights)
    analyser = Analyser(for_inference(network_from(chosen)), device=settings.device)
    batch = list(itertools.islice(itertools.cycle(pictures), _ANALYSED))

    count = _batches(settings)
    return _shared_seconds(analyser.codes, [batch] * count, settings) / (count * _ANALYSED)


def paper_seconds(picture: Picture, settings: SpeedSettings) -> float:
    """Seconds a frame of the paper-size generator on all threads: both branches, the motion known.

    Its weights are random, which makes no difference to time; the features of the key frame are
    computed once, and do not count.
    """
    set_threads(settings.threads)
    device = select_device(settings.device)
    network = Mttf(PAPER).eval().requires_grad_(False)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    synthesiser = Synthesiser(network, device=settings.device)
    state = synthesiser.prepare(picture)
    code = torch.zeros(1, PAPER.code_length, device=device)
    with torch.inference_mode():
        motion = network.estimate(state, code)

        def generate() -> None:
            paint(network.generate(state, motion)).flatten()
            _wait(settings.device)

        return median_seconds(generate, repeat=settings.repeat)


def _batches(settings: SpeedSettings) -> int:
    """How many batches a stage is measured on: every thread gets four."""
    return 4 * share(settings.threads, side_by_side=settings.device == "cpu").batches


def _shared_seconds(
    work: Callable[[Item], object], items: Sequence[Item], settings: SpeedSettings
) -> float:
    """Median time of ``work`` on all ``items``, shared out as the codec does."""
    shares = share(settings.threads, side_by_side=settings.device == "cpu")

    def run() -> None:
        with shares.stage(work) as stage:
            for _ in stage.map(items):
                pass

    return median_seconds(run, repeat=settings.repeat)


def _longest(container: InputContainer) -> Group:
    groups = [packet.unit for packet in container.demux(video=0)]
    longest = max((unit for unit in groups if isinstance(unit, Group)), key=lambda g: g.frames)
    if longest.frames == 1:
        raise InvalidDataError("every picture is a key frame: nothing is generated")
    return longest


def _entropy(decoder: VideoDecoder, group: Group, *, repeat: int) -> float:
    whole = median_seconds(lambda: list(decoder.motion(group)), repeat=repeat)
    return whole / (group.frames - 1)


def _coding(
    container: InputContainer,
    pictures: npt.NDArray[np.uint8],
    *,
    threads: int | None,
    repeat: int,
) -> float:
    """Seconds a frame of H.264, from the first frame to the end of the file."""
    header = container.header.video
    frames = []
    for index, planes in enumerate(pictures):
        frame = from_planes(planes, header.width, header.height, header.colour)
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
