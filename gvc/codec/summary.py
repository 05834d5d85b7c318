"""What a file holds, counted to the byte."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import BinaryIO

from gvc.bitstream import (
    BitstreamReader,
    FileHeader,
    FrameType,
    Group,
    GroupFormat,
    Rectangle,
)
from gvc.codec.motion_run import frame_types
from gvc.errors import InvalidDataError


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """What one group of pictures takes.

    :param pts: of its first frame, in the video's time base.
    :param types: of its frames in the first rectangle, in the order of showing.
    :param keys: bytes of each key frame, by its place in the group.
    :param conventional: bytes that the key-frame codec made, all key frames or video.
    :param motion: bytes of motion codes, of all rectangles.
    :param audio: bytes of the sound that the file holds before it; of the last group, behind it,
        too.
    :param overhead: bytes of framing, of that sound too.
    :param predicted: whether its key frames are predicted from that of an earlier group.
    """

    pts: int
    types: tuple[FrameType, ...]
    keys: dict[int, int]
    conventional: int
    motion: int
    audio: int
    overhead: int
    predicted: bool


@dataclass(slots=True)
class StreamSummary:
    """Counts over all whole units of a file.

    The five numbers of bytes add up to ``size``.

    :param header: the file header.
    :param size: bytes read, of a whole file its size.
    :param pack: bytes of the speaker pack that the file holds, 0 without.
    :param by_group: what each group takes.
    :param audio: bytes of sound.
    :param rectangles: that are generated, of those groups that have any, each once.
    :param audio_packets: number of audio packets.
    :param seconds: duration of the video.
    :param problem: why reading stopped before the end, or None for a whole file.
    """

    header: FileHeader
    size: int = 0
    pack: int = 0
    by_group: list[GroupSummary] = field(default_factory=list)
    audio: int = 0
    rectangles: list[Rectangle] = field(default_factory=list)
    audio_packets: int = 0
    seconds: Fraction = Fraction(0)
    problem: str | None = None

    @property
    def groups(self) -> int:
        """Number of groups of pictures."""
        return len(self.by_group)

    @property
    def predicted(self) -> int:
        """Number of groups whose key frames are predicted from that of an earlier one."""
        return sum(group.predicted for group in self.by_group)

    @property
    def frames(self) -> Counter[FrameType]:
        """Number of frames by type."""
        return Counter(each for group in self.by_group for each in group.types)

    @property
    def key_frames(self) -> int:
        """Bytes of key frames, and of groups coded as video; without parameter sets."""
        return sum(group.conventional for group in self.by_group)

    @property
    def motion_codes(self) -> int:
        """Bytes of motion codes."""
        return sum(group.motion for group in self.by_group)

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
    stored_as = GroupFormat.of(reader.header)
    audio = framing = 0
    try:
        for chunk, unit in reader.units():
            if isinstance(unit, Group):
                stored = stored_as.stored(unit)
                summary.by_group.append(_summary_of(stored, chunk.size, audio, framing))
                for rectangle in unit.rectangles:
                    if rectangle not in summary.rectangles:
                        summary.rectangles.append(rectangle)
                audio = framing = 0
            elif unit is not None:
                sound = sum(len(packet.data) for packet in unit.packets)
                summary.audio_packets += len(unit.packets)
                summary.audio += sound
                audio, framing = audio + sound, framing + chunk.size - sound
    except InvalidDataError as error:
        summary.problem = error.cause
    if summary.by_group:
        last = summary.by_group[-1]
        summary.by_group[-1] = replace(
            last, audio=last.audio + audio, overhead=last.overhead + framing
        )
    summary.size = reader.position
    if reader.index is not None and reader.index.groups:
        ticks = reader.index.end_pts - reader.index.groups[0].pts
    else:
        ticks = summary.frames.total() * video.frame_duration
    summary.seconds = ticks * video.time_base
    return summary


def _summary_of(group: Group, size: int, audio: int, framing: int) -> GroupSummary:
    """What ``group`` takes.

    :param size: of its chunk. :param audio, framing: bytes of the sound before it.
    """
    conventional, motion = len(group.conventional), sum(map(len, group.runs))
    return GroupSummary(
        pts=group.pts,
        types=tuple(frame_types(group)),
        keys={key.index: len(key.data) for key in group.keys},
        conventional=conventional,
        motion=motion,
        audio=audio,
        overhead=framing + size - conventional - motion,
        predicted=group.reference is not None,
    )
