"""What a report is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gvc.errors import UsageError

#: Most files of an archive that are looked at closely, and most frames of each that are compared:
#: more would make pages that no browser opens gladly.
MAX_DETAILS, MAX_FRAMES = 200, 1000


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """Options of a report, checked when they are made.

    :param details: how many files of an archive, the worst ones, are decoded and looked at closely.
    :param frames: most frames of each that are compared with the source.
    :param weights: a weights file, or a folder of them, besides those that ship.
    :param packs: a speaker pack, or a folder of them.
    :param device: where networks run. :param threads: CPU threads, None for the libraries' choice.
    :raises UsageError: if a value is out of range.
    """

    details: int = 20
    frames: int = 200
    weights: Path | None = None
    packs: Path | None = None
    device: str = "cpu"
    threads: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.details <= MAX_DETAILS:
            raise UsageError(f"{self.details} files cannot be shown", hint=f"0 to {MAX_DETAILS}")
        if not 3 <= self.frames <= MAX_FRAMES:
            raise UsageError(f"{self.frames} frames cannot be shown", hint=f"3 to {MAX_FRAMES}")
