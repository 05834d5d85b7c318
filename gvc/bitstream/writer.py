"""Writes typed units as chunks, and the index behind them."""

from __future__ import annotations

import enum
from typing import BinaryIO

from gvc.bitstream.audio import AudioBlock
from gvc.bitstream.group import Group
from gvc.bitstream.group_format import GroupFormat
from gvc.bitstream.header import FileHeader
from gvc.bitstream.index import MAX_GROUPS, GroupEntry, Index
from gvc.bitstream.references import References
from gvc.container import ChunkWriter
from gvc.errors import UsageError


class ChunkKind(enum.IntEnum):
    """Types of chunks besides the index; those from 0x80 may be skipped by who does not know."""

    HEADER = 0x02
    GROUP = 0x03
    PACK = 0x05
    FINAL_GROUP = 0x43
    AUDIO = 0x84


class BitstreamWriter:
    """Writes a file in one pass: header, then groups and audio, then :meth:`close`.

    :param file: a binary file object; it is never sought, and not closed.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._chunks = ChunkWriter(file)
        self._format = GroupFormat(1, compact=False)
        self._groups: list[GroupEntry] = []
        #: The first group, as long as it may be the only one.
        self._held: Group | None = None
        self._references = References()
        self._audio_offset: int | None = None

    @property
    def position(self) -> int:
        """Bytes written."""
        return self._chunks.offset

    def write_header(self, header: FileHeader, *, pack: bytes | None = None) -> None:
        """Write the header; first, and once.

        :param pack: the speaker pack, where the header says that the file holds it.
        """
        self._format = GroupFormat.of(header)
        self._chunks.write(ChunkKind.HEADER, header.to_bytes())
        if pack is not None:
            self._chunks.write(ChunkKind.PACK, pack)

    def write_group(self, group: Group) -> None:
        """Write a group of pictures; the index finds it with the audio right before it.

        In a compact file, one that knows its end is held back if it is the first: nothing may
        follow.

        :raises UsageError: if it is predicted from a group that was not written here, or is one
            more than a file may have.
        """
        if len(self._groups) == MAX_GROUPS:
            raise UsageError(
                f"a file has {MAX_GROUPS} groups at most", hint="go on in another file"
            )
        if group.reference and self._references.find(group.reference.pts) is None:
            raise UsageError(
                "a group cannot be written without the one that it is predicted from",
                hint="begin with a packet for which is_keyframe is true, and leave none out",
            )
        self._references.note(group)
        self._write_held()
        first = not self._groups and self._audio_offset is None
        if self._format.compact and first and group.end_pts is not None:
            self._held = group
        else:
            self._write(group)

    def _write_held(self) -> None:
        if self._held is not None:
            group, self._held = self._held, None
            self._write(group)

    def _write(self, group: Group) -> None:
        offset = self._chunks.write(ChunkKind.GROUP, self._format.write(group))
        start = offset if self._audio_offset is None else self._audio_offset
        self._groups.append(GroupEntry(start, group.pts, group.frames))
        self._audio_offset = None

    def write_audio(self, block: AudioBlock) -> None:
        """Write a block of audio packets."""
        self._write_held()
        offset = self._chunks.write(ChunkKind.AUDIO, block.to_bytes())
        if self._audio_offset is None:
            self._audio_offset = offset

    def close(self, *, end_pts: int) -> None:
        """Write index and trailer, or a group that does without.

        :param end_pts: when the last frame ends, in the video's time base.
        """
        if self._held is not None:
            payload = self._format.write_final(self._held, end_pts)
            self._chunks.write(ChunkKind.FINAL_GROUP, payload)
            return
        self._chunks.finish(Index(tuple(self._groups), end_pts).to_bytes())
