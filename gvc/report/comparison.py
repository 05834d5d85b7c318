"""A file decoded here and there, beside its source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from gvc.api.input import InputContainer
from gvc.bitstream import FrameType, Group, Rectangle, VideoHeader
from gvc.codec.frame_distance import frame_distance
from gvc.codec.summary import StreamSummary
from gvc.errors import InvalidDataError, UsageError
from gvc.media import AudioMode, Source, still_picture, to_rgb
from gvc.model.distance import Distance
from gvc.report.settings import ReportSettings

#: Instants of which pictures are shown, one in each of as many equal parts of a file.
INSTANTS = 3

#: Longest side of these pictures in pixels, and their quality on FFmpeg's scale.
_SIDE, _QUALITY = 256, 4


@dataclass(frozen=True, slots=True)
class Sample:
    """A frame that was decoded.

    :param seconds: since the first frame. :param kind: how it is coded.
    :param distance: from the source; None if that is not at hand.
    """

    seconds: float
    kind: FrameType
    distance: float | None


@dataclass(frozen=True, slots=True)
class Instant:
    """A frame that is shown.

    :param decoded, source: JPEG files; there is no source if it is not at hand.
    :param size: width and height of both in pixels.
    """

    sample: Sample
    decoded: bytes
    source: bytes | None
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a file.

    :param samples: frames that were decoded, in the order of showing.
    :param instants: those that are shown: the worst of each third of the file, or its middle where
        there is no source.
    """

    samples: list[Sample]
    instants: list[Instant]


def look_at(
    path: Path, summary: StreamSummary, source: Path | None, settings: ReportSettings
) -> Look:
    """Decode frames of the .gvc file ``path`` and compare them.

    :param summary: of the file. :param source: what it was made from, None if that is not at hand.
    :raises UsageError: if ``source`` is another recording.
    :raises GvcError: if either cannot be read, or the file's weights are not here.
    """
    kinds = [kind for group in summary.by_group for kind in group.types]
    if not kinds:
        raise InvalidDataError("holds no frame", path=path)
    samples = list[Sample]()
    shown = dict[int, _Pair]()
    with ExitStack() as stack:
        file = stack.enter_context(
            InputContainer(
                path,
                weights=settings.weights,
                packs=settings.packs,
                device=settings.device,
                threads=settings.threads,
            )
        )
        video = file.header.video
        original = None
        if source is not None:
            original = stack.enter_context(_Original(source, path, video, settings))
        chosen = _middles(len(kinds))
        if original is not None:
            chosen = _spread(len(kinds), settings.frames)
        begin = float(summary.by_group[0].pts * video.time_base)
        for index, frame, rectangles in _decoded(file, summary, chosen):
            pair = _Pair(Sample(_seconds(frame) - begin, kinds[index], None), frame)
            if original is not None:
                pair = original.compare(index, pair, rectangles)
            samples.append(pair.sample)
            part = index * INSTANTS // len(kinds)
            if part not in shown or pair.further(shown[part]):
                shown[part] = pair
    return Look(samples, [shown[part].instant(video) for part in sorted(shown)])


@dataclass(frozen=True, slots=True)
class _Pair:
    """A decoded frame beside the source's."""

    sample: Sample
    decoded: av.VideoFrame
    source: av.VideoFrame | None = None

    def further(self, other: _Pair) -> bool:
        return (self.sample.distance or 0.0) > (other.sample.distance or 0.0)

    def instant(self, video: VideoHeader) -> Instant:
        size = _shown_size(video)
        source = None if self.source is None else _jpeg(self.source, size)
        return Instant(self.sample, _jpeg(self.decoded, size), source, size)


class _Original:
    """The source of a file, read once from its beginning; a context manager."""

    def __init__(
        self, source: Path, path: Path, video: VideoHeader, settings: ReportSettings
    ) -> None:
        self._name, self._path, self._video = source, path, video
        self._distance = Distance.load(device=settings.device)
        self._media = Source(source, audio=AudioMode.NONE, threads=settings.threads)
        self._frames = enumerate(iter(self._media))
        self._begin: float | None = None
        self._tolerance = float(1 / video.frame_rate) / 2
        if (self._media.video.width, self._media.video.height) != (video.width, video.height):
            self._media.close()
            raise self._other("its pictures have another size")

    def compare(self, index: int, pair: _Pair, rectangles: tuple[Rectangle, ...]) -> _Pair:
        """The same with the source's frame, which is its number ``index``; numbers ascend.

        :param rectangles: of the frame's group.
        """
        frame = next((frame for place, frame in self._frames if place == index), None)
        if not isinstance(frame, av.VideoFrame):
            raise self._other("it has fewer frames")
        if self._begin is None:
            self._begin = _seconds(frame)
        if abs(_seconds(frame) - self._begin - pair.sample.seconds) > self._tolerance:
            raise self._other("its frames come at other times")
        distance = frame_distance(
            self._distance, frame, pair.decoded, header=self._video, rectangles=rectangles
        )
        sample = Sample(pair.sample.seconds, pair.sample.kind, distance)
        return _Pair(sample, pair.decoded, frame)

    def _other(self, why: str) -> UsageError:
        return UsageError(f"is not what {self._path} was made from: {why}", path=self._name)

    def __enter__(self) -> _Original:
        return self

    def __exit__(self, *_: object) -> None:
        self._media.close()


def _decoded(
    file: InputContainer, summary: StreamSummary, chosen: set[int]
) -> Iterator[tuple[int, av.VideoFrame, tuple[Rectangle, ...]]]:
    """The frames whose numbers in the file are ``chosen``: numbers, frames, rectangles."""
    start = 0
    # What is behind the last whole group is damaged.
    for group, packet in zip(summary.by_group, file.demux(video=0), strict=False):
        unit, end = packet.unit, start + len(group.types)
        assert isinstance(unit, Group)
        wanted = sorted(index for index in chosen if start <= index < end)
        if wanted:
            decoder = file.video_decoder
            times = decoder.times(unit)
            only = frozenset(times[index - start] for index in wanted)
            for index, frame in zip(wanted, decoder.decode(unit, only=only), strict=True):
                yield index, frame, unit.rectangles
        start = end


def _spread(count: int, most: int) -> set[int]:
    """At most ``most`` of ``count`` numbers, the first and the last among them."""
    if count <= most:
        return set(range(count))
    return {round(place * (count - 1) / (most - 1)) for place in range(most)}


def _middles(count: int) -> set[int]:
    """The numbers in the middle of each part of which pictures are shown."""
    return {(2 * part + 1) * count // (2 * INSTANTS) for part in range(INSTANTS)}


def _seconds(frame: av.VideoFrame) -> float:
    assert frame.pts is not None
    assert frame.time_base is not None
    return float(frame.pts * frame.time_base)


def _shown_size(video: VideoHeader) -> tuple[int, int]:
    """Width and height of a small picture of square pixels; even."""
    width, height = float(video.width * video.sample_aspect_ratio), float(video.height)
    factor = min(1.0, _SIDE / max(width, height))
    across, down = (max(2, round(side * factor / 2) * 2) for side in (width, height))
    return across, down


def _jpeg(frame: av.VideoFrame, size: tuple[int, int]) -> bytes:
    pixels: npt.NDArray[np.uint8] = to_rgb(frame, *size)
    return still_picture(pixels, codec="mjpeg", quality=_QUALITY)
