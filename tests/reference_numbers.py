"""Clauses 5.1 to 5.3 of docs/bitstream.md in plain Python: decisions and numbers.

See :mod:`reference_decoder`, whose part this is.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def clip(value: int, bound: int) -> int:
    return min(max(value, -bound), bound)


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
    """Clause 5.3."""
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
