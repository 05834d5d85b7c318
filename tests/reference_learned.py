"""Clause 5.9 of docs/bitstream.md in plain Python: the entropy model ``learned``.

See :mod:`reference_decoder`, whose part this is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reference_numbers import (
    LIMIT,
    ONE,
    Context,
    Mixer,
    RangeDecoder,
    clip,
    logistic,
    magnitude,
    magnitude_contexts,
    mixed,
    squash,
    stretch,
)


def logarithm(value: int) -> int:
    length = value.bit_length()
    return 16 * (length - 1) + ((16 * value >> (length - 1)) - 16)


class Trajectory:
    """Clause 5.9: what the network sees."""

    def __init__(self, first: Sequence[int]) -> None:
        zeros = [0] * len(first)
        self.level = [clip(16 * level, 1 << 24) for level in first]
        self.near, self.far = list(self.level), list(self.level)
        self.change, self.fast, self.slow = list(zeros), list(zeros), list(zeros)
        self.busy, self.often, self.size = list(zeros), list(zeros), [8 for _ in zeros]
        self.changes, self.rate, self.frames = list(zeros), [1600 for _ in zeros], 0
        self.counts = (0, 0, 32, 32)

    def push(self, changes: Sequence[int]) -> None:
        for i, change in enumerate(changes):
            some, limited = int(change != 0), 16 * clip(change, 4)
            self.level[i] = clip(self.level[i] + 16 * change, 1 << 24)
            self.near[i] += (self.level[i] - self.near[i]) >> 3
            self.far[i] += (self.level[i] - self.far[i]) >> 5
            self.change[i] = limited
            self.fast[i] += limited - (self.fast[i] >> 1)
            self.slow[i] += limited - (self.slow[i] >> 3)
            self.busy[i] += 16 * some - (self.busy[i] >> 1)
            self.often[i] += 16 * some - (self.often[i] >> 3)
            if some:
                self.size[i] += (16 * min(abs(change) - 1, 8) - self.size[i]) >> 3
            self.changes[i] += some
            self.rate[i] += ((some << 16) - self.rate[i]) >> 6
        self.frames += 1
        count = sum(change != 0 for change in changes)
        last, _, fast, slow = self.counts
        fast, slow = fast + ((64 * count - fast) >> 2), slow + ((64 * count - slow) >> 5)
        self.counts = (count, last, fast, slow)

    def own(self) -> list[list[int]]:
        rows = []
        for i in range(len(self.level)):
            mean = ((self.changes[i] << 16) + 40000) // (self.frames + 20)
            row = [self.change[i], self.fast[i], self.slow[i], self.level[i] - self.near[i]]
            row += [self.level[i] - self.far[i], self.busy[i], self.often[i], self.size[i]]
            row += [stretch(min(mean, 65535)) >> 4, stretch(clip(self.rate[i], 65535)) >> 4]
            rows.append([clip(value, 255) for value in row])
        return rows

    def frame(self) -> list[int]:
        last, before, fast, slow = self.counts
        row = [16 * min(last, 8), 16 * (last > 0), 16 * min(before, 8)]
        return [*row, logarithm(fast + 4), logarithm(slow + 4), 16 * (self.frames < 4)]


def active(hidden: Sequence[int]) -> list[int]:
    return [min(max(value, 0), 1 << 14) >> 4 for value in hidden]


def dot(weights: Sequence[int], inputs: Sequence[int]) -> int:
    return sum(w * x for w, x in zip(weights, inputs, strict=True))


def step_input(over: int, under: int) -> int:
    quarters = 0
    while quarters < 16 and over**4 >= under**4 << (quarters + 1):
        quarters += 1
    while -16 < quarters <= 0 and over**4 << -quarters < under**4:
        quarters -= 1
    return 4 * quarters


class Estimate:
    def __init__(self, context: Context, mixer: Mixer) -> None:
        self.context, self.mixer = context, mixer

    def bit(self, coder: RangeDecoder, guess: int) -> int:
        odds = clip(guess, LIMIT), stretch(self.context.p)
        return mixed(coder, self.mixer, odds, self.context)


class Learned:
    """Clause 5.9."""

    def __init__(
        self, coder: RangeDecoder, length: int, step: tuple[int, int], prior: dict[str, Any]
    ) -> None:
        self.coder, self.length, self.step, self.prior = coder, length, step, prior
        self.now: list[int] | None = None
        self.counts = [Estimate(Context(limit=250), Mixer(ONE, 0, rate=3)) for _ in range(8)]
        self.counts.append(Estimate(Context(3 << 14, 4), Mixer(ONE, ONE, rate=3)))
        place, sign, *more = (Mixer(ONE, 0, rate=2) for _ in range(4))
        self.places = [Estimate(Context(3000, 8, 250), place) for _ in range(length)]
        self.signs = [Estimate(Context(limit=30), sign) for _ in range(length)]
        self.more = [
            [Estimate(Context(1 << 14, 2, 30), mixer) for mixer in more] for _ in range(length)
        ]
        self.rest = magnitude_contexts()

    def levels(self) -> list[int]:
        if self.now is None:
            activity = 0
            for _ in range(4):
                activity = 2 * activity + self.coder.bit(1 << 15)
            self.group = [step_input(*self.step), 16 * activity]
            over, under = self.step
            self.now = [
                logistic(
                    self.coder, clip(mean * under // over, 1 << 23), max(1, scale * under // over)
                )
                for mean, scale in zip(
                    self.prior["first.mean"], self.prior["first.scale"], strict=True
                )
            ]
            self.past = Trajectory(self.now)
            return self.now
        changes = self.changes()
        self.past.push(changes)
        self.now = [a + b for a, b in zip(self.now, changes, strict=True)]
        return self.now

    def changes(self) -> list[int]:
        prior = self.prior
        own, frame = self.past.own(), self.past.frame() + self.group
        inputs = [value for row in own for value in row] + frame
        hidden = [
            dot(row, inputs) + bias
            for row, bias in zip(prior["past.weight"], prior["past.bias"], strict=True)
        ]
        count = self.count(hidden, frame)
        changes, known = [0] * self.length, [0] * (2 * self.length + 14)
        start = 0
        for left in range(count, 0, -1):
            classes = [0] * 14
            classes[min(count, 8) - 1] = classes[8 + min(left, 6) - 1] = 1
            known[2 * self.length :] = classes
            now = [
                value + 16 * dot(row, known)
                for value, row in zip(hidden, prior["present.weight"], strict=True)
            ]
            odds = self.odds(active(now), own)
            place = self.place(start, left, odds[0])
            changes[place] = self.change(place, [row[place] for row in odds])
            known[place], known[self.length + place] = 1, clip(changes[place], 2)
            start = place + 1
        return changes

    def count(self, hidden: Sequence[int], frame: Sequence[int]) -> int:
        prior, units = self.prior, active(hidden)
        count = 0
        while count < self.length:
            guess = 0
            if count < 8:
                direct = dot(prior["counts.frame"][count], frame) + prior["counts.bias"][count]
                guess = (dot(prior["counts.weight"][count], units) + 4 * direct) >> 4
            if not self.counts[min(count, 8)].bit(self.coder, guess):
                break
            count += 1
        return count

    def odds(self, units: Sequence[int], own: Sequence[Sequence[int]]) -> list[list[int]]:
        prior = self.prior
        return [
            [
                (
                    dot(prior["changes.weight"][kind][i], units)
                    + 4
                    * (dot(prior["changes.own"][kind][i], own[i]) + prior["changes.bias"][kind][i])
                )
                >> 4
                for i in range(self.length)
            ]
            for kind in range(4)
        ]

    def place(self, start: int, left: int, odds: Sequence[int]) -> int:
        chances = [squash(clip(value, 2022)) for value in odds]
        weights = [(p << 14) // (ONE - p) for p in chances]
        for place in range(start, self.length):
            if left == self.length - place:
                return place
            guess = min(left * weights[place] * ONE // sum(weights[place:]), 15 << 12)
            if self.places[place].bit(self.coder, stretch(guess)):
                return place
        raise AssertionError

    def change(self, place: int, odds: Sequence[int]) -> int:
        negative = self.signs[place].bit(self.coder, odds[1])
        size = 1
        for estimate, guess in zip(self.more[place], odds[2:], strict=True):
            if not estimate.bit(self.coder, guess):
                break
            size += 1
        else:
            size = magnitude(self.coder, size, self.rest)
        return -size if negative else size
