"""Streams of a container that is read; their properties have the names of FFmpeg and PyAV."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from gvc.api.descriptions import DECODER, Codec
from gvc.api.input_stream import InputStream
from gvc.api.packet import Packet
from gvc.api.stream_container import StreamContainer as _Streams
from gvc.bitstream import AudioHeader, AudioPacket, Group, VideoHeader
from gvc.errors import InvalidDataError, UsageError

if TYPE_CHECKING:
    import av

    from gvc.api.input import InputContainer


class VideoStream(InputStream):
    """The video stream of an :class:`~gvc.api.input.InputContainer`.

    :param header: of the stream as it comes out; its sizes are not the file's where pictures are
        decoded at a reduced size.
    """

    type: Literal["video"] = "video"
    index = 0
    id = 1

    def __init__(self, container: InputContainer, header: VideoHeader) -> None:
        super().__init__(container)
        self.header = header

    def __repr__(self) -> str:
        return f"<gvc.VideoStream #0 {self.width}x{self.height}, {self.average_rate} fps>"

    @property
    def name(self) -> str:
        """Name of the codec."""
        return "gvc"

    @property
    def codec(self) -> Codec:
        """The codec."""
        return DECODER

    @property
    def codec_context(self) -> VideoStream:
        """The stream itself, which has the properties of its codec."""
        return self

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
    def format(self) -> av.VideoFormat:
        """The same with its properties."""
        import av

        return av.VideoFormat(self.pix_fmt, self.width, self.height)

    @property
    def colorspace(self) -> int:
        """Matrix of decoded frames, H.273 MatrixCoefficients."""
        return self.header.colour.matrix

    @property
    def color_primaries(self) -> int:
        """Primaries of decoded frames, H.273 ColourPrimaries."""
        return self.header.colour.primaries

    @property
    def color_trc(self) -> int:
        """Transfer of decoded frames, H.273 TransferCharacteristics."""
        return self.header.colour.transfer

    @property
    def color_range(self) -> int:
        """1 for limited, 2 for full range."""
        return 2 if self.header.colour.full_range else 1

    @property
    def time_base(self) -> Fraction:
        """Unit of ``pts`` in seconds."""
        return self.header.time_base

    @property
    def average_rate(self) -> Fraction:
        """Frames per second, nominal."""
        return self.header.frame_rate

    @property
    def base_rate(self) -> Fraction:
        """The same: a file names one rate."""
        return self.header.frame_rate

    @property
    def guessed_rate(self) -> Fraction:
        """The same."""
        return self.header.frame_rate

    @property
    def framerate(self) -> Fraction:
        """The same, by the name that codecs have for it."""
        return self.header.frame_rate

    @property
    def rate(self) -> Fraction:
        """The same."""
        return self.header.frame_rate

    @property
    def bit_rate(self) -> int | None:
        """Bits per second of the file, its sound included; None if unknown."""
        return self.container.bit_rate

    @property
    def has_b_frames(self) -> bool:
        """False: frames come out in the order of decoding."""
        return False

    @property
    def sample_aspect_ratio(self) -> Fraction:
        """Width over height of a pixel."""
        return self.header.sample_aspect_ratio

    @property
    def display_aspect_ratio(self) -> Fraction:
        """Width over height of a frame as it is shown."""
        return Fraction(self.width, self.height) * self.sample_aspect_ratio

    @property
    def start_time(self) -> int | None:
        """pts of the first frame, or None where the file cannot be searched."""
        index = self.container.index
        return index.groups[0].pts if index and index.groups else None

    @property
    def duration(self) -> int | None:
        """From the first frame to the end of the last, in ``time_base``; None if unknown."""
        index = self.container.index
        if index is None or not index.groups:
            return None
        # A damaged index may say that the end comes first.
        return max(0, index.end_pts - index.groups[0].pts)

    @property
    def frames(self) -> int:
        """Number of frames, 0 where the file cannot be searched for it."""
        index = self.container.index
        return sum(group.frames for group in index.groups) if index else 0

    @cached_property
    def _starts(self) -> list[int]:
        index = self.container.index
        return sorted(group.pts for group in index.groups) if index is not None else []

    def decode(self, packet: Packet | None = None) -> list[av.VideoFrame]:
        """Frames of a packet; None flushes, which gives none: no frame is held back.

        :raises InvalidDataError: if the data is damaged.
        """
        if packet is None:
            return []
        if not isinstance(packet.unit, Group):
            raise UsageError("a video stream decodes packets of video")
        return self.container.decode_group(packet.unit)

    def duration_of(self, unit: Group | AudioPacket) -> int:
        """Duration of a packet of this stream in ``time_base``."""
        assert isinstance(unit, Group)
        index = self.container.index
        if index is None:
            return unit.frames * self.header.frame_duration
        place = bisect_right(self._starts, unit.pts)
        later = self._starts[place : place + 1]
        return min([*later, index.end_pts]) - unit.pts


class AudioStream(InputStream):
    """The audio stream of an :class:`~gvc.api.input.InputContainer`."""

    type: Literal["audio"] = "audio"
    index = 1
    id = 2

    def __init__(self, container: InputContainer, header: AudioHeader) -> None:
        super().__init__(container)
        self.header = header

    def __repr__(self) -> str:
        return f"<gvc.AudioStream #1 {self.name} at {self.sample_rate} Hz, {self.header.layout}>"

    @property
    def name(self) -> str:
        """FFmpeg's name of the codec."""
        return self.header.codec

    @property
    def codec(self) -> av.Codec:
        """FFmpeg's decoder.

        :raises UnsupportedError: if there is none.
        """
        return self.container.audio_decoder.codec

    @property
    def codec_context(self) -> AudioStream:
        """The stream itself, which has the properties of its codec."""
        return self

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self.header.sample_rate

    @property
    def rate(self) -> int:
        """The same."""
        return self.header.sample_rate

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.header.channels

    @property
    def layout(self) -> av.AudioLayout:
        """The channel layout.

        :raises InvalidDataError: if the file names one that there is not.
        """
        import av

        try:
            return av.AudioLayout(self.header.layout)
        except ValueError as error:
            name = self.header.layout
            raise InvalidDataError(
                f"there is no channel layout {name!r}", path=self.container.name
            ) from error

    @property
    def format(self) -> av.AudioFormat:
        """Sample format of decoded frames.

        :raises UnsupportedError: if there is no decoder.
        """
        return self.container.audio_decoder.format

    @property
    def frame_size(self) -> int:
        """Samples of a packet, 0 if they differ."""
        return round(self.header.frame_size * self.header.time_base * self.header.sample_rate)

    @property
    def bit_rate(self) -> int | None:
        """Bits per second, nominal; None if unknown."""
        return self.header.bit_rate or None

    @property
    def extradata(self) -> bytes | None:
        """The decoder's configuration."""
        return self.header.extradata or None

    @property
    def time_base(self) -> Fraction:
        """Unit of ``pts`` in seconds."""
        return self.header.time_base

    @property
    def start_time(self) -> int | None:
        """pts of the first packet, None if unknown."""
        span = self.container.sound_span
        return span[0] if span is not None else None

    @property
    def duration(self) -> int | None:
        """From the first packet to the end of the last, in ``time_base``; None if unknown."""
        span = self.container.sound_span
        return span[1] - span[0] if span is not None else None

    @property
    def frames(self) -> int:
        """0: a file does not tell how many packets of sound it has."""
        return 0

    def decode(self, packet: Packet | None = None) -> list[av.AudioFrame]:
        """Frames of a packet; packets are to be decoded in order. None flushes.

        :raises InvalidDataError: if the data is damaged.
        """
        if packet is None:
            return []
        if not isinstance(packet.unit, AudioPacket):
            raise UsageError("an audio stream decodes packets of sound")
        return self.container.decode_sound(packet.unit)

    def duration_of(self, unit: Group | AudioPacket) -> int:
        """Duration of a packet of this stream in ``time_base``."""
        assert isinstance(unit, AudioPacket)
        return unit.duration


#: The streams of an :class:`~gvc.api.input.InputContainer`.
StreamContainer = _Streams[VideoStream, AudioStream]
