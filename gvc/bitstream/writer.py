"""Writes typed units as chunks, and the index behind them."""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import BinaryIO

from gvc.bitstream.audio import AudioBlock
from gvc.bitstream.group import Group, Reference
from gvc.bitstream.group_format import GroupFormat
from gvc.bitstream.header import FileHeader
from gvc.bitstream.index import MAX_GROUPS, GroupEntry, Index
from gvc.bitstream.read_back import check_read_back, refusing
from gvc.bitstream.references import References
from gvc.bitstream.speaker_pack import MAX_PACK, fingerprint_of
from gvc.container import MAX_PAYLOAD, ChunkWriter
from gvc.errors import InvalidDataError, UsageError

#: Most bytes of packets in an audio block; what describes them takes at most 30 bytes each.
_MOST_SOUND = MAX_PAYLOAD // 2


class ChunkKind(enum.IntEnum):
    """Types of chunks besides the index; those from 0x80 may be skipped by who does not know."""

    HEADER = 0x02
    GROUP = 0x03
    PACK = 0x05
    FINAL_GROUP = 0x43
    AUDIO = 0x84


class BitstreamWriter:
    """Writes a file in one pass: header, then groups and audio, then :meth:`close`.

    Each unit is read back before it is written, so that no file is written that readers refuse.

    :param file: a binary file object; it is never sought, and not closed.
    :raises LimitError: from every method, if a reader would refuse what is to be written.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._started: ChunkWriter | None = None
        self._last_pts: int | None = None
        self._format = GroupFormat(1, compact=False)
        self._groups: list[GroupEntry] = []
        #: The first group, as long as it may be the only one.
        self._held: Group | None = None
        self._references = References()
        self._audio_offset: int | None = None

    @property
    def position(self) -> int:
        """Bytes written."""
        return self._started.offset if self._started is not None else 0

    @property
    def _chunks(self) -> ChunkWriter:
        if self._started is None:
            raise UsageError("a file begins with its header")
        return self._started

    def write_header(self, header: FileHeader, *, pack: bytes | None = None) -> None:
        """Write the header; first, and once.

        :param pack: the speaker pack, where the header says that the file holds it.
        """
        if self._started is not None:
            raise UsageError("a file has one header")
        payload = header.to_bytes()
        check_read_back("the header", payload, FileHeader.from_bytes, header)
        _check_pack(header, pack)
        self._format = GroupFormat.of(header)
        self._started = ChunkWriter(self._file, minor=header.minor_version)
        self._chunks.write(ChunkKind.HEADER, payload)
        if pack is not None:
            self._chunks.write(ChunkKind.PACK, pack)

    def write_group(self, group: Group) -> None:
        """Write a group of pictures; the index finds it with the audio right before it.

        In a compact file, one that knows its end is held back if it is the first: nothing may
        follow.

        :raises UsageError: if it does not begin after the one before, is predicted from a group
            that was not written here, or is one more than a file may have.
        """
        if self._last_pts is not None and group.pts <= self._last_pts:
            raise UsageError("a group of pictures must begin after the one before")
        if len(self._groups) == MAX_GROUPS:
            raise UsageError(
                f"a file has {MAX_GROUPS} groups at most", hint="go on in another file"
            )
        if group.reference and self._references.find(group.reference.pts) is None:
            raise UsageError(
                "a group cannot be written without the one that it is predicted from",
                hint="begin with a packet for which is_keyframe is true, and leave none out",
            )
        self._check(group)
        self._references.note(group)
        self._last_pts = group.pts
        self._write_held()
        first = not self._groups and self._audio_offset is None
        if self._format.compact and first and group.end_pts is not None:
            self._held = group
        else:
            self._write(group)

    def _check(self, group: Group) -> None:
        wanted = group
        if group.reference is not None:
            wanted = replace(group, reference=Reference(group.reference.pts))
        with refusing("a group of pictures"):
            self._format.check(group)
        check_read_back("a group of pictures", self._format.write(group), self._format.read, wanted)

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
        """Write a block of audio packets; a long one becomes several."""
        self._write_held()
        for part in block.parts(_MOST_SOUND):
            payload = part.to_bytes()
            check_read_back("sound", payload, AudioBlock.from_bytes, part)
            offset = self._chunks.write(ChunkKind.AUDIO, payload)
            if self._audio_offset is None:
                self._audio_offset = offset

    def close(self, *, end_pts: int) -> None:
        """Write index and trailer, or a group that does without.

        :param end_pts: when the last frame ends, in the video's time base.
        """
        if self._held is not None:
            payload = self._format.write_final(self._held, end_pts)
            with refusing("a group of pictures"):
                self._format.read_final(payload)
            self._chunks.write(ChunkKind.FINAL_GROUP, payload)
            return
        index = Index(tuple(self._groups), end_pts)
        payload, size = index.to_bytes(), self._chunks.offset
        check_read_back(
            "the index", payload, lambda data: Index.from_bytes(data, file_size=size), index
        )
        self._chunks.finish(payload)


def _check_pack(header: FileHeader, pack: bytes | None) -> None:
    with refusing("the speaker pack"):
        if header.embeds_pack is not (pack is not None):
            raise InvalidDataError("the header says another thing")
        if pack is not None and (len(pack) > MAX_PACK or fingerprint_of(pack) != header.video.pack):
            raise InvalidDataError("it is too long, or not the one that the header names")
