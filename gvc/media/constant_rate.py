"""Frames at a constant rate, for formats that hold no times."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av

from gvc.errors import MediaError

#: Longest pause, in seconds, that is filled with copies of a frame.
_MAX_PAUSE = 3600

#: Most copies of a frame, where somebody says that there are millions a second.
_MAX_COPIES = 1 << 18


class ConstantRate:
    """Repeats frames and leaves out frames so that each is shown at its time, as ffmpeg does.

    :param rate: frames a second.
    """

    def __init__(self, rate: Fraction) -> None:
        self._rate = rate
        self._next = 0
        self._start: Fraction | None = None
        self._last: av.VideoFrame | None = None

    def spread(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """Frames to write now: copies of the last one, then ``frame``; none if it is too soon.

        ``frame`` is taken over: their pts count from 0, their time base is one frame.

        :raises MediaError: if ``frame`` comes more than an hour, or very many frames, after the
            last one.
        """
        assert frame.pts is not None
        assert frame.time_base is not None
        time = frame.pts * frame.time_base
        if self._start is None:
            self._start = time
        due = round((time - self._start) * self._rate)
        if due - self._next > min(_MAX_PAUSE * self._rate, Fraction(_MAX_COPIES)):
            raise MediaError("a pause is too long for a format without times")
        while self._last is not None and self._next < due:
            yield self._numbered(self._last)
        if self._next == due:
            yield self._numbered(frame)
            self._last = frame

    def _numbered(self, frame: av.VideoFrame) -> av.VideoFrame:
        frame.pts, frame.time_base = self._next, 1 / self._rate
        self._next += 1
        return frame
