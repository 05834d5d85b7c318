"""What a file holds, counted to the byte."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO

from gvc.bitstream import BitstreamReader, FileHeader, FrameType, Group, Rectangle
from gvc.codec.motion_run import frame_types
from gvc.errors import InvalidDataError


@dataclass(slots=True)
class StreamSummary:
    """Counts over all whole units of a file.

    The five numbers of bytes add up to ``size``.

    :param header: the file header.
    :param size: bytes read, of a whole file its size.
    :param key_frames, motion_codes, audio: bytes of payload of each kind; groups coded as video
        count as key frames, parameter sets in the header do not.
    :param pack: bytes of the speaker pack that the file holds, 0 without.
    :param frames: number of frames by type.
    :param groups: number of groups of pictures.
    :param predicted: of these, whose key frames are predicted from that of an earlier one.
    :param rectangles: that are generated, of those groups that have one, each once.
    :param audio_packets: number of audio packets.
    :param seconds: duration of the video.
    :param problem: why reading stopped before the end, or None for a whole file.
    """

    header: FileHeader
    size: int = 0
    key_frames: int = 0
    motion_codes: int = 0
    pack: int = 0
    audio: int = 0
    frames: Counter[FrameType] = field(default_factory=Counter)
    groups: int = 0
    predicted: int = 0
    rectangles: list[Rectangle] = field(default_factory=list)
    audio_packets: int = 0
    seconds: Fraction = Fraction(0)
    problem: str | None = None

    @property
    def overhead(self) -> int:
        """Bytes of everything else: framing, checksums, header, index."""
        return self.size - self.key_frames - self.motion_codes - self.pack - self.audio


def summarise(file: BinaryIO) -> StreamSummary:
    """Read a file to its end and count.

    :param file: a binary file object at the beginning of the file.
    :raises InvalidDataError, UnsupportedError: if it does not begin as a .gvc file does.
    """
    reader = BitstreamReader(file)
    video = reader.header.video
    summary = StreamSummary(reader.header, pack=len(reader.pack or b""))
    try:
        for _, unit in reader.units():
            if isinstance(unit, Group):
                summary.groups += 1
                summary.predicted += unit.reference is not None
                summary.key_frames += len(unit.conventional)
                summary.motion_codes += len(unit.motion)
                summary.frames.update(frame_types(unit))
                if unit.rectangle is not None and unit.rectangle not in summary.rectangles:
                    summary.rectangles.append(unit.rectangle)
            elif unit is not None:
                summary.audio_packets += len(unit.packets)
                summary.audio += sum(len(packet.data) for packet in unit.packets)
    except InvalidDataError as error:
        summary.problem = error.cause
    summary.size = reader.position
    if reader.index is not None and reader.index.groups:
        ticks = reader.index.end_pts - reader.index.groups[0].pts
    else:
        ticks = summary.frames.total() * video.frame_duration
    summary.seconds = ticks * video.time_base
    return summary
