"""How far a transcoding run is, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

import av

if TYPE_CHECKING:
    from gvc.api.concealment import Loss


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transcoding run is.

    :param frames: video frames done. :param total: how many there are, None if unknown.
    :param media_seconds: of the video done. :param size: bytes of the .gvc file so far.
    :param elapsed: seconds since the run, or its first pass, began.
    :param first_pass: whether this is the first of two passes, which makes nothing.
    """

    frames: int
    total: int | None
    media_seconds: float
    size: int
    elapsed: float
    first_pass: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a transcoding run did.

    :param frames: video frames. :param seconds: of the video. :param size: bytes of the .gvc file.
    :param elapsed: seconds that the run took.
    :param problem: why a damaged file ended early, or how much of a source was damaged; None if
        all was well.
    :param losses: what was lost of a damaged file, where that was concealed.
    """

    frames: int
    seconds: float
    size: int
    elapsed: float
    problem: str | None = None
    losses: tuple[Loss, ...] = ()


OnProgress: TypeAlias = Callable[[Progress], None]
OnWarning: TypeAlias = Callable[[str], None]


def ignore(_: Progress | str) -> None:
    """Take no interest in progress, or in warnings."""


class Account:
    """Frames, playing time and clock of a run, for its progress and its report.

    :param started: when the run began, by the monotonic clock.
    :param time_base: of the frames. :param total: how many there are, None if unknown.
    """

    def __init__(
        self, started: float, time_base: Fraction, total: int | None, on_progress: OnProgress
    ) -> None:
        self._started = started
        self._time_base = time_base
        self._total = total
        self._on_progress = on_progress
        self._begin = self._end = 0
        self.frames = 0

    def count(self, frame: av.VideoFrame, size: int, *, first_pass: bool = False) -> None:
        """Say that ``frame`` is done, and that the .gvc file has ``size`` bytes so far."""
        assert frame.pts is not None
        if not self.frames:
            self._begin = frame.pts
        self._end = frame.pts
        self.frames += 1
        self._on_progress(
            Progress(self.frames, self._total, self._seconds, size, self._elapsed, first_pass)
        )

    def report(
        self,
        frame_rate: Fraction,
        size: int,
        problem: str | None,
        losses: tuple[Loss, ...] = (),
    ) -> Report:
        """What came of it; the last frame lasts as long as the rate says."""
        seconds = self._seconds + float(1 / frame_rate)
        return Report(self.frames, seconds, size, self._elapsed, problem, losses)

    @property
    def _seconds(self) -> float:
        return float((self._end - self._begin) * self._time_base)

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._started
