"""What a run of ``gvc bench speed`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gvc.codec.settings import SIDE_UNIT
from gvc.errors import MediaError, UsageError

#: Sides of pictures that our codec codes unscaled.
MIN_SIDE, MAX_SIDE = 64, 768

#: Longest file that is measured, in seconds.
_MAX_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class SpeedSettings:
    """What a run is asked for, checked when it is made.

    :param clip: a video or .gvc file whose pictures are taken; None draws some.
    :param size: side of the square pictures in pixels.
    :param seconds: length of the measured file at 25 fps.
    :param long_seconds: length of the file whose decoder's memory is compared with that.
    :param repeat: how many times each part runs, after once for warmth.
    :param paper: whether the paper-size generator runs too.
    :param weights, device, threads: of our codec.
    :raises UsageError, MediaError: if a value makes no sense, or there is no such clip.
    """

    clip: Path | None = None
    size: int = 256
    seconds: float = 10.0
    long_seconds: float = 100.0
    repeat: int = 3
    paper: bool = True
    weights: Path | None = None
    device: str = "cpu"
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.size % SIDE_UNIT or not MIN_SIDE <= self.size <= MAX_SIDE:
            raise UsageError(
                f"size {self.size} cannot be measured",
                hint=f"{MIN_SIDE} to {MAX_SIDE}, a multiple of {SIDE_UNIT}",
            )
        if not 0.4 <= self.seconds <= self.long_seconds <= _MAX_SECONDS:
            raise UsageError(
                f"lengths of {self.seconds:g} and {self.long_seconds:g} s cannot be measured",
                hint=f"0.4 to {_MAX_SECONDS:g} s, the second no less than the first",
            )
        if self.clip is not None and not self.clip.is_file():
            raise MediaError("no such file", path=self.clip)
