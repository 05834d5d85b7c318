"""What H.274 has no syntax for: records of ours in user data (payload type 5)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from uuid import UUID

import google_crc32c

from gvc.errors import InvalidDataError
from gvc.sei.message import SeiMessage

#: user_data_unregistered of H.274.
_PAYLOAD_TYPE = 5

#: Says that user data is of this kind.
_OURS = UUID("6977db55-ad39-4e39-86ef-c0d3461ee5d8").bytes

#: Bytes of a checksum: CRC-32C, little-endian.
CHECKSUM_BYTES = 4


class RecordKind(enum.IntEnum):
    """What a record holds."""

    HEADER = 1
    """The header of the file, how many groups there are, and when the last one ends."""

    PACK = 2
    """The speaker pack that the file holds."""

    GROUP = 3
    """A group without its key frames and levels; its first picture follows."""

    KEY = 4
    """The number of the key frame that follows."""

    REFERENCE = 5
    """Nothing: the picture that follows is that of an earlier group once more."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record.

    :param kind: what it holds. :param body: its fields.
    """

    kind: RecordKind
    body: bytes = b""

    def encode(self) -> SeiMessage:
        """The record with its checksum, as a message."""
        content = bytes([self.kind]) + self.body
        return SeiMessage(_PAYLOAD_TYPE, _OURS + content + checksum(content))

    @classmethod
    def decode(cls, message: SeiMessage) -> Record | None:
        """Read what :meth:`encode` wrote; None if the message is not of ours.

        :raises InvalidDataError: if it is damaged.
        """
        if message.payload_type != _PAYLOAD_TYPE or not message.payload.startswith(_OURS):
            return None
        content = message.payload[len(_OURS) : -CHECKSUM_BYTES]
        if not content or checksum(content) != message.payload[-CHECKSUM_BYTES:]:
            raise InvalidDataError("a record of gvc is damaged: the checksum does not match")
        try:
            return cls(RecordKind(content[0]), content[1:])
        except ValueError as error:
            raise InvalidDataError(f"a record of gvc has the unknown type {content[0]}") from error


def checksum(data: bytes) -> bytes:
    """CRC-32C, as in the chunks of a file."""
    return google_crc32c.value(data).to_bytes(CHECKSUM_BYTES, "little")
