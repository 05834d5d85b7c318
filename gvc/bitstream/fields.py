"""Fields of a payload, written and read one after the other."""

from __future__ import annotations

from fractions import Fraction

from gvc.container.varint import decode_varint, encode_varint
from gvc.errors import InvalidDataError, LimitError, TruncatedDataError


class FieldWriter:
    """Collects fields.

    :raises LimitError: from every method, if no field of that type holds the value. Whether a
        reader takes it is for :mod:`gvc.bitstream.read_back` to find out.
    """

    def __init__(self) -> None:
        self._data = bytearray()

    def unsigned(self, value: int) -> None:
        """A variable-length integer from 0."""
        try:
            self._data += encode_varint(value)
        except ValueError as error:
            raise LimitError(f"{value} is out of range") from error

    def byte(self, value: int) -> None:
        """An integer from 0 to 255."""
        if not 0 <= value <= 255:
            raise LimitError(f"{value} is out of range")
        self._data.append(value)

    def signed(self, value: int) -> None:
        """A variable-length integer: 0, −1, 1, −2, 2… as 0, 1, 2, 3, 4…"""
        self.unsigned(2 * value if value >= 0 else -2 * value - 1)

    def fraction(self, value: Fraction) -> None:
        """A positive fraction in lowest terms: numerator, denominator."""
        self.unsigned(value.numerator)
        self.unsigned(value.denominator)

    def blob(self, value: bytes) -> None:
        """Bytes behind their number."""
        self.unsigned(len(value))
        self._data += value

    def text(self, value: str) -> None:
        """UTF-8 behind its number of bytes."""
        if not isinstance(value, str):
            raise LimitError(f"{value!r} is not text")
        try:
            self.blob(value.encode())
        except UnicodeEncodeError as error:
            raise LimitError(f"{value!r} holds half a character") from error

    def raw(self, value: bytes) -> None:
        """Bytes whose number the reader knows."""
        self._data += value

    def to_bytes(self) -> bytes:
        """All fields so far."""
        return bytes(self._data)


class FieldReader:
    """Reads fields of one payload, each within its limits.

    :raises InvalidDataError: from every method, if a field is cut off or out of its range.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def left(self) -> int:
        """Bytes that were not read."""
        return len(self._data) - self._position

    def unsigned(self, name: str, high: int, *, low: int = 0) -> int:
        """An integer from ``low`` to ``high``."""
        value, self._position = decode_varint(self._data, self._position)
        if not low <= value <= high:
            raise InvalidDataError(f"{name} {value} is out of range")
        return value

    def signed(self, name: str, bound: int) -> int:
        """An integer from ``-bound`` to ``bound``."""
        value = self.unsigned(name, 2 * bound)
        return value // 2 if value % 2 == 0 else -(value + 1) // 2

    def fraction(self, name: str, high: int) -> Fraction:
        """A positive fraction whose terms are at most ``high``."""
        numerator = self.unsigned(name, high, low=1)
        return Fraction(numerator, self.unsigned(name, high, low=1))

    def blob(self, name: str, limit: int, *, low: int = 0) -> bytes:
        """Bytes behind their number, ``low`` to ``limit`` of them."""
        return self.raw(self.unsigned(f"length of {name}", limit, low=low))

    def text(self, name: str, limit: int) -> str:
        """UTF-8 of at most ``limit`` bytes."""
        try:
            return self.blob(name, limit).decode()
        except UnicodeDecodeError as error:
            raise InvalidDataError(f"{name} is not UTF-8") from error

    def raw(self, length: int) -> bytes:
        """The next ``length`` bytes."""
        if length > self.left:
            raise TruncatedDataError("a field is longer than what holds it")
        self._position += length
        return self._data[self._position - length : self._position]

    def rest(self) -> bytes:
        """All that is left."""
        return self.raw(self.left)
