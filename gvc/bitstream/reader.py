"""Reads typed units from chunks."""

from __future__ import annotations

import contextlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import BinaryIO

from gvc.bitstream.audio import AudioBlock
from gvc.bitstream.compression import MAX_HEADER
from gvc.bitstream.group import Group
from gvc.bitstream.group_format import GroupFormat
from gvc.bitstream.header import FileHeader
from gvc.bitstream.index import MAX_GROUPS, GroupEntry, Index
from gvc.bitstream.references import MAX_REFERENCES, References
from gvc.bitstream.speaker_pack import MAX_PACK, fingerprint_of
from gvc.bitstream.writer import ChunkKind
from gvc.container import ANCILLARY, INDEX_KIND, Chunk, ChunkReader, Damage
from gvc.errors import InvalidDataError, UnsupportedError

#: Most bytes of a header chunk's payload: deflate makes nothing much longer.
_MAX_HEADER_PAYLOAD = MAX_HEADER + (MAX_HEADER >> 6)

#: Chunks at the beginning of a file among which sound is looked for.
_SOUND_CHUNKS = 16

#: Types of chunks that are looked for behind damage.
_AFTER_DAMAGE = (INDEX_KIND, ChunkKind.GROUP, ChunkKind.FINAL_GROUP, ChunkKind.AUDIO)


class BitstreamReader:
    """Iterates over the groups and audio blocks of a file, in order.

    :param file: a binary file object with ``read`` and ``seekable``.
    :param salvage: whether to make do with what is whole of a damaged file: :meth:`salvage` gives
        its units, :attr:`index` and :meth:`seek` go on behind damage, too.
    :raises InvalidDataError, UnsupportedError: if it does not begin as a .gvc file does.
    """

    def __init__(self, file: BinaryIO, *, salvage: bool = False) -> None:
        self._chunks = ChunkReader(file)
        self._salvage = salvage
        self._references = References()
        #: References that may be looked up: after seeking, those before that place.
        self._look_ups = 0
        self._passed_index: Index | None = None
        first = self._chunks.read(_MAX_HEADER_PAYLOAD)
        if first.kind != ChunkKind.HEADER:
            raise InvalidDataError("the first chunk is not a header")
        self.header = FileHeader.from_bytes(first.payload)
        self._format = GroupFormat.of(self.header)
        #: The speaker pack that the file holds, whole and unread; None if it holds none.
        self.pack = self._read_pack() if self.header.embeds_pack else None
        self._start = self._chunks.offset

    def _read_pack(self) -> bytes:
        chunk = self._chunks.read(MAX_PACK)
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
            unit = self._typed(chunk)
            yield chunk, self._whole(unit) if isinstance(unit, Group) else unit

    def salvage(self) -> Iterator[tuple[Chunk | Damage, Group | AudioBlock | None]]:
        """The same as :meth:`units`, but past damage: what is whole, and what lies between.

        A group that is whole, but cannot be decoded without another one that is not there, comes
        with a :class:`Damage`.

        :raises UnsupportedError: at a unit that is whole, but of a newer version.
        """
        index = self.stored_index
        marks = sorted({entry.offset for entry in index.groups}) if index is not None else []
        for piece in self._chunks.salvage(_AFTER_DAMAGE, marks):
            if isinstance(piece, Damage):
                yield piece, None
                continue
            unit: Group | AudioBlock | None = None
            try:
                unit = self._typed(piece)
                if isinstance(unit, Group):
                    unit = self._whole(unit)
                elif piece.kind == INDEX_KIND:
                    self._passed_index = Index.from_bytes(piece.payload, file_size=piece.offset)
            except InvalidDataError as error:
                yield Damage(piece.offset, piece.offset + piece.size, error.cause), unit
            else:
                yield piece, unit

    def _whole(self, group: Group) -> Group:
        """A group with the data of its reference, checked against the header."""
        self._format.check(group)
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
        if not self._look_ups or self.index is None:
            return None
        self._look_ups -= 1
        entries = self.index.groups
        place = bisect_left([entry.pts for entry in entries], pts)
        if place == len(entries) or entries[place].pts != pts:
            return None
        here = self._chunks.offset
        self._chunks.seek(entries[place].offset)
        try:
            units = (unit for _, unit in self._typed_chunks())
            group = next((unit for unit in units if isinstance(unit, Group)), None)
        finally:
            self._chunks.seek(here)
        if group is not None and group.pts == pts:
            self._references.note(group)
        return self._references.find(pts)

    def _typed_chunks(self) -> Iterator[tuple[Chunk, Group | AudioBlock | None]]:
        """Chunks from here on as they stand in the file, past damage if that is asked for."""
        pieces = self._chunks.salvage(_AFTER_DAMAGE) if self._salvage else iter(self._chunks)
        for piece in pieces:
            if isinstance(piece, Damage):
                continue
            try:
                yield piece, self._typed(piece)
            except InvalidDataError:
                if not self._salvage:
                    raise

    @property
    def position(self) -> int:
        """Bytes of the file up to where reading stands; at the end, all of them."""
        return self._chunks.offset

    @cached_property
    def index(self) -> Index | None:
        """The index; None in a pipe. Where there is none, the whole groups of the file."""
        if not self._chunks.seekable:
            return None
        stored = self.stored_index
        return stored if stored is not None else self._scan()

    @property
    def stored_index(self) -> Index | None:
        """The index as the file holds it; None where there is none, or in a pipe not read yet.

        :raises InvalidDataError: if it is not one, unless damage is to be passed over.
        """
        return self._passed_index if self._passed_index is not None else self._index_at_the_end

    @cached_property
    def _index_at_the_end(self) -> Index | None:
        if not self._chunks.seekable:
            return None
        chunk = self._chunks.read_index()
        if chunk is None:
            return None
        try:
            return Index.from_bytes(chunk.payload, file_size=chunk.offset)
        except InvalidDataError:
            if self._salvage:
                return None
            raise

    def seek(self, pts: int) -> int:
        """Go on at the last group that starts at ``pts`` or before, or at the first.

        :returns: when that group starts.
        :raises InvalidDataError: if the file is not seekable, or holds no group.
        """
        if self.index is None or not self.index.groups:
            raise InvalidDataError("cannot be searched")
        starts = [entry.pts for entry in self.index.groups]
        found = self.index.groups[max(0, bisect_right(starts, pts) - 1)]
        self._chunks.seek(found.offset)
        self._look_ups = MAX_REFERENCES
        return found.pts

    def sound_span(self) -> tuple[int, int] | None:
        """When the sound begins and ends, in its time base; None if that is not known.

        It is looked for before the first groups and behind the last one, where it is as a rule.
        """
        index = self.index
        if index is None or not index.groups:
            return None
        here, last = self._chunks.offset, index.groups[-1].offset
        try:
            first = self._sounds(self._start, most=_SOUND_CHUNKS)
            ending = self._sounds(last) or first
        except InvalidDataError:
            return None
        finally:
            self._chunks.seek(here)
        if not first or not ending:
            return None
        return first[0].packets[0].pts, max(p.pts + p.duration for p in ending[-1].packets)

    def _sounds(self, offset: int, *, most: int | None = None) -> list[AudioBlock]:
        """Audio blocks among the chunks from ``offset`` on, ``most`` chunks at most."""
        self._chunks.seek(offset)
        units = (unit for _, unit in islice(self._typed_chunks(), most))
        return [unit for unit in units if isinstance(unit, AudioBlock)]

    def _scan(self) -> Index:
        here = self._chunks.offset
        self._chunks.seek(self._start)
        groups = []
        end = 0
        # What can be searched ends where the file is cut off or damaged; reading says why.
        with contextlib.suppress(InvalidDataError):
            start: int | None = None
            for chunk, unit in self._typed_chunks():
                if unit is not None and start is None:
                    start = chunk.offset
                if isinstance(unit, Group) and start is not None:
                    groups.append(GroupEntry(start, unit.pts, unit.frames))
                    end = self._format.usual_end(unit) if unit.end_pts is None else unit.end_pts
                    start = None
                    if len(groups) == MAX_GROUPS:
                        break
        self._chunks.seek(here)
        return Index(tuple(groups), end)

    def _typed(self, chunk: Chunk) -> Group | AudioBlock | None:
        if chunk.kind == ChunkKind.GROUP:
            return self._format.read(chunk.payload)
        if chunk.kind == ChunkKind.FINAL_GROUP:
            return self._format.read_final(chunk.payload)
        if chunk.kind == ChunkKind.AUDIO:
            return AudioBlock.from_bytes(chunk.payload)
        if chunk.kind in (INDEX_KIND, ChunkKind.HEADER, ChunkKind.PACK) or chunk.kind & ANCILLARY:
            return None
        raise UnsupportedError(f"chunk type {chunk.kind} is not known", hint="update gvc")
