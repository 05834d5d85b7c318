"""A second decoder of motion codes, written from clause 5 of docs/bitstream.md in plain Python.

See :mod:`reference_decoder`, whose part this is.
"""

from __future__ import annotations

from typing import Any

from reference_learned import Learned
from reference_numbers import (
    ONE,
    Context,
    Mixer,
    RangeDecoder,
    golomb,
    logistic,
    magnitude,
    magnitude_contexts,
    mixed,
    plain,
    sign_class,
    stretch,
    unpredicted,
)


class Delays:
    """Clause 5.5."""

    def __init__(self, coder: RangeDecoder) -> None:
        self.coder, self.last = coder, (0, 0)
        self.zero = [[Context(1 << 13, 2) for _ in range(3)] for _ in range(3)]
        self.sign = [[Context() for _ in range(3)] for _ in range(3)]
        self.lengths = [Context() for _ in range(14)]

    def delay(self) -> int:
        one, two = map(sign_class, self.last)
        value = 0
        if plain(self.coder, self.zero[one][two]):
            negative = plain(self.coder, self.sign[one][two])
            value = 1 + golomb(self.coder, self.lengths)
            value = -value if negative else value
        self.last = (value, self.last[0])
        return value


COUNT_CLASS = [0, 1, 2, 3, 4, 4, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7]
AGE_CLASS = [0, 0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5]


def count_class(count: int) -> int:
    return COUNT_CLASS[min(count, 17)]


class Adaptive:
    """Clause 5.7."""

    def __init__(self, coder: RangeDecoder, length: int) -> None:
        self.coder, self.length = coder, length
        self.now: list[int] | None = None
        self.by_last = [[Context(limit=120) for _ in range(64)] for _ in range(12)]
        self.by_mean = [[Context(limit=120) for _ in range(12)] for _ in range(12)]
        self.count_mixers = [Mixer(45000, 30000, rate=4) for _ in range(12)]
        self.last_count, self.count_before, self.mean = 0, 0, 32
        self.slow, self.fast, self.age = [24] * length, [0] * length, [99] * length
        self.place = [[Context(limit=250) for _ in range(12)] for _ in range(24)]
        self.place_mixers = [Mixer(60000, 6000, rate=3) for _ in range(8)]
        self.last, self.drift = [0] * length, [0] * length
        self.sign = [Context(limit=250) for _ in range(27)]
        self.own_sign = [[Context(limit=30) for _ in range(3)] for _ in range(length)]
        self.sign_mixer = Mixer(45000, 30000, rate=4)
        self.more = [[Context(1 << 14, 4) for _ in range(3)] for _ in range(12)]
        self.own_more = [Context(1 << 14, 2, 30) for _ in range(length)]
        self.more_mixer = Mixer(40000, 40000, rate=4)
        self.rest = magnitude_contexts()

    def levels(self) -> list[int]:
        if self.now is None:
            self.now = unpredicted(self.coder, self.length)
            return self.now
        places = self.places(self.count())
        changes = [self.change(place, len(places)) for place in places]
        self.drift = [value - (value >> 4) for value in self.drift]
        self.now = list(self.now)
        for place, change in zip(places, changes, strict=True):
            self.now[place] += change
            self.last[place] = change
            self.drift[place] += 16 * change
        return self.now

    def count(self) -> int:
        column = 8 * count_class(self.last_count) + count_class(self.count_before)
        row_of_mean = min(self.mean.bit_length(), 11)
        count = 0
        while count < self.length:
            row = min(count, 11)
            one, two = self.by_last[row][column], self.by_mean[row][row_of_mean]
            odds = stretch(one.p), stretch(two.p)
            if not mixed(self.coder, self.count_mixers[row], odds, one, two):
                break
            count += 1
        self.mean += (64 * count - self.mean) >> 4
        self.last_count, self.count_before = count, self.last_count
        return count

    def places(self, count: int) -> list[int]:
        weights = [a + b for a, b in zip(self.slow, self.fast, strict=True)]
        left, found = count, []
        for place in range(self.length):
            if not left:
                break
            total = sum(weights[place:])
            bit = 1
            if left < self.length - place:
                weight = weights[place]
                guess = min(left * weight * ONE // total, 15 << 12)
                near = 2 if found and found[-1] == place - 1 else 0
                row = 4 * AGE_CLASS[min(self.age[place], 17)] + near + (weight > 100)
                context = self.place[row][count_class(left)]
                odds = stretch(guess), stretch(context.p)
                bit = mixed(self.coder, self.place_mixers[count_class(left)], odds, context)
            if bit:
                found.append(place)
                left -= 1
        self.fast = [value - (value >> 2) for value in self.fast]
        self.age = [age + 1 for age in self.age]
        for place in found:
            self.slow[place] += 12
            self.fast[place] += 24
            self.age[place] = 0
        return found

    def change(self, place: int, count: int) -> int:
        last, drift = sign_class(self.last[place]), self.drift[place]
        one = self.sign[9 * last + 3 * sign_class(drift) + min(abs(drift) // 16, 2)]
        two = self.own_sign[place][last]
        negative = mixed(self.coder, self.sign_mixer, (stretch(one.p), stretch(two.p)), one, two)
        one, two = self.more[min(count, 11)][min(abs(self.last[place]), 2)], self.own_more[place]
        size = 1
        if mixed(self.coder, self.more_mixer, (stretch(one.p), stretch(two.p)), one, two):
            size = magnitude(self.coder, 2, self.rest)
        return -size if negative else size


class Kalman:
    """Clause 5.8."""

    def __init__(self, coder: RangeDecoder, length: int) -> None:
        self.coder, self.length = coder, length
        self.position: list[int] | None = None
        self.velocity, self.size = [0] * length, [64] * length

    def levels(self) -> list[int]:
        if self.position is None:
            found = unpredicted(self.coder, self.length)
            self.position = [16 * level for level in found]
            return found
        found = []
        for i in range(self.length):
            predicted = self.position[i] + self.velocity[i]
            level = logistic(self.coder, predicted, max(1, self.size[i] * 14 >> 8))
            error = 16 * level - predicted
            self.position[i] = predicted + (56 * error >> 6)
            self.velocity[i] = (48 * self.velocity[i] + 2 * error) >> 6
            self.size[i] += (16 * min(abs(error), 1024) - self.size[i]) >> 3
            found.append(level)
        return found


class Choices:
    """Clause 5.4."""

    def __init__(self, coder: RangeDecoder) -> None:
        self.coder = coder
        self.skipped = [[Context(ONE // 64, 2) for _ in range(3)] for _ in range(3)]
        self.interpolated = [[Context() for _ in range(3)] for _ in range(3)]
        self.changed, self.fades = Context(ONE // 32, 2), Context()
        self.types, self.key = (0, 0), 0

    def choice(self, keys: int) -> tuple[int, int, bool]:
        """Type (0 for M, 1 for P, 2 for I), key frame, and whether the frame fades in."""
        one, two = self.types
        kind = fades = 0
        if plain(self.coder, self.skipped[one][two]):
            kind = 1 + plain(self.coder, self.interpolated[one][two])
        self.types = (kind, one)
        if keys > 1 and plain(self.coder, self.changed):
            others = [number for number in range(keys) if number != self.key]
            while len(others) > 1 and not self.coder.bit(ONE // len(others)):
                others.pop(0)
            self.key = others[0]
            fades = plain(self.coder, self.fades)
        return kind, self.key, bool(fades)


class Walk:
    """All of clause 5: choices, delays and levels of one group."""

    def __init__(
        self,
        data: bytes,
        *,
        model: str,
        length: int,
        step: tuple[int, int] = (1, 1),
        prior: dict[str, Any] | None = None,
    ) -> None:
        coder = RangeDecoder(data)
        self.choice = Choices(coder).choice
        self.delay = Delays(coder).delay
        if model == "learned":
            assert prior is not None
            self.levels = Learned(coder, length, step, prior).levels
        else:
            self.levels = {"adaptive": Adaptive, "kalman": Kalman}[model](coder, length).levels


def decode_motion(data: bytes, *, frames: int, **what: Any) -> list[list[int]]:
    """Levels of ``frames`` inter frames of constant duration."""
    walk = Walk(data, **what)
    return [walk.levels() for _ in range(frames)]
