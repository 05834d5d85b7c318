"""A file to a VVC stream."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

from gvc.bitstream import AudioBlock, BitstreamReader, Group, VideoHeader
from gvc.bitstream.fields import FieldWriter
from gvc.codec.levels import LevelCoding
from gvc.errors import InvalidDataError, UnsupportedError
from gvc.sei.message import SeiMessage, prefix_unit
from gvc.sei.motion import GroupMotion, face_messages, outline_of, read_motion
from gvc.sei.nal import (
    END_OF_SEQUENCE,
    ENDS,
    PARAMETERS,
    RANDOM_ACCESS,
    NalKind,
    NalUnit,
    read_units,
)
from gvc.sei.record import Record, RecordKind, checksum


@dataclass(frozen=True, slots=True)
class StreamReport:
    """What became of a file.

    :param groups: their number. :param pictures: that a VVC decoder shows.
    :param repeated: how many of these it shows once more, because others are predicted from them.
    """

    groups: int
    pictures: int
    repeated: int


def export_stream(
    source: BinaryIO,
    target: BinaryIO,
    *,
    extra_weights: Path | None = None,
    on_warning: Callable[[str], None] = lambda _: None,
) -> StreamReport:
    """Write a .gvc file as a VVC elementary stream with Generative Face Video messages.

    :param source: a binary file object; what cannot be sought is read whole.
    :param target: a binary file object; it is written in one pass and stays open.
    :param extra_weights: a weights file, or a folder of them, where to look for the prior first.
    :param on_warning: called with a line for what a VVC stream does not hold.
    :raises GvcError: if the file is damaged, or its key frames are not VVC.
    """
    reader = BitstreamReader(source if source.seekable() else io.BytesIO(source.read()))
    video = reader.header.video
    if video.key_codec != "vvc":
        raise UnsupportedError(
            f"its key frames are {video.key_codec.upper()}, and a VVC stream holds VVC only",
            hint="code it again, without --key-codec",
        )
    if reader.header.audio is not None:
        on_warning("the sound is left out: a VVC stream holds none")
    coding = LevelCoding.for_decoder(video, extra=extra_weights)
    writer = _StreamWriter(target, video, coding, _opening(reader))
    for unit in reader:
        if not isinstance(unit, AudioBlock):
            writer.write_group(unit)
    return writer.report


def _opening(reader: BitstreamReader) -> list[SeiMessage]:
    """What stands before all groups."""
    index = reader.index
    if index is None or not index.groups:
        raise InvalidDataError("holds no group of pictures")
    fields = FieldWriter()
    fields.unsigned(len(index.groups))
    fields.signed(index.end_pts)
    fields.raw(replace(reader.header, audio=None).to_bytes())
    records = [Record(RecordKind.HEADER, fields.to_bytes())]
    if reader.pack is not None:
        records.append(Record(RecordKind.PACK, reader.pack))
    return [record.encode() for record in records]


class _StreamWriter:
    """Writes one group after the other, as a rule each as a coded video sequence of its own.

    :param opening: messages for the first picture.
    """

    def __init__(
        self,
        target: BinaryIO,
        video: VideoHeader,
        coding: LevelCoding,
        opening: Sequence[SeiMessage],
    ) -> None:
        self._target = target
        self._coding = coding
        self._parameters = _units_of(video.key_parameters)
        self._waiting = list(opening)
        # The only picture of the sequence that is being written, if there is only one.
        self._only: bytes | None = None
        self.report = StreamReport(0, 0, 0)

    def write_group(self, group: Group) -> None:
        """Write the next group."""
        if group.reference is None or group.reference.data != self._only:
            self._only = None
        if group.video:
            self._write_video(group)
        else:
            self._write_keys(group)
        alone = len(group.keys) == 1 and group.reference is None
        self._only = group.keys[0].data if alone else None
        self.report = replace(self.report, groups=self.report.groups + 1)

    def _write_keys(self, group: Group) -> None:
        motion = read_motion(self._coding, group)
        faces = face_messages(group, motion, length=self._coding.length)
        pictures = [_picture(key.data) for key in group.keys]
        content = b"".join(unit.data for picture in pictures for unit in picture)
        record = self._record(group, motion, content + motion.levels)
        begins = self._only is None
        if group.reference is not None and begins:
            self._repeat(group.reference.data)
            begins = False
        for number, (picture, messages) in enumerate(zip(pictures, faces, strict=True)):
            about = Record(RecordKind.KEY, bytes([number])).encode() if number else record
            encoded = [message.encode() for message in messages]
            self._write_picture(picture, [about, *encoded], first=begins and number == 0)

    def _repeat(self, reference: bytes) -> None:
        """Write the key frame of an earlier group once more: the sequence begins with it."""
        messages = [Record(RecordKind.REFERENCE).encode()]
        self._write_picture(_picture(reference), messages, first=True)
        self.report = replace(self.report, repeated=self.report.repeated + 1)

    def _write_picture(
        self, units: Sequence[NalUnit], messages: Sequence[SeiMessage], *, first: bool
    ) -> None:
        """Write an access unit; the first one of a group can be decoded from there."""
        temporal_id = self._begin(units) if first else _first_slice(units).temporal_id
        if first and all(unit.kind != NalKind.SEQUENCE_PARAMETERS for unit in units):
            self._write(*(replace(unit, set_off=True) for unit in self._parameters))
        self._write_messages(messages, temporal_id=temporal_id)
        self._write(*units)
        self.report = replace(self.report, pictures=self.report.pictures + 1)

    def _write_video(self, group: Group) -> None:
        units = _units_of(group.video)
        temporal_id = self._begin(units)
        if any(unit.kind in ENDS for unit in units):
            raise UnsupportedError("a group that is coded as video consists of several sequences")
        leading = list(takewhile(lambda unit: unit.leads, units))
        content = b"".join(unit.data for unit in units)
        self._write(*leading)
        motion = read_motion(self._coding, group)
        self._write_messages([self._record(group, motion, content)], temporal_id=temporal_id)
        self._write(*units[len(leading) :])
        self.report = replace(self.report, pictures=self.report.pictures + group.frames)

    def _begin(self, units: Sequence[NalUnit]) -> int:
        """Begin a sequence with these units; returns the sublayer of its first picture."""
        first = _first_slice(units)
        if first.kind not in RANDOM_ACCESS:
            raise InvalidDataError("a group begins with a picture that does not stand alone")
        # An IDR picture says by itself that a sequence begins.
        if first.kind == NalKind.CRA and self.report.pictures:
            self._write(NalUnit(END_OF_SEQUENCE))
        return first.temporal_id

    def _record(self, group: Group, motion: GroupMotion, content: bytes) -> SeiMessage:
        outline = outline_of(self._coding, group, motion)
        return Record(RecordKind.GROUP, checksum(content) + outline.to_bytes()).encode()

    def _write_messages(self, messages: Sequence[SeiMessage], *, temporal_id: int) -> None:
        everything = [*self._waiting, *messages]
        self._waiting = []
        self._write(prefix_unit(everything, temporal_id=temporal_id, set_off=True))

    def _write(self, *units: NalUnit) -> None:
        self._target.write(b"".join(unit.to_bytes() for unit in units))


def _units_of(stream: bytes) -> list[NalUnit]:
    return list(read_units(io.BytesIO(stream)))


def _picture(stream: bytes) -> list[NalUnit]:
    """The units of a key frame; those that have to be set off by a zero byte are."""
    apart = (*PARAMETERS, NalKind.PREFIX_ADAPTATION)
    return [replace(unit, set_off=unit.kind in apart) for unit in _units_of(stream)]


def _first_slice(units: Sequence[NalUnit]) -> NalUnit:
    found = next((unit for unit in units if unit.is_slice), None)
    if found is None:
        raise InvalidDataError("a key frame, or a video, is not VVC")
    return found
