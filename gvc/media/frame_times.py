"""When frames are shown: the best that a file and its decoder say about it."""

from __future__ import annotations

from fractions import Fraction

import av


class BestEffort:
    """Gives decoded frames a pts where the file says none, or nonsense.

    FFmpeg's rule: the time at which a frame is shown; where such times are missing or have gone
    back more often, the time at which it was decoded.

    :param rate: frames per second, for frames about which nothing is known.
    :param time_base: of the frames' pts.
    """

    def __init__(self, rate: Fraction, time_base: Fraction) -> None:
        self._step = max(1, round(1 / (rate * time_base)))
        self._shown: int | None = None
        self._decoded: int | None = None
        self._faulty_shown = 0
        self._faulty_decoded = 0
        self._last: int | None = None

    def repair(self, frame: av.VideoFrame) -> av.VideoFrame:
        """``frame`` with its best pts; frames come in the order in which they are shown."""
        pts, dts = frame.pts, frame.dts
        if dts is not None:
            self._faulty_decoded += self._decoded is not None and dts <= self._decoded
            self._decoded = dts
        elif pts is not None:
            self._decoded = pts
        if pts is not None:
            self._faulty_shown += self._shown is not None and pts <= self._shown
            self._shown = pts
        elif dts is not None:
            self._shown = dts
        if pts is None or (dts is not None and self._faulty_shown > self._faulty_decoded):
            pts = dts
        if pts is None:
            pts = 0 if self._last is None else self._last + self._step
        frame.pts = self._last = pts
        return frame


class Increasing:
    """Gives every frame a pts later than that of the frame before."""

    def __init__(self) -> None:
        self._last: int | None = None

    def repair(self, frame: av.VideoFrame) -> av.VideoFrame:
        """``frame``, at least one unit after the one before; just so if it has no time."""
        first = 0 if self._last is None else self._last + 1
        pts = first if frame.pts is None else frame.pts
        frame.pts = self._last = pts if self._last is None else max(pts, first)
        return frame
