"""Audio streams of a container that is written."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import av

from gvc.api.output_stream import OutputStream
from gvc.api.packet import Packet
from gvc.api.streams import AudioStream
from gvc.bitstream import MAX_PTS, AudioHeader, AudioPacket, Group
from gvc.bitstream.audio import MAX_PACKET
from gvc.errors import GvcError, MediaError, UsageError
from gvc.media import DEFAULT_OPUS_BIT_RATE, AudioCopy, OpusEncoder
from gvc.media.preparation import silent
from gvc.media.rational import fraction
from gvc.media.tags import tags_of_stream

if TYPE_CHECKING:
    from gvc.api.output import OutputContainer

#: Bits per second that Opus takes; samples per second that frames may have.
_BIT_RATES, _RATES = (6000, 510_000), (1000, 768_000)

#: Unit of Opus packets in seconds.
_OPUS_TIME_BASE = Fraction(1, 48_000)

#: Most ticks that a packet lasts.
_MOST_DURATION = 1 << 32


def _checked(name: str, bounds: tuple[int, int], value: object) -> int:
    if not isinstance(value, int) or not bounds[0] <= value <= bounds[1]:
        raise UsageError(f"{name} {value!r} is out of range", hint=f"{bounds[0]} to {bounds[1]}")
    return value


def _checked_bit_rate(value: object) -> int:
    return _checked("bit rate", _BIT_RATES, value or DEFAULT_OPUS_BIT_RATE)


def _checked_layout(value: object) -> str:
    name = getattr(value, "name", value)
    if name not in ("mono", "stereo"):
        raise UsageError(
            f"sound of layout {name!r} cannot be coded",
            hint="mono or stereo; frames of other layouts are mixed down",
        )
    return str(name)


class OutputAudioStream(OutputStream):
    """The audio stream of an :class:`OutputContainer` that is coded with Opus.

    :param rate: samples per second of the frames; frames of others are converted, and Opus itself
        always has 48000.
    """

    SETTABLE = {  # noqa: RUF012
        "bit_rate": _checked_bit_rate,
        "layout": _checked_layout,
        "sample_rate": partial(_checked, "sample rate", _RATES),
    }

    type: Literal["audio"] = "audio"
    index = 1
    id = 2

    bit_rate: int
    layout: str
    sample_rate: int

    def __init__(self, container: OutputContainer, rate: int | None = None) -> None:
        super().__init__(container)
        self._encoder: OpusEncoder | None = None
        self._flushed = False
        self._last: int | None = None
        self._written: int | None = None
        self._next_pts = 0
        self._unit: Fraction | None = None
        self.bit_rate = DEFAULT_OPUS_BIT_RATE
        self.layout = "stereo"
        self.sample_rate = 48_000 if rate is None else rate

    def __repr__(self) -> str:
        return f"<gvc.OutputAudioStream #1 {self.name}, {self.layout}>"

    @property
    def header(self) -> AudioHeader:
        """What a decoder has to know; settings cannot change any more then."""
        return self._opus.header

    @property
    def name(self) -> str:
        """FFmpeg's name of the codec."""
        return "opus"

    @property
    def codec(self) -> av.Codec:
        """FFmpeg's encoder."""
        return av.Codec("libopus", "w")

    @property
    def codec_context(self) -> OutputAudioStream:
        """The stream itself, which has the settings of its codec."""
        return self

    @property
    def rate(self) -> int:
        """Samples per second of the frames."""
        return self.sample_rate

    @property
    def channels(self) -> int:
        """Number of channels."""
        return 1 if self.layout == "mono" else 2

    @property
    def time_base(self) -> Fraction:
        """Unit of ``pts`` of packets in seconds."""
        return _OPUS_TIME_BASE

    @property
    def _opus(self) -> OpusEncoder:
        if self._encoder is None:
            self._encoder = OpusEncoder(channels=self.channels, bit_rate=self.bit_rate)
            self._started = True
        return self._encoder

    def encode(self, frame: av.AudioFrame | None = None) -> list[Packet]:
        """Code a frame of any format and rate; None finishes.

        A frame without pts follows the one before. The frame stays as it is.

        :raises UsageError: if it is no frame of sound, its pts is not after that of the frame
            before, or the stream was flushed.
        :raises MediaError: if FFmpeg cannot code it.
        """
        self._check_here()
        if frame is None:
            packets = [] if self._flushed else list(self._opus.encode(None))
            self._flushed = True
            return [Packet(self, packet) for packet in packets]
        if not isinstance(frame, av.AudioFrame):
            raise UsageError(f"{type(frame).__name__} is no frame of sound")
        if self._flushed:
            raise UsageError("the stream was flushed, and takes no more frames")
        if not frame.samples or not frame.sample_rate:
            raise UsageError("a frame without samples, or without their rate, cannot be coded")
        return [Packet(self, packet) for packet in self._coded(frame)]

    def in_order(self, packet: Packet) -> AudioPacket:
        """What is stored of a packet of this stream.

        :raises UsageError: if one that does not come before it was written already.
        """
        unit = packet.unit
        assert isinstance(unit, AudioPacket)
        if self._written is not None and unit.pts <= self._written:
            raise UsageError(f"the packet at {unit.pts} does not follow that at {self._written}")
        self._written = unit.pts
        return unit

    def _coded(self, frame: av.AudioFrame) -> list[AudioPacket]:
        """What became whole with ``frame``, which gets its time for as long as that takes."""
        before = frame.pts, frame.time_base
        pts, unit = self._timed(frame)
        try:
            frame.pts, frame.time_base = pts, unit
            return list(self._opus.encode(frame))
        except GvcError:
            raise
        except (av.FFmpegError, ValueError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise MediaError(f"the frame cannot be encoded: {reason}") from error
        finally:
            # PyAV's frames without a unit have 0, and do not take None.
            frame.pts, frame.time_base = before[0], before[1] or Fraction(0)

    def _timed(self, frame: av.AudioFrame) -> tuple[int, Fraction]:
        """The time of ``frame``, in the unit of the first one.

        :raises UsageError: if it is not after the frame before.
        """
        own = fraction(frame.time_base) if frame.time_base else Fraction(1, frame.sample_rate)
        if self._unit is None:
            self._unit = own
        pts = self._next_pts if frame.pts is None else frame.pts
        if frame.pts is not None and own != self._unit:
            pts = round(pts * own / self._unit)
        if abs(pts * self._unit / _OPUS_TIME_BASE) > MAX_PTS or abs(pts) > MAX_PTS:
            raise UsageError(f"pts {pts} of sound is out of range")
        if self._last is not None and pts <= self._last:
            raise UsageError(f"pts {pts} does not follow {self._last}, that of the frame before")
        self._last = pts
        length = Fraction(frame.samples, frame.sample_rate) / self._unit
        self._next_pts = pts + max(1, round(length))
        return pts, self._unit

    def duration_of(self, unit: Group | AudioPacket) -> int:
        """Duration of a packet of this stream in ``time_base``."""
        assert isinstance(unit, AudioPacket)
        return unit.duration


class CopiedAudioStream(OutputStream):
    """An audio stream made by ``add_stream_from_template``; it takes packets, and no frames.

    :param template: a stream of PyAV or of a .gvc file whose packets it takes, or what a decoder
        has to know of packets that are stored as they are.
    :raises UnsupportedError: if such packets cannot be stored.
    """

    type: Literal["audio"] = "audio"
    index = 1
    id = 2

    def __init__(
        self, container: OutputContainer, template: av.AudioStream | AudioStream | AudioHeader
    ) -> None:
        super().__init__(container)
        self._template = template
        self._last: int | None = None
        if isinstance(template, AudioHeader):
            self._header = template
        elif isinstance(template, AudioStream):
            self._header = template.header
            self._metadata.update(template.metadata)
        else:
            self._header = AudioCopy(template).header
            self._metadata.update(tags_of_stream(template.metadata, silent))

    def __repr__(self) -> str:
        return f"<gvc.CopiedAudioStream #1 {self.name}, {self.layout}>"

    @property
    def header(self) -> AudioHeader:
        """What a decoder has to know."""
        return self._header

    @property
    def template(self) -> av.AudioStream | AudioStream | AudioHeader:
        """What it was made from."""
        return self._template

    @property
    def name(self) -> str:
        """FFmpeg's name of the codec."""
        return self._header.codec

    @property
    def codec_context(self) -> CopiedAudioStream:
        """The stream itself, which has the properties of its codec."""
        return self

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self._header.sample_rate

    @property
    def rate(self) -> int:
        """The same."""
        return self._header.sample_rate

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self._header.channels

    @property
    def layout(self) -> str:
        """FFmpeg's name of the channel layout."""
        return self._header.layout

    @property
    def time_base(self) -> Fraction:
        """Unit of ``pts`` in seconds."""
        return self._header.time_base

    def encode(self, frame: Any = None) -> list[Packet]:
        """Refuse a frame; there is nothing to flush.

        :raises UsageError: if ``frame`` is one.
        """
        if frame is not None:
            raise UsageError("a stream made from a template takes packets, not frames")
        return []

    def stored(self, packet: Packet | av.Packet[Any]) -> AudioPacket | None:
        """A packet of the template, or of a stream like it, as it is stored; None for none.

        :raises UsageError: if it is of another stream, its pts is missing or not after that of the
            packet before, or it is out of range.
        """
        self._check_origin(packet)
        if isinstance(packet, Packet):
            assert isinstance(packet.unit, AudioPacket)
            unit = packet.unit
        elif not packet.size:
            # What PyAV ends a stream with.
            return None
        elif packet.pts is None:
            raise UsageError("a packet of sound without pts cannot be stored")
        else:
            unit = AudioPacket(packet.pts, packet.duration or 0, bytes(packet))
        if packet.time_base and fraction(packet.time_base) != self.time_base:
            scale = fraction(packet.time_base) / self.time_base
            unit = AudioPacket(round(unit.pts * scale), round(unit.duration * scale), unit.data)
        if not 0 <= unit.duration <= _MOST_DURATION or abs(unit.pts) > MAX_PTS // 2:
            raise UsageError(f"the times of the packet at {unit.pts} are out of range")
        if len(unit.data) > MAX_PACKET:
            raise UsageError(f"a packet of {len(unit.data)} bytes is too large")
        if self._last is not None and unit.pts <= self._last:
            raise UsageError(f"pts {unit.pts} does not follow {self._last}, of the packet before")
        self._last = unit.pts
        return unit

    def _check_origin(self, packet: Packet | av.Packet[Any]) -> None:
        origin = packet.origin if isinstance(packet, Packet) else packet.stream
        if origin is self or origin is self._template:
            return
        kind = getattr(origin, "type", None)
        if kind is None:
            raise UsageError("the packet says no stream", hint="set its stream to the template")
        if kind != "audio":
            raise UsageError(f"a packet of {kind} cannot be stored as sound")
        same = getattr(origin, "container", None) is getattr(self._template, "container", None)
        header = origin.header if isinstance(origin, AudioStream) else None
        if isinstance(origin, av.AudioStream):
            header = AudioCopy(origin).header
        if same or header != self._header:
            raise UsageError("the packet is of another stream than the template")

    def duration_of(self, unit: Group | AudioPacket) -> int:
        """Duration of a packet of this stream in ``time_base``."""
        assert isinstance(unit, AudioPacket)
        return unit.duration
