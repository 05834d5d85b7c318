"""When frames come: what all entropy models code alike, beside the levels."""

from __future__ import annotations

from gvc.entropy.binary import ONE, BinaryCoder
from gvc.entropy.logistic import Context
from gvc.entropy.values import sign_class, walk_signed

#: Contexts of the length of a delay's magnitude.
_LENGTHS = 14


class Timing:
    """The delays of a group; periodic patterns cost next to nothing."""

    def __init__(self, coder: BinaryCoder) -> None:
        self._coder = coder
        self._zero = [[Context(ONE // 8, 2) for _ in range(3)] for _ in range(3)]
        self._sign = [[Context() for _ in range(3)] for _ in range(3)]
        self._lengths = [Context() for _ in range(_LENGTHS)]
        self._last = 0, 0

    def walk_delay(self, delay: int) -> int:
        """Code (or, for a decoder, find out) how many ticks later than usual a frame comes."""
        newest, other = map(sign_class, self._last)
        value = walk_signed(
            self._coder,
            delay,
            self._zero[newest][other],
            self._sign[newest][other],
            self._lengths,
        )
        self._last = value, self._last[0]
        return value
