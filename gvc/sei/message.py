"""SEI messages: payloads of a type, and the NAL units that hold them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gvc.errors import InvalidDataError, TruncatedDataError
from gvc.sei.nal import NalKind, NalUnit, prevent_emulation, remove_prevention

#: The last bit of all that a unit holds, and what fills up its byte.
_TRAILING = b"\x80"

#: The first bytes of a type or size from 255.
_FULL = re.compile(rb"\xff*")


@dataclass(frozen=True, slots=True)
class SeiMessage:
    """A message.

    :param payload_type: what it is, by the numbers of H.274.
    :param payload: its content.
    """

    payload_type: int
    payload: bytes

    def to_bytes(self) -> bytes:
        """Type, size and payload (H.266, 7.3.6)."""
        return _number(self.payload_type) + _number(len(self.payload)) + self.payload


def prefix_unit(messages: Sequence[SeiMessage], *, temporal_id: int, set_off: bool) -> NalUnit:
    """A prefix SEI NAL unit.

    :param temporal_id: that of the picture that it stands before.
    :param set_off: see :class:`NalUnit`.
    """
    content = b"".join(message.to_bytes() for message in messages) + _TRAILING
    header = bytes([0, NalKind.PREFIX_SEI << 3 | (temporal_id + 1)])
    return NalUnit(header + prevent_emulation(content), set_off)


def messages_of(unit: NalUnit) -> Iterator[SeiMessage]:
    """The messages of an SEI NAL unit.

    :raises InvalidDataError: where it is damaged.
    """
    content = remove_prevention(unit.data[2:])
    position, end = 0, len(content) - len(_TRAILING)
    while position != end or not content.endswith(_TRAILING):
        payload_type, position = _read_number(content, position)
        size, position = _read_number(content, position)
        if position + size > end:
            raise TruncatedDataError("an SEI message is cut off")
        yield SeiMessage(payload_type, content[position : position + size])
        position += size


def _number(value: int) -> bytes:
    """A type or size: as many bytes of 255 as fit in, and the rest."""
    return b"\xff" * (value // 255) + bytes([value % 255])


def _read_number(content: bytes, position: int) -> tuple[int, int]:
    full = _FULL.match(content, position)
    if full is None or full.end() == len(content):
        raise InvalidDataError("an SEI message is damaged")
    return 255 * (full.end() - position) + content[full.end()], full.end() + 1
