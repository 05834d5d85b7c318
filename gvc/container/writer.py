"""Writes chunks in one pass."""

from __future__ import annotations

from typing import BinaryIO

import google_crc32c

from gvc.container.chunk import INDEX_KIND, MAX_PAYLOAD, SIGNATURE, TRAILER_MAGIC, VERSION
from gvc.container.varint import encode_varint
from gvc.errors import LimitError


class ChunkWriter:
    """Writes the signature at once, then chunks; never seeks and never closes the file.

    :param file: a binary file object with ``write``.
    :param minor: minor version of the format, 0 to 255.
    :raises OSError: as the file object does.
    """

    def __init__(self, file: BinaryIO, *, minor: int = VERSION[1]) -> None:
        self._file = file
        self.offset = 0
        self._put(SIGNATURE + bytes([VERSION[0], minor]))

    def write(self, kind: int, payload: bytes) -> int:
        """Write a chunk.

        :param kind: its type, 0 to 255.
        :param payload: at most :data:`MAX_PAYLOAD` bytes.
        :returns: its offset in the file.
        :raises ValueError: if the type is out of range.
        :raises LimitError: if the payload is too long.
        """
        if not 0 <= kind <= 255:
            raise ValueError("chunk type out of range")
        if len(payload) > MAX_PAYLOAD:
            raise LimitError(f"a chunk of {len(payload)} bytes: a file holds {MAX_PAYLOAD}")
        offset = self.offset
        framed = bytes([kind]) + encode_varint(len(payload)) + payload
        self._put(framed + google_crc32c.value(framed).to_bytes(4, "little"))
        return offset

    def finish(self, payload: bytes) -> None:
        """Write the index as the last chunk, and the trailer that finds it from the end."""
        offset = self.write(INDEX_KIND, payload)
        self._put((self.offset - offset).to_bytes(4, "little") + TRAILER_MAGIC)

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self.offset += len(data)
