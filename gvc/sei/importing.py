"""A VVC stream that was exported back to a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from gvc.bitstream import MAX_GROUPS, BitstreamWriter, FileHeader, Group, fingerprint_of
from gvc.bitstream.fields import FieldReader
from gvc.bitstream.group import MAX_KEY
from gvc.codec.levels import LevelCoding
from gvc.errors import InvalidDataError, TruncatedDataError, UsageError
from gvc.sei.face_video import PAYLOAD_TYPE, FaceVideoMessage
from gvc.sei.message import SeiMessage, messages_of
from gvc.sei.motion import LevelCollector, read_motion, with_content
from gvc.sei.nal import ENDS, NalKind, NalUnit, read_units
from gvc.sei.record import CHECKSUM_BYTES, Record, RecordKind, checksum

#: Latest end that a header's record may say.
_MAX_END = 1 << 61

#: Most units before the messages of a picture, and most bytes of them.
_MAX_LEADING = 64
_MAX_LEADING_BYTES = 1 << 16

#: Most units of a group.
_MAX_UNITS = 1 << 18

_NOT_OURS = "not a stream that gvc exported"


def import_stream(source: BinaryIO, target: BinaryIO, *, extra_weights: Path | None = None) -> None:
    """Make a .gvc file again of what :func:`gvc.sei.export_stream` wrote.

    :param source: a binary file object with ``read``; :param target: one with ``write``.
    :param extra_weights: a weights file, or a folder of them, where to look for the prior first.
    :raises InvalidDataError: if the stream is damaged, or was not exported by gvc.
    :raises UnsupportedError, WeightsError: if this build lacks what the file needs.
    """
    reader = _StreamReader(target, extra_weights)
    for unit in read_units(source):
        reader.take(unit)
    reader.close()


class _OpenGroup:
    """A group whose pictures and messages are still coming."""

    def __init__(
        self,
        body: bytes,
        coding: LevelCoding,
        canvas: tuple[int, int] | None,
        leading: list[NalUnit],
    ) -> None:
        self._checksum, outline = body[:CHECKSUM_BYTES], Group.from_bytes(body[CHECKSUM_BYTES:])
        for rectangle in outline.rectangles:
            if canvas is None or not rectangle.lies_in(*canvas):
                raise InvalidDataError("a rectangle does not lie in the picture")
        self._outline, self._coding = outline, coding
        motion = read_motion(coding, outline, levels=False)
        self._levels = LevelCollector(outline, motion, length=coding.length)
        self._pictures = [list(leading)] if outline.video else [[]]
        # Whether the picture has slices.
        self._begun = False
        self._units = self._size = 0

    def begin_picture(self, body: bytes) -> None:
        """Further units are of the next key frame."""
        number = len(self._pictures)
        if body != bytes([number]) or number >= len(self._outline.keys):
            raise InvalidDataError("a key frame is out of order")
        self._pictures.append([])
        self._begun = False

    def take_unit(self, unit: NalUnit) -> None:
        """Take a unit of a picture."""
        if not self._outline.video:
            # What others may have put between pictures is of no file.
            if unit.kind == NalKind.DELIMITER or (self._begun and unit.leads):
                return
            self._begun = self._begun or unit.is_slice
            unit = NalUnit(unit.data)
        self._pictures[-1].append(unit)
        self._units += 1
        self._size += len(unit.to_bytes())
        if self._units > _MAX_UNITS or self._size > MAX_KEY:
            raise InvalidDataError("a group is larger than pictures can be")

    def take_message(self, message: SeiMessage) -> None:
        """Take a Generative Face Video message."""
        self._levels.take(FaceVideoMessage.decode(message, length=self._coding.length))

    def finish(self) -> Group:
        """The group, whole and checked."""
        if not self._outline.video and len(self._pictures) < len(self._outline.keys):
            raise TruncatedDataError("key frames of a group are missing")
        motion = self._levels.finish()
        content = b"".join(unit.data for picture in self._pictures for unit in picture)
        if checksum(content + motion.levels) != self._checksum:
            raise InvalidDataError("a group is damaged: the checksum does not match")
        streams = [b"".join(unit.to_bytes() for unit in picture) for picture in self._pictures]
        coded = ([], streams[0]) if self._outline.video else (streams, b"")
        return with_content(self._coding, self._outline, motion, pictures=coded[0], video=coded[1])


@dataclass(frozen=True, slots=True)
class _Opening:
    """What stands before all groups.

    :param header: of the file. :param groups: their number.
    :param end_pts: when the last one ends.
    """

    header: FileHeader
    groups: int
    end_pts: int

    @classmethod
    def from_bytes(cls, body: bytes) -> _Opening:
        """Read the header's record."""
        fields = FieldReader(body)
        groups = fields.unsigned("number of groups", MAX_GROUPS, low=1)
        end_pts = fields.signed("end", _MAX_END)
        header = FileHeader.from_bytes(fields.rest())
        if header.video.key_codec != "vvc":
            raise InvalidDataError("the header says that key frames are not VVC")
        return cls(replace(header, audio=None), groups, end_pts)


class _StreamReader:
    """Takes the units of a stream, one by one."""

    def __init__(self, target: BinaryIO, extra_weights: Path | None) -> None:
        self._output = BitstreamWriter(target)
        self._extra_weights = extra_weights
        self._opening: _Opening | None = None
        self._pack: bytes | None = None
        self._coding: LevelCoding | None = None
        self._group: _OpenGroup | None = None
        # Whether units are of a picture that is none of the file's.
        self._repeating = False
        self._leading: list[NalUnit] = []
        self._starts: list[int] = []

    def take(self, unit: NalUnit) -> None:
        """Take the next unit.

        :raises InvalidDataError: if it is damaged, or not what had to come.
        """
        if unit.kind == NalKind.PREFIX_SEI and self._take_messages(unit):
            self._leading = []
        elif unit.leads:
            # Before messages it is of their picture, elsewhere of the one before.
            self._leading.append(unit)
            size = sum(len(each.data) for each in self._leading)
            if len(self._leading) > _MAX_LEADING or size > _MAX_LEADING_BYTES:
                raise InvalidDataError(_NOT_OURS)
        else:
            self._take_leading()
            if unit.kind in ENDS:
                self._finish_group()
            elif self._group is not None:
                self._group.take_unit(unit)
            elif unit.is_slice and not self._repeating:
                raise InvalidDataError(_NOT_OURS)

    def _take_leading(self) -> None:
        if self._group is not None:
            for unit in self._leading:
                self._group.take_unit(unit)
        self._leading = []

    def close(self) -> None:
        """Write the end of the file.

        :raises InvalidDataError: if the stream is not whole.
        """
        self._take_leading()
        self._finish_group()
        if self._opening is None:
            raise InvalidDataError(_NOT_OURS)
        if len(self._starts) != self._opening.groups:
            text = f"holds {len(self._starts)} of {self._opening.groups} groups"
            raise TruncatedDataError(text)
        self._output.close(end_pts=self._opening.end_pts)

    def _take_messages(self, unit: NalUnit) -> bool:
        """Take the messages of an SEI unit, if it is one of ours."""
        messages = messages_of(unit)
        first = next(messages, None)
        record = None if first is None else Record.decode(first)
        if record is None:
            return False
        self._take_record(record)
        for message in messages:
            record = Record.decode(message)
            if record is not None:
                self._take_record(record)
            elif message.payload_type == PAYLOAD_TYPE and self._group is not None:
                self._group.take_message(message)
        return True

    def _take_record(self, record: Record) -> None:
        if record.kind == RecordKind.HEADER:
            if self._opening is not None:
                raise InvalidDataError("a stream with two headers")
            self._opening = _Opening.from_bytes(record.body)
        elif record.kind == RecordKind.PACK:
            self._pack = record.body
        elif record.kind == RecordKind.KEY:
            if self._group is None:
                raise InvalidDataError("a key frame is out of order")
            self._group.begin_picture(record.body)
        else:
            self._finish_group()
            self._repeating = record.kind == RecordKind.REFERENCE
            if record.kind == RecordKind.GROUP:
                self._begin_group(record.body)

    def _begin_group(self, body: bytes) -> None:
        if self._opening is None:
            raise InvalidDataError("does not begin as a stream that gvc exported")
        header = self._opening.header
        if self._coding is None:
            # All that stands before the groups is there.
            if header.embeds_pack and fingerprint_of(self._pack or b"") != header.video.pack:
                raise InvalidDataError("the speaker pack is missing, or another one")
            self._coding = LevelCoding.for_decoder(header.video, extra=self._extra_weights)
            self._output.write_header(header, pack=self._pack if header.embeds_pack else None)
        self._group = _OpenGroup(body, self._coding, header.video.canvas, self._leading)

    def _finish_group(self) -> None:
        self._repeating = False
        if self._group is None:
            return
        group = self._group.finish()
        self._group = None
        if self._opening is not None and self._opening.groups == 1:
            group = replace(group, end_pts=self._opening.end_pts)
        if self._starts and group.pts <= self._starts[-1]:
            raise InvalidDataError("a group comes too early")
        self._starts.append(group.pts)
        try:
            self._output.write_group(group)
        except UsageError as error:
            raise InvalidDataError("a group is predicted from one that is not there") from error
