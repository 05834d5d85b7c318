"""What the manifest of an archive comes to."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gvc.archive.entry import Entry, Form, State

#: States of recordings that could not be coded as they are now.
FAILED = (State.FAILED, State.GONE)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over an archive.

    :param kept: recordings of which there is a file. :param forms: how many of them as what.
    :param failed: how many could not be coded; of some there may be an earlier version.
    :param unfinished: how many wait, or are worked on.
    :param source_size, target_size: bytes of those that are kept.
    :param seconds: of video. :param rate: bits a second of all video, None if that is not known.
    :param distance: mean over files of their mean distances, None if nothing was compared.
    :param compared: how many files were.
    """

    kept: int
    forms: Counter[Form]
    failed: int
    unfinished: int
    source_size: int
    target_size: int
    seconds: float
    rate: float | None
    distance: float | None
    compared: int


def totals_of(entries: Sequence[Entry]) -> Totals:
    """Sum up."""
    kept = [entry for entry in entries if entry.is_kept]
    timed = [entry for entry in kept if entry.seconds]
    seconds = math.fsum(entry.seconds or 0.0 for entry in timed)
    found = [entry.distance_mean for entry in kept if entry.distance_mean is not None]
    return Totals(
        kept=len(kept),
        forms=Counter(entry.form for entry in kept if entry.form is not None),
        failed=sum(entry.state in FAILED for entry in entries),
        unfinished=sum(entry.state not in (*FAILED, State.DONE) for entry in entries),
        source_size=sum(entry.source_size or 0 for entry in kept),
        target_size=sum(entry.target_size or 0 for entry in kept),
        seconds=seconds,
        rate=sum(entry.target_size or 0 for entry in timed) * 8 / seconds if seconds else None,
        distance=statistics.fmean(found) if found else None,
        compared=len(found),
    )


def worst_first(entries: Iterable[Entry]) -> list[Entry]:
    """Recordings that are kept: by mean distance, those that were never compared last."""
    kept = (entry for entry in entries if entry.is_kept)
    return sorted(
        kept,
        key=lambda entry: (
            entry.distance_mean is None,
            -(entry.distance_mean or 0.0),
            -(entry.distance_worst or 0.0),
            entry.name,
        ),
    )
