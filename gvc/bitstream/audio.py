"""Audio packets, in blocks between the groups of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gvc.bitstream.fields import FieldReader, FieldWriter
from gvc.bitstream.group import MAX_PTS
from gvc.errors import InvalidDataError, UnsupportedError

#: Most packets of a block, and bytes of a packet.
MAX_PACKETS = 1 << 16
MAX_PACKET = 1 << 20

_IRREGULAR = 1
_KNOWN_FLAGS = _IRREGULAR


@dataclass(frozen=True, slots=True)
class AudioPacket:
    """A packet of the audio codec; ``pts`` and ``duration`` in the audio's time base."""

    pts: int
    duration: int
    data: bytes


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """Consecutive audio packets; they cost a byte or two each beyond their data."""

    packets: tuple[AudioPacket, ...]

    def parts(self, most_bytes: int) -> Iterator[AudioBlock]:
        """The same packets in blocks of at most ``most_bytes`` of data and :data:`MAX_PACKETS`.

        A packet that is longer has a block of its own.
        """
        packets: list[AudioPacket] = []
        size = 0
        for packet in self.packets:
            if packets and (size + len(packet.data) > most_bytes or len(packets) == MAX_PACKETS):
                yield AudioBlock(tuple(packets))
                packets, size = [], 0
            packets.append(packet)
            size += len(packet.data)
        if packets:
            yield AudioBlock(tuple(packets))

    def to_bytes(self) -> bytes:
        """The payload of an audio chunk."""
        first = self.packets[0]
        regular = all(
            packet.duration == first.duration and packet.pts == first.pts + number * first.duration
            for number, packet in enumerate(self.packets)
        )
        fields = FieldWriter()
        fields.unsigned(0 if regular else _IRREGULAR)
        fields.signed(first.pts)
        fields.unsigned(first.duration)
        fields.unsigned(len(self.packets))
        expected = first.pts
        for packet in self.packets:
            if not regular:
                fields.signed(packet.pts - expected)
                fields.unsigned(packet.duration)
                expected = packet.pts + packet.duration
            fields.unsigned(len(packet.data))
        for packet in self.packets:
            fields.raw(packet.data)
        return fields.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> AudioBlock:
        """Read a block.

        :raises InvalidDataError: if a field is cut off or out of range.
        :raises UnsupportedError: if it needs a newer version.
        """
        fields = FieldReader(data)
        flags = fields.unsigned("flags of audio", 1 << 62)
        if flags & ~_KNOWN_FLAGS:
            raise UnsupportedError("made by a newer version of gvc", hint="update gvc")
        pts = fields.signed("pts of audio", MAX_PTS)
        duration = fields.unsigned("duration of audio", 1 << 32)
        # Each packet needs a byte for its length at least, so that a lying count costs nothing.
        count = fields.unsigned("number of audio packets", min(MAX_PACKETS, fields.left), low=1)
        rows = []
        for _ in range(count):
            if flags & _IRREGULAR:
                pts += fields.signed("gap in audio", MAX_PTS)
                duration = fields.unsigned("duration of audio", 1 << 32)
            if abs(pts) > MAX_PTS:
                raise InvalidDataError("pts of audio is out of range")
            rows.append((pts, duration, fields.unsigned("length of audio packet", MAX_PACKET)))
            pts += duration
        return cls(tuple(AudioPacket(p, d, fields.raw(length)) for p, d, length in rows))
