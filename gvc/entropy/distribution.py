"""Integers whose distribution is known: a logistic one of integer centre and scale."""

from __future__ import annotations

from gvc.entropy.binary import ONE, BinaryCoder
from gvc.entropy.logistic import squash
from gvc.errors import InvalidDataError

#: Units of centre and scale in one level.
UNITS = 16

#: Magnitudes stay below two to the power of this.
_MAX_BITS = 22


class Logistic:
    """Codes an integer as its distance from the centre: sign, length, bits.

    :param centre: where the distribution is highest, in 1/16.
    :param scale: its scale, in 1/16, at least 1; the standard deviation is 1.8 times as much.
    """

    def __init__(self, centre: int, scale: int) -> None:
        self._whole = (centre + UNITS // 2) // UNITS
        self._rest = centre - self._whole * UNITS
        self._scale = scale

    def walk(self, coder: BinaryCoder, wanted: int) -> int:
        """Code an integer, or find it out.

        :raises InvalidDataError: if a decoder finds one that is out of range.
        """
        wanted -= self._whole
        below, above = self._below(0), ONE - self._below(1)
        if not coder.code(int(wanted != 0), below + above):
            return self._whole
        negative = coder.code(int(wanted < 0), _share(below, below + above))
        magnitude = self._walk_magnitude(coder, abs(wanted), negative)
        return self._whole + (-magnitude if negative else magnitude)

    def _below(self, value: int) -> int:
        """Probability of less than ``value`` more than the centre."""
        return squash((UNITS * value - UNITS // 2 - self._rest) * 256 // self._scale)

    def _walk_magnitude(self, coder: BinaryCoder, wanted: int, negative: int) -> int:
        def tail(value: int) -> int:
            return self._below(1 - value) if negative else ONE - self._below(value)

        low = 1
        while coder.code(int(wanted >= 2 * low), _share(tail(2 * low), tail(low))):
            low *= 2
            if low >> _MAX_BITS:
                raise InvalidDataError("damaged motion codes: a level is out of range")
        high = 2 * low
        while high - low > 1:
            middle = (low + high) // 2
            upper, all_ = tail(middle) - tail(high), tail(low) - tail(high)
            if coder.code(int(wanted >= middle), _share(upper, all_)):
                low = middle
            else:
                high = middle
        return low


def _share(part: int, whole: int) -> int:
    """``part`` of ``whole`` as a probability; a half where the table ends."""
    return part * ONE // whole if part < whole else ONE // 2
