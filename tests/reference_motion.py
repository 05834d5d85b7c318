"""A second decoder of motion codes, written from clause 5 of docs/bitstream.md in plain Python.

See :mod:`reference_decoder`, whose part this is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MASK = (1 << 64) - 1
ONE, LIMIT = 1 << 16, 2047


class RangeDecoder:
    """Clause 5.1."""

    def __init__(self, data: bytes) -> None:
        data += bytes(-len(data) % 4)
        self.words = [int.from_bytes(data[i : i + 4], "big") for i in range(0, len(data), 4)]
        self.next = 0
        self.low, self.range = 0, MASK
        self.point = self.word() << 32 | self.word()

    def word(self) -> int:
        self.next += 1
        return self.words[self.next - 1] if self.next <= len(self.words) else 0

    def bit(self, probability: int) -> int:
        """One decision; ``probability`` of a 1 in units of 2^-16."""
        probability = min(max(probability, 24), ONE - 24)
        bound = (((ONE - probability) * ((1 << 24) - 2)) >> 16) + 1
        unit = self.range >> 24
        bit = int(((self.point - self.low) & MASK) // unit >= bound)
        first, width = (bound, (1 << 24) - bound) if bit else (0, bound)
        self.low = (self.low + first * unit) & MASK
        self.range = width * unit
        if self.range < 1 << 32:
            self.low = (self.low << 32) & MASK
            self.range = (self.range << 32) & MASK
            self.point = (self.point << 32 | self.word()) & MASK
        return bit


KNOTS = [32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724, 59287, 60565]
KNOTS += [61598, 62428, 63090, 63615, 64030, 64357, 64614, 64816, 64974, 65097, 65194]
KNOTS += [65269, 65328, 65374, 65410, 65438, 65459, 65476, 65489, 65500, 65508, 65514]


def squash(x: int) -> int:
    """Clause 5.2."""
    x = min(max(x, -LIMIT), LIMIT)
    if x < 0:
        return ONE - squash(-x)
    a, b = KNOTS[x // 64], KNOTS[min(x // 64 + 1, 32)]
    return a + ((b - a) * (x % 64) >> 6)


def make_stretch() -> list[int]:
    table, x = [], -LIMIT
    for place in range(4096):
        while x < LIMIT and squash(x) < 16 * place + 8:
            x += 1
        table.append(x)
    return table


STRETCH = make_stretch()


def stretch(p: int) -> int:
    return STRETCH[p >> 4]


class Context:
    """Clause 5.2."""

    def __init__(self, p: int = 1 << 15, n: int = 0, limit: int = 60) -> None:
        self.p, self.n, self.limit = p, n, limit

    def learn(self, bit: int) -> None:
        self.p += 2 * ((bit << 16) - self.p) // (2 * self.n + 3)
        self.n = min(self.n + 1, self.limit)


class Mixer:
    """Clause 5.2."""

    def __init__(self, *weights: int, rate: int) -> None:
        self.w, self.rate = list(weights), rate


def mixed(coder: RangeDecoder, mixer: Mixer, odds: Sequence[int], *learners: Context) -> int:
    p = squash(sum(w * x for w, x in zip(mixer.w, odds, strict=True)) >> 16)
    bit = coder.bit(p)
    error = ((bit << 16) - p) * mixer.rate
    mixer.w = [w + (error * x >> 18) for w, x in zip(mixer.w, odds, strict=True)]
    for context in learners:
        context.learn(bit)
    return bit


def plain(coder: RangeDecoder, context: Context) -> int:
    bit = coder.bit(context.p)
    context.learn(bit)
    return bit


def golomb(coder: RangeDecoder, lengths: Sequence[Context]) -> int:
    """Clause 5.3."""
    bits = 0
    while plain(coder, lengths[min(bits, len(lengths) - 1)]):
        bits += 1
        assert bits <= 40
    value = 1
    for _ in range(bits):
        value = 2 * value + coder.bit(1 << 15)
    return value - 1


def magnitude(coder: RangeDecoder, least: int, contexts: Sequence[Context]) -> int:
    for step in range(12):
        if not plain(coder, contexts[step]):
            return least + step
    return least + 12 + golomb(coder, contexts[12:])


def magnitude_contexts() -> list[Context]:
    return [Context(1 << 14, 4) for _ in range(20)]


def unpredicted(coder: RangeDecoder, length: int) -> list[int]:
    lengths = [Context(15 << 12, 2) for _ in range(20)]
    found = []
    for _ in range(length):
        size = golomb(coder, lengths)
        found.append(-size if size and coder.bit(1 << 15) else size)
    return found


def sign_class(value: int) -> int:
    return 0 if value == 0 else 1 if value > 0 else 2


def logistic(coder: RangeDecoder, centre: int, scale: int) -> int:
    """Clause 5.4."""
    whole = (centre + 8) // 16
    rest = centre - 16 * whole

    def below(value: int) -> int:
        return squash((16 * value - 8 - rest) * 256 // scale)

    def share(part: int, all_: int) -> int:
        return part * ONE // all_ if part < all_ else 1 << 15

    under, over = below(0), ONE - below(1)
    if not coder.bit(under + over):
        return whole
    negative = coder.bit(share(under, under + over))

    def tail(value: int) -> int:
        return below(1 - value) if negative else ONE - below(value)

    low = 1
    while coder.bit(share(tail(2 * low), tail(low))):
        low *= 2
        assert low < 1 << 22
    high = 2 * low
    while high - low > 1:
        middle = (low + high) // 2
        if coder.bit(share(tail(middle) - tail(high), tail(low) - tail(high))):
            low = middle
        else:
            high = middle
    return whole - low if negative else whole + low


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
    """Clause 5.6."""

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
    """Clause 5.7."""

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


def logarithm(value: int) -> int:
    length = value.bit_length()
    return 16 * (length - 1) + ((16 * value >> (length - 1)) - 16)


def clip(value: int, bound: int) -> int:
    return min(max(value, -bound), bound)


class Trajectory:
    """Clause 5.8: what the network sees."""

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
    """Clause 5.8."""

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
