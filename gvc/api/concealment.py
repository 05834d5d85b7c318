"""What stands for the parts of a damaged file that are lost."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av

from gvc.bitstream import AudioHeader, AudioPacket, Damage, Group, Index, VideoHeader
from gvc.errors import InvalidDataError
from gvc.media import copy_of

#: Most frames that stand for what is lost where no index tells how many these were.
_MOST_HELD = 65535


@dataclass(frozen=True, slots=True)
class Loss:
    """A part of a file that is lost.

    :param stream: ``video`` or ``audio``.
    :param start: offset of the first damaged byte. :param end: offset behind the last one.
    :param cause: what is wrong there.
    :param seconds: from when to when nothing can be shown or heard, of the video's or the audio's
        clock; None if that is nothing, or if it is the end of the file that is lost.
    :param frames: how many stand for those that are lost.
    """

    stream: str
    start: int
    end: int
    cause: str
    seconds: tuple[Fraction, Fraction] | None = None
    frames: int = 0

    def __str__(self) -> str:
        where = f"{self.cause} (bytes {self.start} to {self.end})"
        if self.seconds is None:
            return where
        begin, end = (f"{float(time):.2f}" for time in self.seconds)
        what = "no sound" if self.stream == "audio" else f"{self.frames} frames are held"
        return f"{where}; {what} from {begin} to {end} s"


OnLoss = Callable[[Loss], None]


def _joined(stream: str, damages: list[Damage]) -> Loss:
    start, end = min(each.start for each in damages), max(each.end for each in damages)
    return Loss(stream, start, end, damages[0].cause)


@dataclass(frozen=True, slots=True)
class _Span:
    """Time of the video, and the frames that were in it."""

    begin: int
    end: int
    frames: int


class PictureConcealment:
    """Frames for the time of lost groups, so that a video keeps its length.

    :param header: of the video. :param begin: pts of the group that reading begins with, None at
        the beginning of the file.
    :param say: is told of each loss as soon as it is known how far it reaches.
    """

    def __init__(self, header: VideoHeader, begin: int | None, say: OnLoss) -> None:
        self._duration = header.frame_duration
        self._time_base = header.time_base
        self._say = say
        self._damages: list[Damage] = []
        #: Lost groups of which more is known than the index says: their frames by pts.
        self._known: dict[int, int] = {}
        #: Frames of groups by pts, ascending, as the index says.
        self._indexed: list[tuple[int, int]] | None = None
        #: Before this nothing is missing.
        self._begin = begin
        #: When the next frame is expected.
        self._expected = begin
        self._last: av.VideoFrame | None = None

    def lose(self, damage: Damage, group: Group | None = None, *, shown: int = 0) -> None:
        """Take notice of damage.

        :param group: that cannot be decoded because of it, where its header is whole.
        :param shown: how many of its frames came out before.
        """
        self._damages.append(damage)
        if group is not None and shown < group.frames:
            begin = group.pts if not shown or self._expected is None else self._expected
            self._known[begin] = group.frames - shown

    def is_past(self, pts: int) -> bool:
        """Whether frames from ``pts`` on would come behind later ones."""
        return self._begin is not None and pts < self._begin

    def held(self, frame: av.VideoFrame, index: Index | None) -> Iterator[av.VideoFrame]:
        """What is to be shown before the next good frame.

        :param index: of the file, where it is there.
        """
        assert frame.pts is not None
        if self._damages:
            spans = self._spans(frame.pts, index)
            yield from self._fill(spans, frame if self._last is None else self._last)

    def show(self, frame: av.VideoFrame) -> None:
        """Take notice of a good frame."""
        assert frame.pts is not None
        self._last = frame
        self._begin = frame.pts + 1 if self._begin is None else max(self._begin, frame.pts + 1)
        self._expected = frame.pts + self._duration

    def finish(self, index: Index | None) -> Iterator[av.VideoFrame]:
        """What is to be shown at the end of the file.

        :raises InvalidDataError: if there was no good frame at all.
        """
        if not self._damages:
            return
        if self._last is None:
            raise InvalidDataError(f"no picture can be decoded: {self._damages[0].cause}")
        ends = [pts + frames * self._duration for pts, frames in self._known.items()]
        assert self._expected is not None
        end = index.end_pts if index is not None else max(ends, default=self._expected)
        yield from self._fill(self._spans(end, index), self._last)

    def _spans(self, end: int, index: Index | None) -> list[_Span]:
        """The time up to ``end`` in which frames are missing."""
        if index is None:
            begin = self._expected
            if begin is None:
                begin = min(0, end, *self._known)
            frames = round(Fraction(end - begin, self._duration))
            return [_Span(begin, end, min(frames, _MOST_HELD))] if frames > 0 else []
        if self._indexed is None:
            self._indexed = sorted({group.pts: group.frames for group in index.groups}.items())
        first = 0 if self._begin is None else bisect_left(self._indexed, (self._begin,))
        lost = dict(self._indexed[first : bisect_left(self._indexed, (end,))])
        for pts, frames in self._known.items():
            if not self.is_past(pts) and pts < end:
                lost[pts] = frames
        return [_Span(pts, until, lost[pts]) for pts, until in pairwise([*sorted(lost), end])]

    def _fill(self, spans: list[_Span], picture: av.VideoFrame) -> Iterator[av.VideoFrame]:
        loss = _joined("video", self._damages)
        self._damages = []
        self._known = {}
        held = 0
        for span in spans:
            for pts in _times(span):
                held += 1
                yield copy_of(picture, pts)
        seconds = None
        if held:
            seconds = spans[0].begin * self._time_base, spans[-1].end * self._time_base
        self._say(Loss("video", loss.start, loss.end, loss.cause, seconds, held))


def _times(span: _Span) -> Iterator[int]:
    length = span.end - span.begin
    count = min(span.frames, length)
    return (span.begin + length * number // count for number in range(count))


class SoundGaps:
    """Notices what is missing of the sound; packets behind a gap have their own times.

    :param header: of the audio. :param say: is told of each gap.
    """

    def __init__(self, header: AudioHeader, say: OnLoss) -> None:
        self._time_base = header.time_base
        self._say = say
        self._damages: list[Damage] = []
        self._expected = 0

    def lose(self, damage: Damage) -> None:
        """Take notice of damage."""
        self._damages.append(damage)

    def hear(self, packet: AudioPacket) -> None:
        """Take notice of a good packet."""
        if self._damages and packet.pts > self._expected:
            loss = _joined("audio", self._damages)
            seconds = self._expected * self._time_base, packet.pts * self._time_base
            self._say(Loss("audio", loss.start, loss.end, loss.cause, seconds))
        self._damages = []
        self._expected = packet.pts + packet.duration
