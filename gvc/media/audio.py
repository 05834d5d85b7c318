"""Audio streams to the packets that a .gvc file stores."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np

from gvc.bitstream import AudioHeader, AudioPacket
from gvc.media.preparation import silent
from gvc.media.sound_format import Samples, SoundFormat
from gvc.media.sound_timeline import SoundTimeline
from gvc.media.template import check_storable

#: Bits a second of Opus where nobody asks for others: enough for speech (docs/benchmark.md, Sound).
DEFAULT_OPUS_BIT_RATE = 16_000

#: Opus works at 48 kHz, in packets of 20 ms.
_OPUS_RATE = 48_000
_OPUS_FRAME = 960


def stored_packets(packet: av.Packet[Any]) -> Iterator[AudioPacket]:
    """A demultiplexed packet as it is stored; an empty one, which ends a stream, gives none."""
    if packet.size and packet.pts is not None:
        yield AudioPacket(packet.pts, packet.duration or 0, bytes(packet))


class AudioCopy:
    """Passes the packets of a stream on; their times, in its time base, increase."""

    def __init__(self, stream: av.AudioStream) -> None:
        context = stream.codec_context
        assert stream.time_base is not None
        check_storable(context.codec.canonical_name)
        self.stream = stream
        frame = Fraction(context.frame_size, context.sample_rate) / stream.time_base
        self.header = AudioHeader(
            codec=context.codec.canonical_name,
            sample_rate=context.sample_rate,
            channels=context.layout.nb_channels,
            layout=context.layout.name,
            time_base=Fraction(stream.time_base),
            extradata=context.extradata or b"",
            frame_size=round(frame),
            initial_padding=_initial_padding(context),
            bit_rate=context.bit_rate or 0,
        )
        self._last: int | None = None
        self._next = 0

    def push(self, packet: av.Packet[Any]) -> Iterator[AudioPacket]:
        """The packet as it is stored; without a time, it follows the one before."""
        pts = self._next if packet.pts is None else packet.pts
        # Muxers refuse what goes back.
        packet.pts = pts if self._last is None else max(pts, self._last + 1)
        for stored in stored_packets(packet):
            self._last, self._next = stored.pts, stored.pts + stored.duration
            yield stored

    def finish(self) -> Iterator[AudioPacket]:
        """Nothing is held back."""
        yield from ()


class OpusEncoder:
    """Codes audio frames of any format with Opus, mono or stereo, in packets of 20 ms.

    Sound is heard at the frames' times: short gaps become silence, what overlaps is cut, a clock
    that drifts is followed, and longer gaps stay gaps between packets, which take no room. The
    format of frames may change.

    :param channels: 1 or 2. :param bit_rate: bits a second.
    """

    def __init__(self, *, channels: int, bit_rate: int) -> None:
        layout = "mono" if channels == 1 else "stereo"
        encoder = av.CodecContext.create("libopus", "w")
        assert isinstance(encoder, av.AudioCodecContext)
        encoder.sample_rate = _OPUS_RATE
        encoder.layout = layout
        encoder.format = "flt"
        encoder.time_base = Fraction(1, _OPUS_RATE)
        encoder.bit_rate = bit_rate
        encoder.options = {"application": "voip" if channels == 1 else "audio"}
        encoder.open()
        self._encoder = encoder
        self._format = SoundFormat(rate=_OPUS_RATE, channels=channels)
        self._timeline = SoundTimeline(rate=_OPUS_RATE, channels=channels)
        #: Samples that do not fill a packet yet, and when they begin.
        self._rest: Samples = np.zeros((channels, 0), np.float32)
        self._begin = 0
        #: When the frames begin whose packets are still to come.
        self._begins: deque[int] = deque()
        self.header = AudioHeader(
            codec="opus",
            sample_rate=_OPUS_RATE,
            channels=channels,
            layout=layout,
            time_base=Fraction(1, _OPUS_RATE),
            extradata=encoder.extradata or b"",
            frame_size=_OPUS_FRAME,
            initial_padding=_initial_padding(encoder),
            bit_rate=bit_rate,
        )

    def encode(self, frame: av.AudioFrame | None) -> Iterator[AudioPacket]:
        """Packets that became whole with ``frame``; None ends the stream and gives the rest.

        A frame without pts follows the one before it.

        :raises av.FFmpegError: if FFmpeg cannot convert the frame.
        """
        blocks = self._format.finish() if frame is None else self._format.convert(frame)
        for begin, samples in blocks:
            for placed in self._timeline.push(begin, samples):
                yield from self._take(*placed)
        if frame is None:
            for placed in self._timeline.finish():
                yield from self._take(*placed)
            yield from self._fill_up(0)
            yield from self._packets(None)

    def _take(self, begin: int, samples: Samples) -> Iterator[AudioPacket]:
        """Code what is heard from ``begin`` on, as far as it fills packets."""
        if begin != self._begin + self._rest.shape[1]:
            # What the encoder holds back belongs before the gap.
            yield from self._fill_up(self.header.initial_padding)
            self._begin = begin
        self._rest = np.concatenate([self._rest, samples], axis=1)
        while self._rest.shape[1] >= _OPUS_FRAME:
            yield from self._code(self._rest[:, :_OPUS_FRAME])
            self._rest = self._rest[:, _OPUS_FRAME:]

    def _fill_up(self, silence: int) -> Iterator[AudioPacket]:
        """Code what is left, and at least so many samples of silence, in whole packets."""
        left = self._rest.shape[1]
        if self._begin == 0 and not left:
            return
        whole = -(-(left + silence) // _OPUS_FRAME) * _OPUS_FRAME
        rest = np.pad(self._rest, ((0, 0), (0, whole - left)))
        for first in range(0, whole, _OPUS_FRAME):
            yield from self._code(rest[:, first : first + _OPUS_FRAME])
        self._rest = self._rest[:, :0]

    def _code(self, samples: Samples) -> Iterator[AudioPacket]:
        packed = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=self.header.layout)
        frame.sample_rate = _OPUS_RATE
        frame.pts, frame.time_base = self._begin, Fraction(1, _OPUS_RATE)
        self._begins.append(self._begin)
        self._begin += _OPUS_FRAME
        yield from self._packets(frame)

    def _packets(self, frame: av.AudioFrame | None) -> Iterator[AudioPacket]:
        for packet in self._encoder.encode(frame):
            # FFmpeg counts samples, and would put the packet after a gap before it.
            begin = self._begins.popleft() if self._begins else self._begin
            pts = begin - self.header.initial_padding
            yield AudioPacket(pts, packet.duration or _OPUS_FRAME, bytes(packet))


class AudioTranscoder:
    """Decodes a stream and codes it with Opus; more than two channels become two.

    :param say: told in a line how much of the sound was damaged, and became silence.
    """

    def __init__(
        self, stream: av.AudioStream, *, bit_rate: int, say: Callable[[str], None] = silent
    ) -> None:
        self.stream = stream
        self._say = say
        self._damaged = 0
        channels = 1 if stream.layout.nb_channels == 1 else 2
        self._encoder = OpusEncoder(channels=channels, bit_rate=bit_rate)

    @property
    def header(self) -> AudioHeader:
        """The stored stream."""
        return self._encoder.header

    def push(self, packet: av.Packet[Any]) -> Iterator[AudioPacket]:
        """Packets that became whole with this packet of the source."""
        damaged = False
        try:
            for frame in packet.decode():
                assert isinstance(frame, av.AudioFrame)
                # Some decoders fill in what is lost, and say so.
                damaged |= frame.is_corrupt
                yield from self._encoder.encode(frame)
        except av.FFmpegError:
            # Sound that cannot be decoded becomes silence, as any other gap does.
            damaged = True
        self._damaged += damaged

    def finish(self) -> Iterator[AudioPacket]:
        """The packets that are left."""
        yield from self._encoder.encode(None)
        if self._damaged:
            packets = "packet is" if self._damaged == 1 else "packets are"
            self._say(f"{self._damaged} audio {packets} damaged; silence stands for what is lost")


def _initial_padding(context: av.AudioCodecContext) -> int:
    """Samples that an Opus decoder drops first: pre-skip (RFC 7845, section 5.1); else 0."""
    extradata = context.extradata or b""
    if context.codec.canonical_name != "opus" or len(extradata) < 12:
        return 0
    return int.from_bytes(extradata[10:12], "little")
