"""Reads typed units from chunks."""

from __future__ import annotations

import contextlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import BinaryIO

from gvc.bitstream.audio import AudioBlock
from gvc.bitstream.group import Group
from gvc.bitstream.header import FileHeader
from gvc.bitstream.index import GroupEntry, Index
from gvc.bitstream.references import References
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
        self._references = References()
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
            yield chunk, self._whole(unit) if isinstance(unit, Group) else unit

    def _whole(self, group: Group) -> Group:
        """A group with the data of its reference, checked against the header."""
        canvas = self.header.video.canvas
        for rectangle in group.rectangles:
            if canvas is None or not rectangle.lies_in(*canvas):
                raise InvalidDataError("a rectangle does not lie in the picture")
        if group.reference is None:
            self._references.note(group)
            return group
        pts = group.reference.pts
        data = self._references.find(pts) or self._look_up(pts)
        if data is None:
            raise InvalidDataError("a group is predicted from one that is not there")
        return replace(group, reference=replace(group.reference, data=data))

    def _look_up(self, pts: int) -> bytes | None:
        """Key frame 0 of the group that begins at ``pts``, after reading has begun behind it."""
        if self.index is None:
            return None
        entries = self.index.groups
        place = bisect_left([entry.pts for entry in entries], pts)
        if place == len(entries) or entries[place].pts != pts:
            return None
        here = self._chunks.offset
        self._chunks.seek(entries[place].offset)
        try:
            units = (_typed(chunk) for chunk in self._chunks)
            group = next((unit for unit in units if isinstance(unit, Group)), None)
        finally:
            self._chunks.seek(here)
        if group is not None:
            self._references.note(group)
        return self._references.find(pts)

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
            for chunk in self._chunks:
                unit = _typed(chunk)
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
