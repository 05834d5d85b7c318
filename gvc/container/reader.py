"""Reads chunks, from pipes too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import google_crc32c

from gvc.container.chunk import (
    CHECKSUM_BYTES,
    INDEX_KIND,
    MAX_PAYLOAD,
    SIGNATURE,
    TRAILER_BYTES,
    TRAILER_MAGIC,
    VERSION,
    Chunk,
)
from gvc.container.varint import MAX_BYTES, decode_varint
from gvc.errors import InvalidDataError, TruncatedDataError, UnsupportedError

#: Payloads are read in pieces of this size, so that memory grows with what really arrives.
_PIECE = 1 << 20


class ChunkReader:
    """Iterates over the chunks of a file, in order, each checked.

    :param file: a binary file object with ``read``; seekable ones also take :meth:`seek`.
    :raises InvalidDataError: if the file does not begin with the signature.
    :raises UnsupportedError: if its major version is another one.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._seekable = file.seekable()
        self._origin = file.tell() if self._seekable else 0
        start = self._read(len(SIGNATURE) + 2)
        if start[: len(SIGNATURE)] != SIGNATURE:
            raise InvalidDataError("not a .gvc file")
        if len(start) < len(SIGNATURE) + 2:
            raise TruncatedDataError("ends within its first bytes")
        self.version = (start[4], start[5])
        if self.version[0] != VERSION[0]:
            raise UnsupportedError(
                f"format version {self.version[0]} is not {VERSION[0]}",
                hint="a newer gvc may read it",
            )
        self.offset = len(start)

    @property
    def seekable(self) -> bool:
        """Whether :meth:`seek` and :meth:`read_index` work."""
        return self._seekable

    def seek(self, offset: int) -> None:
        """Go on reading at the chunk that begins at ``offset``."""
        self._file.seek(self._origin + offset)
        self.offset = offset

    def __iter__(self) -> Iterator[Chunk]:
        """Chunks up to and with the index, which ends every whole file.

        :raises TruncatedDataError: if the file ends before that, after all whole chunks.
        :raises InvalidDataError: at a chunk that is damaged.
        """
        while True:
            chunk = self._next()
            yield chunk
            if chunk.kind == INDEX_KIND:
                self._read_trailer()
                return

    def read_index(self) -> Chunk | None:
        """The last chunk, found through the trailer; None if the file was cut off.

        The position for reading is kept.
        """
        here = self.offset
        try:
            end = self._file.seek(0, 2) - self._origin
            if end < TRAILER_BYTES + len(SIGNATURE) + 2:
                return None
            self.seek(end - TRAILER_BYTES)
            trailer = self._read(TRAILER_BYTES)
            start = end - TRAILER_BYTES - int.from_bytes(trailer[:4], "little")
            if trailer[4:] != TRAILER_MAGIC or start < len(SIGNATURE) + 2:
                return None
            self.seek(start)
            chunk = self._next()
            whole = chunk.kind == INDEX_KIND and self.offset == end - TRAILER_BYTES
            return chunk if whole else None
        except InvalidDataError:
            return None
        finally:
            self.seek(here)

    def _next(self) -> Chunk:
        offset = self.offset
        head = self._read(2)
        while len(head) >= 2 and head[-1] >= 0x80 and len(head) <= MAX_BYTES:
            byte = self._read(1)
            if not byte:
                break
            head += byte
        if len(head) < 2 or (head[-1] >= 0x80 and len(head) <= MAX_BYTES):
            raise TruncatedDataError(f"cut off at byte {offset + len(head)}")
        length, _ = decode_varint(head, 1)
        if length > MAX_PAYLOAD:
            raise InvalidDataError(f"damaged at byte {offset}: a chunk of {length} bytes")
        payload = self._read(length)
        checksum = self._read(CHECKSUM_BYTES)
        self.offset = offset + len(head) + len(payload) + len(checksum)
        if len(checksum) < CHECKSUM_BYTES:
            raise TruncatedDataError(f"cut off at byte {self.offset}")
        if google_crc32c.value(head + payload) != int.from_bytes(checksum, "little"):
            raise InvalidDataError(f"damaged at byte {offset}: the checksum does not match")
        return Chunk(head[0], payload, offset, self.offset - offset)

    def _read_trailer(self) -> None:
        trailer = self._read(TRAILER_BYTES)
        self.offset += len(trailer)
        if len(trailer) < TRAILER_BYTES:
            raise TruncatedDataError(f"cut off at byte {self.offset}")
        if trailer[4:] != TRAILER_MAGIC:
            raise InvalidDataError(f"damaged at byte {self.offset - 4}")

    def _read(self, length: int) -> bytes:
        """Up to ``length`` bytes: fewer only at the end of the file."""
        pieces = []
        while length:
            piece = self._file.read(min(length, _PIECE))
            if not piece:
                break
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)
