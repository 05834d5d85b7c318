"""NAL units of VVC: byte streams (Annex B of H.266) taken apart and put together."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from gvc.errors import InvalidDataError

#: Streams are read in pieces of this size.
_PIECE = 1 << 20

#: Most bytes of a NAL unit; a group that is coded as video has fewer.
_MAX_UNIT = 1 << 26

#: What sets a unit off from the one before, without the zero byte that may stand in front.
_START_CODE = b"\x00\x00\x01"

#: Two zeros that must not be followed by what follows here.
_EMULATION = re.compile(rb"\x00\x00(?=[\x00-\x03])")


class NalKind(enum.IntEnum):
    """The types of NAL units that matter here (H.266, table 5)."""

    IDR_WITH_LEADING = 7
    IDR = 8
    CRA = 9
    LAST_SLICE = 11
    OPERATING_POINT = 12
    DECODING_CAPABILITY = 13
    VIDEO_PARAMETERS = 14
    SEQUENCE_PARAMETERS = 15
    PICTURE_PARAMETERS = 16
    PREFIX_ADAPTATION = 17
    DELIMITER = 20
    END_OF_SEQUENCE = 21
    END_OF_STREAM = 22
    PREFIX_SEI = 23


#: Pictures at which decoding can begin.
RANDOM_ACCESS = (NalKind.IDR_WITH_LEADING, NalKind.IDR, NalKind.CRA)

#: Units that speak of more than one picture.
PARAMETERS = range(NalKind.OPERATING_POINT, NalKind.PREFIX_ADAPTATION)

#: Units that end a sequence.
ENDS = (NalKind.END_OF_SEQUENCE, NalKind.END_OF_STREAM)

#: The whole unit that ends a sequence: what comes behind it begins anew.
END_OF_SEQUENCE = bytes([0, NalKind.END_OF_SEQUENCE << 3 | 1])


@dataclass(frozen=True, slots=True)
class NalUnit:
    """A NAL unit.

    :param data: its two bytes of header, and its payload with emulation prevention.
    :param set_off: whether a zero byte stands in front of its start code.
    """

    data: bytes
    set_off: bool = False

    @property
    def kind(self) -> int:
        """Its type; one of :class:`NalKind`, or another one."""
        return self.data[1] >> 3

    @property
    def temporal_id(self) -> int:
        """Its temporal sublayer, from 0."""
        return (self.data[1] & 7) - 1

    @property
    def is_slice(self) -> bool:
        """Whether it holds a part of a picture."""
        return self.kind <= NalKind.LAST_SLICE

    @property
    def leads(self) -> bool:
        """Whether it stands before all messages of a picture."""
        return self.kind == NalKind.DELIMITER or self.kind in PARAMETERS

    def to_bytes(self) -> bytes:
        """The unit behind its start code."""
        return (b"\x00" if self.set_off else b"") + _START_CODE + self.data


def read_units(file: BinaryIO) -> Iterator[NalUnit]:
    """The NAL units of a byte stream, in order.

    :raises InvalidDataError: at what is no NAL unit, or too long.
    """
    set_off, begun = False, False
    for piece in _pieces(file):
        data = piece.rstrip(b"\x00")
        if begun:
            yield _checked(data, set_off)
        elif data:
            raise InvalidDataError("not a VVC byte stream")
        set_off, begun = len(data) < len(piece), True


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """What stands between start codes; first what is before the first one."""
    waiting = bytearray()
    searched = 0
    while data := file.read(_PIECE):
        waiting += data
        start = 0
        while (found := waiting.find(_START_CODE, max(start, searched))) >= 0:
            yield bytes(waiting[start:found])
            start = found + len(_START_CODE)
        del waiting[:start]
        searched = max(0, len(waiting) - len(_START_CODE) + 1)
        if len(waiting) > _MAX_UNIT:
            raise InvalidDataError("not a VVC byte stream, or one with a NAL unit that is too long")
    yield bytes(waiting)


def _checked(data: bytes, set_off: bool) -> NalUnit:
    # The first bit is 0, and so is the next; a temporal sublayer is given.
    if len(data) < 2 or data[0] & 0xC0 or not data[1] & 7:
        raise InvalidDataError("a NAL unit is damaged")
    return NalUnit(data, set_off)


def prevent_emulation(payload: bytes) -> bytes:
    """The payload with a 3 wherever it would look like a start code."""
    # Of three zeros the second pair begins with the one behind what was put in.
    return _EMULATION.sub(b"\x00\x00\x03", payload)


def remove_prevention(data: bytes) -> bytes:
    """What :func:`prevent_emulation` was given."""
    return data.replace(b"\x00\x00\x03", b"\x00\x00")
