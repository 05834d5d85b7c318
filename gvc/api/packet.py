"""Packets of a .gvc container."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from gvc.bitstream import AudioPacket, Group
from gvc.errors import UsageError

if TYPE_CHECKING:
    import av

    from gvc.api.output_audio import CopiedAudioStream, OutputAudioStream
    from gvc.api.output_copy import CopiedVideoStream
    from gvc.api.output_video import OutputVideoStream
    from gvc.api.streams import AudioStream, VideoStream

    Written: TypeAlias = (
        OutputVideoStream | OutputAudioStream | CopiedVideoStream | CopiedAudioStream
    )
    Stream: TypeAlias = VideoStream | AudioStream | Written


class Packet:
    """A unit of one stream: a whole group of pictures, or one audio packet.

    The motion codes of a group share one run of the range coder, so that single frames have no
    bytes of their own; a packet of video is therefore a group of pictures.

    :param stream: the stream that it belongs to.
    :param unit: what the bitstream holds.
    :param pos: where it begins in the file, in bytes: its chunk, which audio packets share; None if
        it is in no file yet.
    """

    __slots__ = ("_origin", "_pos", "_stream", "_unit")

    def __init__(self, stream: Stream, unit: Group | AudioPacket, pos: int | None = None) -> None:
        self._origin = self._stream = stream
        self._unit = unit
        self._pos = pos

    def __repr__(self) -> str:
        return f"<gvc.Packet of #{self.stream_index}, pts={self.pts}, {self.size} bytes>"

    @property
    def stream(self) -> Stream:
        """The stream that it belongs to; set it to copy a packet to another file.

        ``OutputContainer.add_stream_from_template`` makes streams that take such packets.

        :raises UsageError: if that is none of gvc's, or of another type.
        """
        return self._stream

    @stream.setter
    def stream(self, stream: Stream) -> None:
        kind = getattr(stream, "type", None)
        if not hasattr(stream, "duration_of") or kind != self._origin.type:
            raise UsageError(f"a packet of {self._origin.type} needs a stream of the same type")
        self._stream = stream

    @property
    def origin(self) -> Stream:
        """The stream that gave it."""
        return self._origin

    @property
    def stream_index(self) -> int:
        """Number of its stream."""
        return self._stream.index

    @property
    def unit(self) -> Group | AudioPacket:
        """What the bitstream holds."""
        return self._unit

    @property
    def pos(self) -> int | None:
        """Where it begins in the file, None if it is in none."""
        return self._pos

    @property
    def pts(self) -> int:
        """Presentation time of the first frame, in ``time_base``."""
        return self._unit.pts

    @property
    def dts(self) -> int:
        """Decoding time; the same as ``pts``, since nothing is reordered."""
        return self._unit.pts

    @property
    def duration(self) -> int:
        """Duration in ``time_base``; of a group, from its first frame to the end of its last."""
        return self._origin.duration_of(self._unit)

    @property
    def time_base(self) -> Fraction:
        """Unit of time in seconds, of the stream that gave it."""
        return self._origin.time_base

    @property
    def is_keyframe(self) -> bool:
        """Whether it needs no packet before it.

        Reading may begin at any packet: what it needs is found. But a group of pictures that is
        predicted from an earlier one goes into another file behind that one only.
        """
        return not isinstance(self._unit, Group) or self._unit.reference is None

    @property
    def is_corrupt(self) -> bool:
        """False: damaged packets raise an error, or are left out."""
        return False

    @property
    def is_discard(self) -> bool:
        """False: all packets are to be shown or heard."""
        return False

    @property
    def is_disposable(self) -> bool:
        """Whether no later packet needs it; of groups that is not known."""
        return not isinstance(self._unit, Group)

    @property
    def frames(self) -> int:
        """Video frames in a group; 1 for an audio packet."""
        return self._unit.frames if isinstance(self._unit, Group) else 1

    @property
    def size(self) -> int:
        """Bytes of coded data."""
        return len(bytes(self))

    def __bytes__(self) -> bytes:
        """The coded data: a group as the file holds it, or the audio codec's packet."""
        return self._unit.to_bytes() if isinstance(self._unit, Group) else self._unit.data

    def decode(self) -> list[av.VideoFrame] | list[av.AudioFrame]:
        """All frames of the packet; :meth:`InputContainer.decode` gives them one by one.

        :raises InvalidDataError: if the data is damaged.
        :raises UsageError: if it was not read from a file.
        """
        decode = getattr(self._origin, "decode", None)
        if decode is None:
            raise UsageError("only packets that were read can be decoded")
        frames: list[av.VideoFrame] | list[av.AudioFrame] = decode(self)
        return frames

    def __reduce__(self) -> NoReturn:
        raise UsageError("a packet cannot be pickled or copied", hint="bytes(packet) is its data")
