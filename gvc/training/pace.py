"""How fast a training run goes, and how long it waits for its data."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


class Pace:
    """A stopwatch for the loop over batches.

    :ivar pairs: of a key frame and an inter frame since the last lap; the loop counts them.
    """

    def __init__(self) -> None:
        self.pairs = 0
        self._waited = 0.0
        self._started = time.monotonic()

    def waiting_for(self, batches: Iterable[Item]) -> Iterator[Item]:
        """The same batches; the time until each of them is there counts as waiting."""
        iterator = iter(batches)
        while True:
            asked = time.monotonic()
            try:
                batch = next(iterator)
            except StopIteration:
                return
            self._waited += time.monotonic() - asked
            yield batch

    def lap(self) -> tuple[float, dict[str, float]]:
        """Seconds since the last lap; pairs per second and the share of time waiting for data."""
        now = time.monotonic()
        seconds = max(now - self._started, 1e-9)
        rates = {
            "pairs_per_second": round(self.pairs / seconds, 2),
            "waiting": round(self._waited / seconds, 3),
        }
        self.pairs, self._waited, self._started = 0, 0.0, now
        return seconds, rates
