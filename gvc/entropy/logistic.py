"""Probabilities and log-odds in integers, and estimates of them that learn.

Log-odds are in units of 2^-8 within ± :data:`LIMIT`, probabilities in units of 2^-16.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gvc.entropy.binary import ONE

#: Bound of log-odds: 8, a probability of 1/2982.
LIMIT: Final = 2047

#: Probabilities of the log-odds 0, 1/4, 1/2 … 8. Those of negative ones follow by symmetry.
_SQUASHED: Final = (
    32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724,
    59287, 60565, 61598, 62428, 63090, 63615, 64030, 64357,
    64614, 64816, 64974, 65097, 65194, 65269, 65328, 65374,
    65410, 65438, 65459, 65476, 65489, 65500, 65508, 65514,
)  # fmt: skip


def _squashed(odds: int) -> int:
    """Straight lines between the entries of the table."""
    if odds < 0:
        return ONE - _squashed(-odds)
    place, rest = divmod(odds, 64)
    low = _SQUASHED[place]
    return low + ((_SQUASHED[min(place + 1, 32)] - low) * rest >> 6)


#: Probability by log-odds + :data:`LIMIT`.
SQUASH: Final = tuple(_squashed(odds) for odds in range(-LIMIT, LIMIT + 1))


def _stretched() -> tuple[int, ...]:
    """The least log-odds whose probability is not below that in the middle of each interval."""
    found, odds = [], -LIMIT
    for place in range(4096):
        while odds < LIMIT and SQUASH[odds + LIMIT] < 16 * place + 8:
            odds += 1
        found.append(odds)
    return tuple(found)


#: Log-odds by probability // 16.
STRETCH: Final = _stretched()


def squash(odds: int) -> int:
    """The probability of log-odds that may be beyond their bounds."""
    return SQUASH[min(max(odds, -LIMIT), LIMIT) + LIMIT]


class Context:
    """The probability of a 1 in one kind of decision, estimated from those before.

    Each decision moves it towards what was decided by ⌊distance / (count + 1.5)⌋, so that it is the
    mean of all decisions at first and of about the last ``limit`` later. ``count`` begins above 0
    where experience is built in.
    """

    __slots__ = ("count", "limit", "probability")

    def __init__(self, probability: int = ONE // 2, count: int = 0, limit: int = 60) -> None:
        self.probability = probability
        self.count = count
        self.limit = limit

    def update(self, bit: int) -> None:
        """Take a decision into account."""
        count = self.count
        self.probability += 2 * ((ONE if bit else 0) - self.probability) // (2 * count + 3)
        if count < self.limit:
            self.count = count + 1


class Mixer:
    """One probability of several estimates: their log-odds, weighed and added.

    The weights, in units of 2^-16, learn from each decision.

    :param weights: where they begin. :param rate: how fast they learn; 0 is not at all.
    """

    __slots__ = ("_inputs", "_probability", "_rate", "_weights")

    def __init__(self, weights: Sequence[int], rate: int) -> None:
        self._weights = list(weights)
        self._rate = rate
        self._inputs: Sequence[int] = ()
        self._probability = 0

    def mix(self, inputs: Sequence[int]) -> int:
        """The probability of a 1, given one log-odds for each weight."""
        total = 0
        for weight, value in zip(self._weights, inputs, strict=True):
            total += weight * value
        self._inputs = inputs
        self._probability = squash(total >> 16)
        return self._probability

    def update(self, bit: int) -> None:
        """Take the decision that was mixed for last into account."""
        error = ((ONE if bit else 0) - self._probability) * self._rate
        self._weights = [
            weight + (error * value >> 18)
            for weight, value in zip(self._weights, self._inputs, strict=True)
        ]
