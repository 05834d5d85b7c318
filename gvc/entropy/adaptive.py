"""The entropy model ``adaptive``: counts of what happened in this group, and nothing else.

A level is predicted by the level of the same coefficient one frame before. Most do not change, so a
frame says how many do, then which, then how. Each decision mixes several estimates, and all learn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gvc.entropy.binary import ONE, BinaryCoder
from gvc.entropy.logistic import STRETCH, Context, Mixer
from gvc.entropy.values import magnitude_contexts, sign_class, walk_magnitude, walk_unpredicted

#: Classes of a number of changes.
_COUNTS = (0, 1, 2, 3, 4, 4, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7)

#: Classes of how many frames ago a coefficient changed.
_AGES = (0, 0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5)


def _count_class(count: int) -> int:
    return _COUNTS[min(count, len(_COUNTS) - 1)]


class AdaptiveLevels:
    """See :class:`gvc.entropy.group.LevelModel`.

    :param length: coefficients of a motion code.
    """

    def __init__(self, length: int, coder: BinaryCoder) -> None:
        self._length = length
        self._coder = coder
        self._levels: list[int] | None = None
        self._counts = _Counts(length, coder)
        self._places = _Places(length, coder)
        self._changes = _Changes(length, coder)

    def begin(self, levels: npt.NDArray[np.int32] | None) -> None:
        """Nothing is sent once."""

    def walk(self, wanted: Sequence[int] | None) -> list[int]:
        """Code the levels of the next frame, or, given None, find them out."""
        if self._levels is None:
            self._levels = walk_unpredicted(self._coder, wanted or [0] * self._length)
            return self._levels
        levels = self._levels
        differences = (
            [after - before for after, before in zip(wanted, levels, strict=True)]
            if wanted is not None
            else [0] * self._length
        )
        count = self._counts.walk(self._length - differences.count(0))
        places = self._places.walk(differences, count)
        changes = self._changes.walk(differences, places)
        self._levels = list(levels)
        for place, change in zip(places, changes, strict=True):
            self._levels[place] += change
        return self._levels


class _Counts:
    """How many levels change in a frame."""

    def __init__(self, length: int, coder: BinaryCoder) -> None:
        self._length = length
        self._coder = coder
        self._by_last = [[Context(limit=120) for _ in range(8 * 8)] for _ in range(12)]
        self._by_mean = [[Context(limit=120) for _ in range(12)] for _ in range(12)]
        self._mixers = [Mixer((45000, 30000), 4) for _ in range(12)]
        self._last, self._before, self._mean = 0, 0, 32

    def walk(self, wanted: int) -> int:
        """Code or find out the next frame's number, in unary."""
        last = 8 * _count_class(self._last) + _count_class(self._before)
        mean = min(self._mean, (1 << 12) - 1).bit_length()
        count = 0
        while count < self._length:
            row = min(count, 11)
            one, two = self._by_last[row][last], self._by_mean[row][min(mean, 11)]
            mixer = self._mixers[row]
            odds = STRETCH[one.probability >> 4], STRETCH[two.probability >> 4]
            more = self._coder.code(int(wanted > count), mixer.mix(odds))
            mixer.update(more)
            one.update(more)
            two.update(more)
            if not more:
                break
            count += 1
        # In units of 1/64: a mean over about the last sixteen frames.
        self._mean += (64 * count - self._mean) >> 4
        self._last, self._before = count, self._last
        return count


class _Places:
    """Which levels change, given how many."""

    def __init__(self, length: int, coder: BinaryCoder) -> None:
        self._coder = coder
        self._slow = [24] * length
        self._fast = [0] * length
        self._ages = [99] * length
        self._shared = [[Context(limit=250) for _ in range(12)] for _ in range(24)]
        self._mixers = [Mixer((60000, 6000), 3) for _ in range(8)]

    def walk(self, wanted: Sequence[int], count: int) -> list[int]:
        """Code or find out the places of ``count`` changes: those where ``wanted`` is not 0."""
        slow, fast, ages = self._slow, self._fast, self._ages
        weights = [one + two for one, two in zip(slow, fast, strict=True)]
        total, left, found = sum(weights), count, list[int]()
        for place, weight in enumerate(weights):
            if not left:
                break
            if left < len(weights) - place:
                guess = min(left * weight * ONE // total, 15 << 12)
                row = _count_class(left)
                near = 2 if found and found[-1] == place - 1 else 0
                context = self._shared[4 * _AGES[min(ages[place], 17)] + near + (weight > 100)][row]
                mixer = self._mixers[row]
                bit = self._coder.code(
                    int(wanted[place] != 0),
                    mixer.mix((STRETCH[guess >> 4], STRETCH[context.probability >> 4])),
                )
                mixer.update(bit)
                context.update(bit)
            else:
                bit = 1
            if bit:
                found.append(place)
                left -= 1
            total -= weight
        self._learn(found)
        return found

    def _learn(self, places: Sequence[int]) -> None:
        self._fast = [value - (value >> 2) for value in self._fast]
        self._ages = [age + 1 for age in self._ages]
        for place in places:
            self._slow[place] += 12
            self._fast[place] += 24
            self._ages[place] = 0


class _Changes:
    """By how much levels change that do."""

    def __init__(self, length: int, coder: BinaryCoder) -> None:
        self._coder = coder
        self._last = [0] * length
        self._drift = [0] * length
        self._signs = [Context(limit=250) for _ in range(27)]
        self._own_signs = [[Context(limit=30) for _ in range(3)] for _ in range(length)]
        self._sign_mixer = Mixer((45000, 30000), 4)
        self._more = [[Context(ONE // 4, 4) for _ in range(3)] for _ in range(12)]
        self._own_more = [Context(ONE // 4, 2, 30) for _ in range(length)]
        self._more_mixer = Mixer((40000, 40000), 4)
        self._lengths = magnitude_contexts()

    def walk(self, wanted: Sequence[int], places: Sequence[int]) -> list[int]:
        """Code or find out the changes at ``places``."""
        found = []
        for place in places:
            negative = self._walk_sign(place, int(wanted[place] < 0))
            magnitude = self._walk_magnitude(place, abs(wanted[place]), len(places))
            found.append(-magnitude if negative else magnitude)
        self._drift = [value - (value >> 4) for value in self._drift]
        for place, change in zip(places, found, strict=True):
            self._last[place] = change
            self._drift[place] += 16 * change
        return found

    def _walk_sign(self, place: int, wanted: int) -> int:
        last, drift = sign_class(self._last[place]), self._drift[place]
        size = min(abs(drift) // 16, 2)
        one = self._signs[9 * last + 3 * sign_class(drift) + size]
        two = self._own_signs[place][last]
        odds = STRETCH[one.probability >> 4], STRETCH[two.probability >> 4]
        bit = self._coder.code(wanted, self._sign_mixer.mix(odds))
        self._sign_mixer.update(bit)
        one.update(bit)
        two.update(bit)
        return bit

    def _walk_magnitude(self, place: int, wanted: int, count: int) -> int:
        one = self._more[min(count, 11)][min(abs(self._last[place]), 2)]
        two = self._own_more[place]
        odds = STRETCH[one.probability >> 4], STRETCH[two.probability >> 4]
        more = self._coder.code(int(wanted > 1), self._more_mixer.mix(odds))
        self._more_mixer.update(more)
        one.update(more)
        two.update(more)
        if not more:
            return 1
        return walk_magnitude(self._coder, wanted, 2, self._lengths)
