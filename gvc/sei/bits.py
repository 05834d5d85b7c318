"""Bits of a payload: u(n) and ue(v) of H.266, written and read with limits."""

from __future__ import annotations

from gvc.errors import InvalidDataError, TruncatedDataError

#: Most bits behind the leading one of a ue(v), whose values are then below 2^32.
_MAX_SUFFIX = 31


class BitWriter:
    """Collects syntax elements, most significant bit first."""

    def __init__(self) -> None:
        self._bits: list[str] = []
        self._length = 0

    def unsigned(self, value: int, bits: int) -> None:
        """u(n): ``value`` in ``bits`` bits."""
        if not 0 <= value < 1 << bits:
            raise ValueError(f"{value} does not fit {bits} bits")
        self._bits.append(f"{value:0{bits}b}")
        self._length += bits

    def flag(self, value: bool) -> None:
        """u(1)."""
        self.unsigned(int(value), 1)

    def golomb(self, value: int) -> None:
        """ue(v): exponential Golomb code of order 0."""
        suffix = (value + 1).bit_length() - 1
        if value < 0 or suffix > _MAX_SUFFIX:
            raise ValueError(f"{value} does not fit an exponential Golomb code")
        self.unsigned(value + 1, 2 * suffix + 1)

    def to_bytes(self) -> bytes:
        """All bits; what is missing to a whole byte is a one and zeros, as in SEI payloads."""
        spare = -self._length % 8
        bits = "".join(self._bits) + "10000000"[:spare]
        return int(bits or "0", 2).to_bytes(len(bits) // 8)


class BitReader:
    """Reads what a :class:`BitWriter` wrote.

    :raises InvalidDataError: from every method, if an element is cut off or out of range.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def unsigned(self, bits: int) -> int:
        """u(n), of at most 64 bits."""
        end = self._position + bits
        if end > 8 * len(self._data):
            raise TruncatedDataError("an SEI message ends within an element")
        value = self._window(self._position, (end + 7) // 8) >> -end % 8
        self._position = end
        return value & ((1 << bits) - 1)

    def flag(self) -> bool:
        """u(1)."""
        return bool(self.unsigned(1))

    def golomb(self, name: str, high: int) -> int:
        """ue(v), from 0 to ``high``."""
        first = self._position // 8
        ahead = self._data[first : first + 5]
        # The first bits may have been read.
        left = 8 * len(ahead) - self._position % 8
        known = int.from_bytes(ahead) & ((1 << left) - 1)
        suffix = left - known.bit_length()
        if known == 0 or suffix > _MAX_SUFFIX:
            raise InvalidDataError(f"{name} is out of range")
        self._position += suffix
        value = self.unsigned(suffix + 1) - 1
        if value > high:
            raise InvalidDataError(f"{name} {value} is out of range")
        return value

    def finish(self) -> None:
        """Check that nothing follows but what fills up the last byte."""
        spare = -self._position % 8
        if self._position + spare != 8 * len(self._data):
            raise InvalidDataError("an SEI message is longer than what it holds")
        if spare and self.unsigned(spare) != 1 << (spare - 1):
            raise InvalidDataError("an SEI message does not end as it should")

    def _window(self, start: int, last: int) -> int:
        return int.from_bytes(self._data[start // 8 : last])
