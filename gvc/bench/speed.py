"""How fast the codec is on this machine, beside the paper-size generator."""

from __future__ import annotations

import datetime
import enum
import io
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from gvc.api.input import InputContainer
from gvc.api.transcode import decode, encode
from gvc.bench.processes import decode_memory, frame_seconds, info_seconds
from gvc.bench.sample import RATE, Picture, lengthen, make_pictures, write_video
from gvc.bench.speed_settings import SpeedSettings
from gvc.bench.stages import analysis_seconds, decode_stages, median_seconds, paper_seconds
from gvc.codec.settings import EncoderSettings
from gvc.media import SinkOptions


class Unit(enum.StrEnum):
    """What a figure counts."""

    FRAMES_A_SECOND = "frames/s"
    MILLISECONDS_A_FRAME = "ms/frame"
    SECONDS = "s"
    MEBIBYTES = "MiB"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    :param name: what was measured. :param value: in ``unit``; medians where there are several.
    :param ratio: how many times as fast as the paper-size generator; None where that says nothing
        or did not run.
    """

    name: str
    value: float
    unit: Unit
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class SpeedReport:
    """All figures of a run and what they depend on.

    :param date: UTC, ISO 8601. :param cpu: its name. :param device: where the network ran.
    :param torch: its version. :param threads: CPU threads of the network.
    """

    date: str
    cpu: str
    device: str
    torch: str
    threads: int
    settings: SpeedSettings
    figures: tuple[Figure, ...]


#: Told what is measured next.
OnPart = Callable[[str], None]


def run_speed(settings: SpeedSettings, *, on_part: OnPart) -> SpeedReport:
    """Measure everything, one part after the other.

    :raises GvcError: if the clip cannot be decoded, the codec fails, or there is no such device.
    """
    with tempfile.TemporaryDirectory(prefix="gvc-speed-") as name:
        figures = tuple(_Run(settings, Path(name), on_part).figures())
    return SpeedReport(
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        cpu=_cpu_name(),
        device=_device_name(settings.device),
        torch=torch.__version__,
        threads=settings.threads or torch.get_num_threads(),
        settings=settings,
        figures=figures,
    )


class _Run:
    """The parts of one run; what one part writes is what later ones read."""

    def __init__(self, settings: SpeedSettings, folder: Path, on_part: OnPart) -> None:
        self._settings = settings
        self._on_part = on_part
        self._video, self._coded = folder / "sample.mp4", folder / "sample.gvc"
        self._long, self._shown = folder / "long.gvc", folder / "shown.mp4"
        self._paper: float | None = None

    def figures(self) -> Iterator[Figure]:
        """Measure; figures come as soon as they are there."""
        settings = self._settings
        self._on_part(f"sample: {settings.seconds:g} s of {settings.size}×{settings.size}")
        pictures = make_pictures(settings)
        write_video(pictures, self._video)
        if settings.paper:
            self._on_part("generator of the paper's size")
            self._paper = paper_seconds(pictures[0], settings)
            yield self._per_frame("generator of the paper's size", self._paper)
        yield from self._encoding(pictures)
        yield from self._decoding()
        yield from self._start_up()
        yield from self._memory()

    def _encoding(self, pictures: list[Picture]) -> Iterator[Figure]:
        self._on_part("encoding: analysis")
        analysis = analysis_seconds(pictures, self._settings)
        yield self._rate("encode: analysis only", analysis)
        self._on_part("encoding: whole file")
        whole = median_seconds(self._encode, repeat=self._settings.repeat)
        yield self._rate("encode: whole file", whole / len(pictures))

    def _encode(self) -> None:
        settings = self._settings
        chosen = EncoderSettings(
            size=settings.size,
            weights=settings.weights,
            device=settings.device,
            threads=settings.threads,
        )
        with self._coded.open("wb") as file:
            encode(self._video, file, settings=chosen)

    def _decoding(self) -> Iterator[Figure]:
        settings = self._settings
        count = round(settings.seconds * RATE)
        with InputContainer(
            self._coded, weights=settings.weights, device=settings.device, threads=settings.threads
        ) as container:

            def to_frames() -> None:
                container.seek(0)
                assert sum(1 for _ in container.decode(video=0)) == count

            def to_video() -> None:
                container.seek(0)
                options = SinkOptions(threads=settings.threads)
                decode(container, io.BytesIO(), container="mp4", options=options)

            self._on_part("decoding: whole file to frames")
            seconds = median_seconds(to_frames, repeat=settings.repeat)
            yield self._rate("decode: whole file to frames", seconds / count)
            self._on_part("decoding: whole file to H.264")
            seconds = median_seconds(to_video, repeat=settings.repeat)
            yield self._rate("decode: whole file to H.264", seconds / count)
        self._on_part("decoding: stages")
        for name, seconds in decode_stages(self._coded, settings).items():
            yield self._per_frame(f"decode stage: {name}", seconds)

    def _start_up(self) -> Iterator[Figure]:
        self._on_part("start-up")
        repeat = self._settings.repeat
        yield Figure("start: gvc info", info_seconds(self._coded, repeat=repeat), Unit.SECONDS)
        for index, name in enumerate(("the first frame", "the first generated frame")):
            seconds = frame_seconds(
                self._coded,
                index=index,
                side=self._settings.size,
                options=self._options(),
                repeat=repeat,
            )
            yield Figure(f"start: gvc decode to {name}", seconds, Unit.SECONDS)

    def _memory(self) -> Iterator[Figure]:
        shortest = lengthen(self._coded, self._long, self._settings.seconds)
        for wanted in (shortest, self._settings.long_seconds):
            seconds = lengthen(self._coded, self._long, wanted)
            self._on_part(f"memory of decoding {seconds:g} s")
            peak = decode_memory(self._long, self._shown, options=self._options())
            yield Figure(f"memory: gvc decode of {seconds:g} s", peak / 2**20, Unit.MEBIBYTES)

    def _options(self) -> list[str]:
        """Options of the command line for what the settings say."""
        settings = self._settings
        options = ["--device", settings.device]
        if settings.threads is not None:
            options += ["--threads", str(settings.threads)]
        if settings.weights is not None:
            options += ["--weights", str(settings.weights)]
        return options

    def _rate(self, name: str, seconds: float) -> Figure:
        return Figure(name, 1 / seconds, Unit.FRAMES_A_SECOND, self._ratio(seconds))

    def _per_frame(self, name: str, seconds: float) -> Figure:
        return Figure(name, 1000 * seconds, Unit.MILLISECONDS_A_FRAME, self._ratio(seconds))

    def _ratio(self, seconds: float) -> float | None:
        return self._paper / seconds if self._paper is not None else None


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device
