"""Streams of a container that is read; their properties have the names of FFmpeg and PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from gvc.api.packet import Packet
from gvc.bitstream import AudioHeader, AudioPacket, Group, VideoHeader

if TYPE_CHECKING:
    import av

    from gvc.api.input import InputContainer


class VideoStream:
    """The video stream of an :class:`~gvc.api.input.InputContainer`.

    :param header: of the stream as it comes out; its sizes are not the file's where pictures are
        decoded at a reduced size.
    """

    type: Literal["video"] = "video"
    index = 0

    def __init__(self, container: InputContainer, header: VideoHeader) -> None:
        self.container = container
        self.header = header

    @property
    def name(self) -> str:
        """Name of the codec."""
        return "gvc"

    @property
    def width(self) -> int:
        """Width of decoded frames in pixels."""
        return self.header.width

    @property
    def height(self) -> int:
        """Height of decoded frames in pixels."""
        return self.header.height

    @property
    def coded_width(self) -> int:
        """Width in pixels at which the network works."""
        return self.header.coded_width

    @property
    def coded_height(self) -> int:
        """Height in pixels at which the network works."""
        return self.header.coded_height

    @property
    def pix_fmt(self) -> str:
        """Pixel format of decoded frames."""
        return "yuv420p"

    @property
    def time_base(self) -> Fraction:
        """Unit of ``pts`` in seconds."""
        return self.header.time_base

    @property
    def average_rate(self) -> Fraction:
        """Frames a second, nominal."""
        return self.header.frame_rate

    @property
    def sample_aspect_ratio(self) -> Fraction:
        """Width over height of a pixel."""
        return self.header.sample_aspect_ratio

    @property
    def start_time(self) -> int | None:
        """pts of the first frame, or None where the file cannot be searched."""
        index = self.container.index
        return index.groups[0].pts if index and index.groups else None

    @property
    def frames(self) -> int:
        """Number of frames, 0 where the file cannot be searched for it."""
        index = self.container.index
        return sum(group.frames for group in index.groups) if index else 0

    def decode(self, packet: Packet) -> Iterator[av.VideoFrame]:
        """Frames of one packet, one by one."""
        assert isinstance(packet.unit, Group)
        return self.container.video_decoder.decode(packet.unit)

    def duration_of(self, unit: Group | AudioPacket) -> int:
        """Duration of a packet of this stream in ``time_base``."""
        assert isinstance(unit, Group)
        index = self.container.index
        if index is not None:
            later = [group.pts for group in index.groups if group.pts > unit.pts]
            return min([*later, index.end_pts]) - unit.pts
        return unit.frames * self.header.frame_duration


class AudioStream:
    """The audio stream of an :class:`~gvc.api.input.InputContainer`."""

    type: Literal["audio"] = "audio"
    index = 1

    def __init__(self, container: InputContainer, header: AudioHeader) -> None:
        self.container = container
        self.header = header

    @property
    def name(self) -> str:
        """FFmpeg's name of the codec."""
        return self.header.codec

    @property
    def sample_rate(self) -> int:
        """Samples a second."""
        return self.header.sample_rate

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.header.channels

    @property
    def layout(self) -> str:
        """FFmpeg's name of the channel layout."""
        return self.header.layout

    @property
    def time_base(self) -> Fraction:
        """Unit of ``pts`` in seconds."""
        return self.header.time_base

    def decode(self, packet: Packet) -> Iterator[av.AudioFrame]:
        """Frames of one packet; packets are to be decoded in order."""
        assert isinstance(packet.unit, AudioPacket)
        return self.container.audio_decoder.decode(packet.unit)

    def duration_of(self, unit: Group | AudioPacket) -> int:
        """Duration of a packet of this stream in ``time_base``."""
        assert isinstance(unit, AudioPacket)
        return unit.duration


class StreamContainer(tuple[VideoStream | AudioStream, ...]):
    """All streams, by index and by type, as PyAV's container of that name."""

    __slots__ = ()

    @property
    def video(self) -> tuple[VideoStream, ...]:
        """The video streams; a .gvc file has one."""
        return tuple(stream for stream in self if isinstance(stream, VideoStream))

    @property
    def audio(self) -> tuple[AudioStream, ...]:
        """The audio streams; a .gvc file has one or none."""
        return tuple(stream for stream in self if isinstance(stream, AudioStream))

    def best(self, kind: Literal["video", "audio"]) -> VideoStream | AudioStream | None:
        """The stream of a kind that a player would choose."""
        return next((stream for stream in self if stream.type == kind), None)
