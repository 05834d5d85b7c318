"""Packets of a .gvc container."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from gvc.bitstream import AudioPacket, Group
from gvc.errors import UsageError

if TYPE_CHECKING:
    import av

    from gvc.api.output import OutputAudioStream, OutputVideoStream
    from gvc.api.streams import AudioStream, VideoStream


@dataclass(frozen=True, slots=True)
class Packet:
    """A unit of one stream: a whole group of pictures, or one audio packet.

    The motion codes of a group share one run of the range coder, so that single frames have no
    bytes of their own; a packet of video is therefore a group of pictures.

    :param stream: the stream that it belongs to.
    :param unit: what the bitstream holds.
    """

    stream: VideoStream | AudioStream | OutputVideoStream | OutputAudioStream
    unit: Group | AudioPacket

    @property
    def pts(self) -> int:
        """Presentation time of the first frame, in ``time_base``."""
        return self.unit.pts

    @property
    def dts(self) -> int:
        """Decoding time; the same as ``pts``, since nothing is reordered."""
        return self.unit.pts

    @property
    def duration(self) -> int:
        """Duration in ``time_base``; of a group, from its first frame to the end of its last."""
        return self.stream.duration_of(self.unit)

    @property
    def time_base(self) -> Fraction:
        """Unit of time in seconds."""
        return self.stream.time_base

    @property
    def is_keyframe(self) -> bool:
        """Whether it needs no packet before it.

        Reading may begin at any packet: what it needs is found. But a group of pictures that is
        predicted from an earlier one goes into another file behind that one only.
        """
        return not isinstance(self.unit, Group) or self.unit.reference is None

    @property
    def frames(self) -> int:
        """Video frames in a group; 1 for an audio packet."""
        return self.unit.frames if isinstance(self.unit, Group) else 1

    @property
    def size(self) -> int:
        """Bytes of coded data."""
        return len(bytes(self))

    def __bytes__(self) -> bytes:
        """The coded data: a group as the file holds it, or the audio codec's packet."""
        return self.unit.to_bytes() if isinstance(self.unit, Group) else self.unit.data

    def decode(self) -> list[av.VideoFrame] | list[av.AudioFrame]:
        """All frames of the packet; :meth:`InputContainer.decode` gives them one by one.

        :raises InvalidDataError: if the data is damaged.
        """
        decode = getattr(self.stream, "decode", None)
        if decode is None:
            raise UsageError("only packets that were read can be decoded")
        return list(decode(self))
