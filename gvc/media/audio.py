"""Audio streams to the packets that a .gvc file stores."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import av.filter

from gvc.bitstream import AudioHeader, AudioPacket
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
    """Passes the packets of a stream on."""

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

    def push(self, packet: av.Packet[Any]) -> Iterator[AudioPacket]:
        """The packet as it is stored."""
        return stored_packets(packet)

    def finish(self) -> Iterator[AudioPacket]:
        """Nothing is held back."""
        yield from ()


class OpusEncoder:
    """Codes audio frames of any format with Opus, mono or stereo, in packets of 20 ms.

    Gaps in the frames' times become silence, so that the sound stays in step with the picture.

    :param channels: 1 or 2. :param bit_rate: bits a second.
    """

    def __init__(self, *, channels: int, bit_rate: int) -> None:
        self._layout = "mono" if channels == 1 else "stereo"
        encoder = av.CodecContext.create("libopus", "w")
        assert isinstance(encoder, av.AudioCodecContext)
        encoder.sample_rate = _OPUS_RATE
        encoder.layout = self._layout
        encoder.format = "s16"
        encoder.time_base = Fraction(1, _OPUS_RATE)
        encoder.bit_rate = bit_rate
        encoder.options = {"application": "voip" if channels == 1 else "audio"}
        encoder.open()
        self._encoder = encoder
        self._graph: av.filter.Graph | None = None
        self.header = AudioHeader(
            codec="opus",
            sample_rate=_OPUS_RATE,
            channels=channels,
            layout=self._layout,
            time_base=Fraction(1, _OPUS_RATE),
            extradata=encoder.extradata or b"",
            frame_size=_OPUS_FRAME,
            initial_padding=_initial_padding(encoder),
            bit_rate=bit_rate,
        )

    def encode(self, frame: av.AudioFrame | None) -> Iterator[AudioPacket]:
        """Packets that became whole with ``frame``; None ends the stream and gives the rest."""
        if frame is not None and self._graph is None:
            self._graph = self._make_graph(frame)
        if self._graph is not None:
            self._graph.push(frame)
            yield from self._pull()
        if frame is None:
            yield from self._packets(None)

    def _make_graph(self, frame: av.AudioFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        nodes = [
            graph.add_abuffer(
                sample_rate=frame.sample_rate,
                format=frame.format.name,
                layout=frame.layout.name,
                time_base=frame.time_base or Fraction(1, frame.sample_rate),
            ),
            graph.add("aresample", f"{_OPUS_RATE}:async=1"),
            graph.add(
                "aformat",
                f"sample_fmts=s16:sample_rates={_OPUS_RATE}:channel_layouts={self._layout}",
            ),
            graph.add("asetnsamples", f"n={_OPUS_FRAME}:p=1"),
            graph.add("abuffersink"),
        ]
        for one, other in itertools.pairwise(nodes):
            one.link_to(other)
        graph.configure()
        return graph

    def _pull(self) -> Iterator[AudioPacket]:
        assert self._graph is not None
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(frame, av.AudioFrame)
            yield from self._packets(frame)

    def _packets(self, frame: av.AudioFrame | None) -> Iterator[AudioPacket]:
        for packet in self._encoder.encode(frame):
            assert packet.pts is not None
            yield AudioPacket(packet.pts, packet.duration or _OPUS_FRAME, bytes(packet))


class AudioTranscoder:
    """Decodes a stream and codes it with Opus; more than two channels become two."""

    def __init__(self, stream: av.AudioStream, *, bit_rate: int) -> None:
        self.stream = stream
        channels = 1 if stream.layout.nb_channels == 1 else 2
        self._encoder = OpusEncoder(channels=channels, bit_rate=bit_rate)

    @property
    def header(self) -> AudioHeader:
        """The stored stream."""
        return self._encoder.header

    def push(self, packet: av.Packet[Any]) -> Iterator[AudioPacket]:
        """Packets that became whole with this packet of the source."""
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            # Sound that cannot be decoded becomes silence, as any other gap does.
            return
        for frame in frames:
            assert isinstance(frame, av.AudioFrame)
            yield from self._encoder.encode(frame)

    def finish(self) -> Iterator[AudioPacket]:
        """The packets that are left."""
        return self._encoder.encode(None)


def _initial_padding(context: av.AudioCodecContext) -> int:
    """Samples that an Opus decoder drops first: pre-skip (RFC 7845, section 5.1); else 0."""
    extradata = context.extradata or b""
    if context.codec.canonical_name != "opus" or len(extradata) < 12:
        return 0
    return int.from_bytes(extradata[10:12], "little")
