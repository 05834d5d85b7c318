"""The entropy model ``adaptive``: binary decisions whose probabilities are counted as they come.

A level is predicted by the level of the same coefficient one frame before (0 before the first
inter frame); the difference is coded as: is it zero? its sign; its magnitude in unary, then
exponential Golomb. Each decision has two estimates, one of the coefficient alone and one that all
coefficients share; their mean is used, and both learn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gvc.entropy.binary import BinaryCoder, BinaryDecoder, BinaryEncoder, Context, mixed
from gvc.entropy.choices import Choices, InterType, KeyChoice
from gvc.errors import InvalidDataError

#: Magnitudes up to this are coded in unary with adaptive contexts.
_UNARY = 14

#: Most bits of a magnitude beyond that.
_MAX_ESCAPE_BITS = 20

#: Levels are within ± this; an encoder clips, a decoder refuses what goes beyond.
MAX_LEVEL = 1 << 19

#: Numbers of values of the contexts' conditions.
_TIMES, _NEIGHBOURS = 4, 4

#: Experience with which the shared zero flags begin: probability of "not zero" in 1/16 by
#: (magnitudes of this coefficient in the last two frames, activity in this frame).
_ZERO_PRIOR = (
    (1, 2, 3, 5),
    (3, 4, 6, 8),
    (6, 8, 10, 11),
    (10, 11, 12, 13),
)


class _Tables:
    """All contexts of one group."""

    def __init__(self, length: int) -> None:
        shared = range(_TIMES * _NEIGHBOURS)
        self.zero_shared = [
            Context(_ZERO_PRIOR[index // _NEIGHBOURS][index % _NEIGHBOURS] << 12, 8)
            for index in shared
        ]
        self.zero_own = [[Context() for _ in range(_TIMES)] for _ in range(length)]
        self.sign_shared = [Context() for _ in range(3)]
        self.sign_own = [[Context() for _ in range(3)] for _ in range(length)]
        self.more_shared = [[Context(1 << 14, 4) for _ in range(_UNARY)] for _ in range(3)]
        self.more_own = [[Context(1 << 14) for _ in range(3)] for _ in range(length)]
        self.first_zero = Context(7 << 13, 4)
        self.first_sign = Context()
        self.first_more = [Context(3 << 14, 4) for _ in range(_UNARY)]
        self.delay_zero = [[Context(1 << 13, 2) for _ in range(3)] for _ in range(3)]
        self.delay_sign = [[Context() for _ in range(3)] for _ in range(3)]
        self.delay_more = [Context() for _ in range(_UNARY)]


class _Adaptive:
    """What encoder and decoder share: one walk over the decisions, for either direction."""

    def __init__(self, length: int, coder: BinaryCoder) -> None:
        self._length = length
        self._coder = coder
        self._tables = _Tables(length)
        self.choices = Choices(coder)
        self._levels = [0] * length
        self._last = [0] * length
        self._before = [0] * length
        self._first = True
        self._delays = (0, 0)

    def walk_levels(self, levels: Sequence[int]) -> list[int]:
        """Code (or, for a decoder, find out) the levels of the next frame."""
        differences: list[int] = []
        for index in range(self._length):
            wanted = levels[index] - self._levels[index]
            if self._first:
                value = self._walk_first(wanted)
            else:
                value = self._walk_difference(index, wanted, differences)
            differences.append(value)
        self._levels = [a + b for a, b in zip(self._levels, differences, strict=True)]
        if any(abs(level) > MAX_LEVEL for level in self._levels):
            raise InvalidDataError("damaged motion codes: a level is out of range")
        if not self._first:
            self._before, self._last = self._last, differences
        self._first = False
        return self._levels

    def walk_delay(self, delay: int) -> int:
        """Code (or find out) a frame's delay; periodic patterns cost next to nothing."""
        tables, (one, two) = self._tables, self._delays
        zero = tables.delay_zero[_sign_class(one)][_sign_class(two)]
        sign = tables.delay_sign[_sign_class(one)][_sign_class(two)]
        value = self._walk_signed(
            delay, (zero, zero), (sign, sign), [(more, more) for more in tables.delay_more]
        )
        self._delays = (value, one)
        return value

    def _walk_first(self, wanted: int) -> int:
        tables = self._tables
        zero, sign = tables.first_zero, tables.first_sign
        more = [(context, context) for context in tables.first_more]
        return self._walk_signed(wanted, (zero, zero), (sign, sign), more)

    def _walk_difference(self, index: int, wanted: int, done: Sequence[int]) -> int:
        tables = self._tables
        last, before = self._last[index], self._before[index]
        time = min(_TIMES - 1, abs(last) + (abs(before) + 1) // 2)
        active = min(_NEIGHBOURS - 1, sum(1 for value in done[-6:] if value))
        zero = tables.zero_shared[time * _NEIGHBOURS + active], tables.zero_own[index][time]
        direction = _sign_class(last)
        sign = tables.sign_shared[direction], tables.sign_own[index][direction]
        level = min(2, abs(last))
        own = tables.more_own[index][level]
        more = [
            (shared, own if step == 0 else shared)
            for step, shared in enumerate(tables.more_shared[level])
        ]
        return self._walk_signed(wanted, zero, sign, more)

    def _walk_signed(
        self,
        wanted: int,
        zero: tuple[Context, Context],
        sign: tuple[Context, Context],
        more: Sequence[tuple[Context, Context]],
    ) -> int:
        if not self._decide(int(wanted != 0), *zero):
            return 0
        negative = self._decide(int(wanted < 0), *sign)
        magnitude = 1
        while magnitude <= _UNARY and self._decide(
            int(abs(wanted) > magnitude), *more[magnitude - 1]
        ):
            magnitude += 1
        if magnitude > _UNARY:
            magnitude += self._walk_escape(abs(wanted) - magnitude)
        return -magnitude if negative else magnitude

    def _walk_escape(self, wanted: int) -> int:
        """Exponential Golomb code of order 0 in decisions of even odds."""
        bits = 0
        while self._even(int((wanted + 1) >> (bits + 1) > 0)):
            bits += 1
            if bits > _MAX_ESCAPE_BITS:
                raise InvalidDataError("damaged motion codes: a magnitude is out of range")
        value = 1
        for position in reversed(range(bits)):
            value = 2 * value + self._even(((wanted + 1) >> position) & 1)
        return value - 1

    def _decide(self, bit: int, one: Context, other: Context) -> int:
        bit = self._coder.code(bit, mixed(one, other))
        one.update(bit)
        if other is not one:
            other.update(bit)
        return bit

    def _even(self, bit: int) -> int:
        return self._coder.code(bit, 1 << 15)


def _sign_class(value: int) -> int:
    """0 for zero, 1 for positive, 2 for negative."""
    return 0 if value == 0 else 1 if value > 0 else 2


class AdaptiveEncoder:
    """See :class:`gvc.entropy.MotionEncoder`.

    >>> import numpy as np
    >>> encoder = AdaptiveEncoder(3)
    >>> encoder.encode(np.array([4, -1, 0], dtype=np.int32))
    >>> data = encoder.finish()
    >>> AdaptiveDecoder(3, data).decode()
    array([ 4, -1,  0], dtype=int32)
    """

    def __init__(self, length: int) -> None:
        self._coder = BinaryEncoder()
        self._walk = _Adaptive(length, self._coder)

    def encode(self, levels: npt.NDArray[np.int32]) -> None:
        """Code the levels of the next frame, int32 [length], within ± :data:`MAX_LEVEL`."""
        self._walk.walk_levels(levels.tolist())

    def encode_delay(self, delay: int) -> None:
        """Code how many ticks later than usual the next frame comes."""
        self._walk.walk_delay(delay)

    def encode_type(self, kind: InterType) -> None:
        """Code the type of the next inter frame."""
        self._walk.choices.walk_type(kind)

    def encode_key(self, choice: KeyChoice, keys: int) -> None:
        """Code which of ``keys`` key frames the next inter frame is animated from."""
        self._walk.choices.walk_key(choice, keys)

    def finish(self) -> bytes:
        """All bytes of the run."""
        return self._coder.finish()


class AdaptiveDecoder:
    """See :class:`gvc.entropy.MotionDecoder`."""

    def __init__(self, length: int, data: bytes) -> None:
        self._walk = _Adaptive(length, BinaryDecoder(data))
        self._nothing = [0] * length

    def decode(self) -> npt.NDArray[np.int32]:
        """The levels of the next frame, int32 [length].

        :raises InvalidDataError: if the data is damaged.
        """
        return np.array(self._walk.walk_levels(self._nothing), dtype=np.int32)

    def decode_delay(self) -> int:
        """How many ticks later than usual the next frame comes."""
        return self._walk.walk_delay(0)

    def decode_type(self) -> InterType:
        """The type of the next inter frame."""
        return self._walk.choices.walk_type(InterType.MOTION)

    def decode_key(self, keys: int) -> KeyChoice:
        """Which of ``keys`` key frames the next inter frame is animated from."""
        return self._walk.choices.walk_key(KeyChoice(0), keys)
