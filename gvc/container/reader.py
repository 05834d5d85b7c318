"""Reads chunks, from pipes too."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import google_crc32c

from gvc.container.chunk import (
    CHECKSUM_BYTES,
    FINAL_KINDS,
    INDEX_KIND,
    MAX_PAYLOAD,
    SIGNATURE,
    TRAILER_BYTES,
    TRAILER_MAGIC,
    VERSION,
    Chunk,
    Damage,
)
from gvc.container.search import ChunkSearch
from gvc.container.varint import MAX_BYTES, decode_varint
from gvc.container.window import Window
from gvc.errors import InvalidDataError, TruncatedDataError, UnsupportedError


class ChunkReader:
    """Iterates over the chunks of a file, in order, each checked.

    :param file: a binary file object with ``read``; seekable ones also take :meth:`seek`.
    :raises InvalidDataError: if the file does not begin with the signature.
    :raises UnsupportedError: if its major version is another one.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._window = Window(file)
        self._seekable = file.seekable()
        self._origin = file.tell() if self._seekable else 0
        start = self._window.read(len(SIGNATURE) + 2)
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
        self._window.clear()
        self.offset = offset

    def __iter__(self) -> Iterator[Chunk]:
        """Chunks up to and with the one that ends the file, the index as a rule.

        :raises TruncatedDataError: if the file ends before that, after all whole chunks.
        :raises InvalidDataError: at a chunk that is damaged.
        """
        while True:
            chunk = self.read()
            yield chunk
            if chunk.kind == INDEX_KIND:
                self._read_trailer()
            if _ends(chunk):
                return

    def salvage(self, kinds: Iterable[int], marks: Sequence[int] = ()) -> Iterator[Chunk | Damage]:
        """The same as iterating, but past damage: whole chunks, and the bytes between them.

        Takes time in proportion to the bytes, whatever they are.

        :param kinds: types of chunks that are looked for behind damage.
        :param marks: offsets at which chunks begin, ascending, as far as they are known.
        """
        search = ChunkSearch(self._window, kinds)
        while True:
            start, size = self.offset, search.claimed()
            if size and search.is_whole(size):
                chunk = self.read()
                search.passed(chunk.size)
                yield chunk
                if chunk.kind == INDEX_KIND:
                    yield from self._salvage_trailer()
                if _ends(chunk):
                    return
                continue
            cut = size > len(self._window.look(size))
            found = self._pass_damage(search, marks)
            cut = cut and not found
            cause = f"cut off at byte {self.offset}" if cut else f"damaged at byte {start}"
            yield Damage(start, self.offset, cause)
            if not found:
                return

    def _pass_damage(self, search: ChunkSearch, marks: Sequence[int]) -> bool:
        """Go on at the next whole chunk; False if there is none up to the end of the file."""
        length, found = 1, False
        while not found and self._window.look(1):
            self.offset += len(self._window.read(length))
            search.passed(length)
            place = bisect_right(marks, self.offset)
            length, found = search.find(marks[place] - self.offset if place < len(marks) else None)
        if found:
            self.offset += len(self._window.read(length))
        return found

    def _salvage_trailer(self) -> Iterator[Damage]:
        start = self.offset
        try:
            self._read_trailer()
        except InvalidDataError as error:
            yield Damage(start, self.offset, error.cause)

    def read_index(self) -> Chunk | None:
        """The index, found through the trailer; None if the file has none, or was cut off.

        The position for reading is kept.
        """
        here = self.offset
        try:
            end = self._file.seek(0, 2) - self._origin
            if end < TRAILER_BYTES + len(SIGNATURE) + 2:
                return None
            self.seek(end - TRAILER_BYTES)
            trailer = self._window.read(TRAILER_BYTES)
            start = end - TRAILER_BYTES - int.from_bytes(trailer[:4], "little")
            if trailer[4:] != TRAILER_MAGIC or start < len(SIGNATURE) + 2:
                return None
            self.seek(start)
            chunk = self.read()
            whole = chunk.kind == INDEX_KIND and self.offset == end - TRAILER_BYTES
            return chunk if whole else None
        except InvalidDataError:
            return None
        finally:
            self.seek(here)

    def read(self, most: int = MAX_PAYLOAD) -> Chunk:
        """The next chunk.

        :param most: bytes of its payload.
        :raises TruncatedDataError: if the file ends before it does.
        :raises InvalidDataError: if it is damaged, or longer than ``most``.
        """
        offset = self.offset
        head = self._window.read(2)
        while len(head) >= 2 and head[-1] >= 0x80 and len(head) <= MAX_BYTES:
            byte = self._window.read(1)
            if not byte:
                break
            head += byte
        if len(head) < 2 or (head[-1] >= 0x80 and len(head) <= MAX_BYTES):
            raise TruncatedDataError(f"cut off at byte {offset + len(head)}")
        length, _ = decode_varint(head, 1)
        if length > most:
            raise InvalidDataError(f"damaged at byte {offset}: a chunk of {length} bytes")
        payload = self._window.read(length)
        checksum = self._window.read(CHECKSUM_BYTES)
        self.offset = offset + len(head) + len(payload) + len(checksum)
        if len(checksum) < CHECKSUM_BYTES:
            raise TruncatedDataError(f"cut off at byte {self.offset}")
        if google_crc32c.value(head + payload) != int.from_bytes(checksum, "little"):
            raise InvalidDataError(f"damaged at byte {offset}: the checksum does not match")
        return Chunk(head[0], payload, offset, self.offset - offset)

    def _read_trailer(self) -> None:
        trailer = self._window.read(TRAILER_BYTES)
        self.offset += len(trailer)
        if len(trailer) < TRAILER_BYTES:
            raise TruncatedDataError(f"cut off at byte {self.offset}")
        if trailer[4:] != TRAILER_MAGIC:
            raise InvalidDataError(f"damaged at byte {self.offset - 4}")


def _ends(chunk: Chunk) -> bool:
    return chunk.kind == INDEX_KIND or chunk.kind in FINAL_KINDS
