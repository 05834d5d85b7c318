"""H.264 whose pictures are pairs of fields, a packet each; macroblocks are raw samples."""

from __future__ import annotations

from pathlib import Path

#: Samples of a macroblock that is not compressed.
_LUMA, _CHROMA = 256, 128

_DELIMITER = b"\x00\x00\x00\x01\x09\x10"


class Bits:
    """Bits in the order in which they are written."""

    def __init__(self) -> None:
        self._text = ""

    def fixed(self, *pairs: tuple[int, int]) -> Bits:
        """Numbers of fixed widths: width and value."""
        self._text += "".join(format(value, f"0{width}b") for width, value in pairs)
        return self

    def golomb(self, *values: int) -> Bits:
        """Numbers as Exp-Golomb codes."""
        for value in values:
            text = format(value + 1, "b")
            self._text += "0" * (len(text) - 1) + text
        return self

    def raw(self, data: bytes) -> Bits:
        """Whole bytes, on a boundary of bytes."""
        self._text += "0" * (-len(self._text) % 8)
        self._text += "".join(format(byte, "08b") for byte in data)
        return self

    def unit(self, header: int) -> bytes:
        """A NAL unit behind its start code."""
        text = self._text + "1"
        text += "0" * (-len(text) % 8)
        payload = bytes(int(text[place : place + 8], 2) for place in range(0, len(text), 8))
        escaped, zeros = bytearray(), 0
        for byte in payload:
            if zeros >= 2 and byte <= 3:
                escaped.append(3)
                zeros = 0
            escaped.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return b"\x00\x00\x00\x01" + bytes([header]) + bytes(escaped)


def _parameters() -> bytes:
    """Main profile, 32 × 32, interlaced, 50 fields a second."""
    sequence = Bits().fixed((8, 77), (8, 0), (8, 30)).golomb(0, 0, 0, 0, 1).fixed((1, 0))
    sequence.golomb(1, 0).fixed((1, 0), (1, 0), (1, 1), (1, 0), (1, 1))
    sequence.fixed((1, 0), (1, 0), (1, 0), (1, 0), (1, 1), (32, 1), (32, 50), (1, 1), (4, 0))
    picture = Bits().golomb(0, 0).fixed((1, 0), (1, 0)).golomb(0, 0, 0).fixed((1, 0), (2, 0))
    picture.golomb(0, 0, 0).fixed((1, 1), (1, 0), (1, 0))
    return sequence.unit(0x67) + picture.unit(0x68)


def _field(number: int, bottom: int) -> bytes:
    first = number == 0 and not bottom
    bits = Bits().golomb(0, 7, 0).fixed((4, number % 16), (1, 1), (1, bottom))
    if first:
        bits.golomb(0)
    bits.fixed((4, (2 * number + bottom) % 16), (2, 0) if first else (1, 0)).golomb(0, 1)
    for block in range(2):
        grey = 20 + (7 * number + 50 * block) % 200
        bits.golomb(25).raw(bytes([grey]) * _LUMA + bytes([128]) * _CHROMA)
    return bits.unit(0x65 if first else 0x61)


def write_fields(path: Path, pictures: int) -> Path:
    """A bare stream of so many pictures, twice as many fields."""
    data = bytearray()
    for number in range(pictures):
        data += _DELIMITER + _parameters() + _field(number, 0) + _DELIMITER + _field(number, 1)
    path.write_bytes(bytes(data))
    return path
