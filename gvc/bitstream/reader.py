"""Reads typed units from chunks."""

from __future__ import annotations

import contextlib
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import BinaryIO

from gvc.bitstream.audio import AudioBlock
from gvc.bitstream.group import Group
from gvc.bitstream.header import FileHeader
from gvc.bitstream.index import GroupEntry, Index
from gvc.bitstream.speaker_pack import fingerprint_of
from gvc.bitstream.writer import ChunkKind
from gvc.container import ANCILLARY, INDEX_KIND, Chunk, ChunkReader
from gvc.errors import InvalidDataError, UnsupportedError


class BitstreamReader:
    """Iterates over the groups and audio blocks of a file, in order.

    :param file: a binary file object with ``read`` and ``seekable``.
    :raises InvalidDataError, UnsupportedError: if it does not begin as a .gvc file does.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._chunks = ChunkReader(file)
        self._start = self._chunks.offset
        first = next(iter(self._chunks))
        if first.kind != ChunkKind.HEADER:
            raise InvalidDataError("the first chunk is not a header")
        self.header = FileHeader.from_bytes(first.payload)
        #: The speaker pack that the file holds, whole and unread; None if it holds none.
        self.pack = self._read_pack() if self.header.embeds_pack else None

    def _read_pack(self) -> bytes:
        chunk = next(iter(self._chunks))
        if chunk.kind != ChunkKind.PACK:
            raise InvalidDataError("the chunk behind the header is not a speaker pack")
        if fingerprint_of(chunk.payload) != self.header.video.pack:
            raise InvalidDataError("the file holds another speaker pack than its header says")
        return chunk.payload

    def __iter__(self) -> Iterator[Group | AudioBlock]:
        """Units up to the end.

        :raises TruncatedDataError: if the file was cut off, after all whole units.
        :raises InvalidDataError: at a unit that is damaged.
        """
        for _, unit in self.units():
            if unit is not None:
                yield unit

    def units(self) -> Iterator[tuple[Chunk, Group | AudioBlock | None]]:
        """Chunks with what they hold; None for the index and what may be skipped."""
        for chunk in self._chunks:
            unit = _typed(chunk)
            if isinstance(unit, Group) and unit.rectangle is not None:
                canvas = self.header.video.canvas
                if canvas is None or not unit.rectangle.lies_in(*canvas):
                    raise InvalidDataError("a rectangle does not lie in the picture")
            yield chunk, unit

    @property
    def position(self) -> int:
        """Bytes of the file up to where reading stands; at the end, all of them."""
        return self._chunks.offset

    @cached_property
    def index(self) -> Index | None:
        """The index; None in a pipe. Where it is missing, the whole groups of the file."""
        if not self._chunks.seekable:
            return None
        chunk = self._chunks.read_index()
        return Index.from_bytes(chunk.payload) if chunk is not None else self._scan()

    def seek(self, pts: int) -> None:
        """Go on at the last group that starts at ``pts`` or before, or at the first.

        :raises InvalidDataError: if the file is not seekable, or holds no group.
        """
        if self.index is None or not self.index.groups:
            raise InvalidDataError("cannot be searched")
        starts = [entry.pts for entry in self.index.groups]
        found = max(0, bisect_right(starts, pts) - 1)
        self._chunks.seek(self.index.groups[found].offset)

    def _scan(self) -> Index:
        here = self._chunks.offset
        self._chunks.seek(self._start)
        groups = []
        end = 0
        # What can be searched ends where the file is cut off or damaged; reading says why.
        with contextlib.suppress(InvalidDataError):
            start: int | None = None
            for chunk, unit in self.units():
                if unit is not None and start is None:
                    start = chunk.offset
                if isinstance(unit, Group) and start is not None:
                    groups.append(GroupEntry(start, unit.pts, unit.frames))
                    end = unit.pts + unit.frames * self.header.video.frame_duration
                    start = None
        self._chunks.seek(here)
        return Index(tuple(groups), end)


def _typed(chunk: Chunk) -> Group | AudioBlock | None:
    if chunk.kind == ChunkKind.GROUP:
        return Group.from_bytes(chunk.payload)
    if chunk.kind == ChunkKind.AUDIO:
        return AudioBlock.from_bytes(chunk.payload)
    if chunk.kind in (INDEX_KIND, ChunkKind.HEADER, ChunkKind.PACK) or chunk.kind & ANCILLARY:
        return None
    raise UnsupportedError(f"chunk type {chunk.kind} is not known", hint="update gvc")
