"""Unsigned integers of variable length (LEB128: seven bits a byte, least significant first)."""

from __future__ import annotations

from gvc.errors import InvalidDataError, TruncatedDataError

#: Most bytes of an integer, enough for 63 bits.
MAX_BYTES = 9


def encode_varint(value: int) -> bytes:
    """The shortest encoding of ``value``, which is below 2^63.

    :raises ValueError: if it is negative or too large.
    """
    if not 0 <= value < 1 << 63:
        raise ValueError(f"{value} does not fit a variable-length integer")
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def decode_varint(data: bytes | bytearray, position: int) -> tuple[int, int]:
    """Decode at ``position``; returns the value and the position behind it.

    :raises TruncatedDataError: if ``data`` ends within the integer.
    :raises InvalidDataError: if it is longer than 9 bytes, or not in its shortest form.
    """
    value = 0
    for count in range(MAX_BYTES):
        if position + count >= len(data):
            raise TruncatedDataError("ends within an integer")
        byte = data[position + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            if byte == 0 and count:
                raise InvalidDataError("integer not in its shortest form")
            return value, position + count + 1
    raise InvalidDataError("integer too long")
