"""Writing a .gvc file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, TypeAlias

import av

from gvc.api.atomic import AtomicFile
from gvc.api.distances import distance_of
from gvc.api.muxer import Muxer
from gvc.api.options import encoder_settings
from gvc.api.packet import Packet
from gvc.bitstream import AudioHeader, AudioPacket, Group
from gvc.codec.group_coder import CodedGroup
from gvc.codec.settings import EncoderSettings
from gvc.codec.stream_encoder import StreamEncoder
from gvc.errors import UsageError
from gvc.media import (
    DEFAULT_OPUS_BIT_RATE,
    AudioCopy,
    OpusEncoder,
    Preparation,
    VideoInfo,
    colour_of,
    stored_packets,
)

#: A demultiplexed audio packet of PyAV.
AvPacket: TypeAlias = "av.Packet[av.AudioStream]"

#: Codec names that :meth:`OutputContainer.add_stream` takes for audio.
_AUDIO_CODECS = ("libopus", "opus")


class OutputVideoStream:
    """The video stream of an :class:`OutputContainer`.

    Settings can change until the first frame is encoded; sizes that are not set are taken from
    that frame.
    """

    type: Literal["video"] = "video"
    index = 0
    name = "gvc"

    def __init__(self, rate: Fraction, settings: EncoderSettings) -> None:
        self._settings = settings
        self._encoder: StreamEncoder | None = None
        self._preparation = Preparation(threads=settings.threads)
        self._next_pts = 0
        self._ends: dict[int, int] = {}
        self.average_rate = rate
        self.time_base = 1 / rate
        self.sample_aspect_ratio: Fraction | None = None
        self.width = 0
        self.height = 0

    @property
    def gop_size(self) -> int:
        """Frames from one key frame to the next at most."""
        return self._settings.gop_size

    @gop_size.setter
    def gop_size(self, value: int) -> None:
        self._settings = replace(self._settings, gop_size=value)

    @property
    def bit_rate(self) -> int | None:
        """Bits a second of the file but its sound; None keeps to the QP of key frames."""
        return self._settings.bit_rate

    @bit_rate.setter
    def bit_rate(self, value: int | None) -> None:
        self._settings = replace(self._settings, bit_rate=value)

    @property
    def encoder(self) -> StreamEncoder:
        """The running encoder.

        :raises UsageError: before the first frame.
        """
        if self._encoder is None:
            raise UsageError("no video frame has been encoded")
        return self._encoder

    def encode(self, frame: av.VideoFrame | None = None) -> list[Packet]:
        """Code a frame of any format; None finishes.

        A frame without pts follows the one before at the stream's rate; pts in another time base
        are converted. Frames that say that they are interlaced, turned or of high dynamic range are
        made progressive, upright and BT.709, as ``gvc encode`` does.

        :returns: the groups of pictures that became whole, often none.
        """
        coded: list[CodedGroup] = []
        prepared = (
            self._preparation.push(self._timed(frame)) if frame else self._preparation.finish()
        )
        for each in prepared:
            coded += self._started(each).push(each)
        if frame is None and self._encoder is not None:
            coded += self._encoder.flush()
        self._ends |= {item.group.pts: item.end_pts for item in coded}
        return [Packet(self, item.group) for item in coded]

    def duration_of(self, unit: Group | AudioPacket) -> int:
        """Duration of a packet of this stream in ``time_base``."""
        return self._ends[unit.pts] - unit.pts

    def close(self) -> None:
        """Release the encoder."""
        if self._encoder is not None:
            self._encoder.close()

    def _started(self, frame: av.VideoFrame) -> StreamEncoder:
        if self._encoder is None:
            self.width, self.height = self.width or frame.width, self.height or frame.height
            info = VideoInfo(
                width=self.width,
                height=self.height,
                time_base=self.time_base,
                frame_rate=self.average_rate,
                sample_aspect_ratio=self.sample_aspect_ratio or Fraction(1),
                colour=colour_of(frame),
            )
            distance = distance_of(self._settings)
            self._encoder = StreamEncoder(info, self._settings, distance)
        return self._encoder

    def _timed(self, frame: av.VideoFrame) -> av.VideoFrame:
        if frame.pts is None:
            frame.pts = self._next_pts
        elif frame.time_base and frame.time_base != self.time_base:
            frame.pts = round(frame.pts * frame.time_base / self.time_base)
        frame.time_base = self.time_base
        self._next_pts = frame.pts + max(1, round(1 / (self.average_rate * self.time_base)))
        return frame


class OutputAudioStream:
    """The audio stream of an :class:`OutputContainer`: Opus, or packets of a template's codec."""

    type: Literal["audio"] = "audio"
    index = 1

    def __init__(self, header: AudioHeader, encoder: OpusEncoder | None) -> None:
        self.header = header
        self._encoder = encoder

    @property
    def name(self) -> str:
        """FFmpeg's name of the codec."""
        return self.header.codec

    @property
    def time_base(self) -> Fraction:
        """Unit of ``pts`` in seconds."""
        return self.header.time_base

    def encode(self, frame: av.AudioFrame | None = None) -> list[Packet]:
        """Code a frame of any format and rate; None finishes.

        :raises UsageError: if the stream was made from a template, and takes packets only.
        """
        if self._encoder is None:
            raise UsageError("this audio stream takes packets, not frames")
        return [Packet(self, packet) for packet in self._encoder.encode(frame)]

    def duration_of(self, unit: Group | AudioPacket) -> int:
        """Duration of a packet of this stream in ``time_base``."""
        assert isinstance(unit, AudioPacket)
        return unit.duration


class OutputContainer:
    """A .gvc file that is written; a context manager. Made by :func:`gvc.open`.

    A path gets its file when the container is closed without an error; until then, what is written
    stands beside it under another name.

    :param file: a path, or a binary file object, which is never sought and not closed.
    :param options: of the encoder, by the names of the command line.
    :param packs: a speaker pack, as the option ``pack``.
    :raises MediaError: if the file cannot be written.
    :raises UsageError: if an option is unknown or out of range.
    """

    format = "gvc"

    def __init__(
        self,
        file: str | Path | BinaryIO,
        *,
        options: Mapping[str, str] | None = None,
        weights: Path | None = None,
        packs: Path | None = None,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        base = EncoderSettings(weights=weights, pack=packs, device=device, threads=threads)
        self.options = dict(options or {})
        self._settings = encoder_settings(base, self.options)
        self.metadata: dict[str, str] = {}
        self.streams: list[OutputVideoStream | OutputAudioStream] = []
        self._target = AtomicFile(Path(file)) if isinstance(file, (str, Path)) else None
        self.name = str(file) if self._target else str(getattr(file, "name", "<stream>"))
        self._muxer = Muxer(self._target.file if self._target else file)  # type: ignore[arg-type]
        self._closed = False

    def add_stream(
        self,
        codec: str = "gvc",
        rate: int | Fraction | None = None,
        *,
        options: Mapping[str, str] | None = None,
    ) -> OutputVideoStream | OutputAudioStream:
        """Add the video stream (``"gvc"``) or an audio stream (``"libopus"``).

        :param rate: frames a second of video, 25 by default; bits a second of audio, 16000.
        :param options: of the encoder, over those of the container.
        :raises UsageError: if there is such a stream already, or the codec is another one.
        """
        stream: OutputVideoStream | OutputAudioStream
        if codec == "gvc":
            settings = encoder_settings(self._settings, options or {})
            stream = OutputVideoStream(Fraction(rate or 25), settings)
        elif codec in _AUDIO_CODECS:
            encoder = OpusEncoder(channels=2, bit_rate=int(rate or DEFAULT_OPUS_BIT_RATE))
            stream = OutputAudioStream(encoder.header, encoder)
        else:
            raise UsageError(f"codec {codec!r} cannot be stored", hint="gvc or libopus")
        return self._add(stream)

    def add_stream_from_template(self, template: av.AudioStream) -> OutputAudioStream:
        """Add an audio stream whose packets are those of ``template``, unchanged."""
        stream = self._add(OutputAudioStream(AudioCopy(template).header, None))
        assert isinstance(stream, OutputAudioStream)
        return stream

    def mux(self, packets: Packet | AvPacket | Iterable[Packet | AvPacket]) -> None:
        """Write packets; those of PyAV belong to the stream made from their template.

        :raises UsageError: if there is no stream for them.
        """
        if isinstance(packets, (Packet, av.Packet)):
            packets = [packets]
        for packet in packets:
            if isinstance(packet, Packet) and isinstance(packet.unit, Group):
                self._write_group(packet)
            elif isinstance(packet, Packet) and isinstance(packet.unit, AudioPacket):
                self._muxer.write_audio(packet.unit)
            elif isinstance(packet, av.Packet) and self._audio is not None:
                for unit in stored_packets(packet):
                    self._muxer.write_audio(unit)
            else:
                raise UsageError("there is no stream for this packet")

    def close(self) -> None:
        """Finish the file.

        :raises InvalidDataError: if it has no picture.
        :raises MediaError: if it cannot be written.
        """
        if self._closed:
            return
        try:
            self._muxer.close()
        except BaseException:
            self.abort()
            raise
        self._release()
        if self._target is not None:
            self._target.commit()

    def abort(self) -> None:
        """Give up: a path that was to be written is left as it was."""
        self._release()
        if self._target is not None:
            self._target.discard()

    def __enter__(self) -> OutputContainer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()

    @property
    def _audio(self) -> OutputAudioStream | None:
        return next((s for s in self.streams if isinstance(s, OutputAudioStream)), None)

    def _add(
        self, stream: OutputVideoStream | OutputAudioStream
    ) -> OutputVideoStream | OutputAudioStream:
        if any(other.type == stream.type for other in self.streams):
            raise UsageError(f"a .gvc file holds one {stream.type} stream")
        if self._muxer.has_header:
            raise UsageError("streams cannot be added once packets have been written")
        self.streams.append(stream)
        return stream

    def _write_group(self, packet: Packet) -> None:
        stream, group = packet.stream, packet.unit
        assert isinstance(stream, OutputVideoStream)
        assert isinstance(group, Group)
        if not self._muxer.has_header:
            audio = self._audio.header if self._audio is not None else None
            encoder = stream.encoder
            pack = encoder.embedded_pack
            self._muxer.write_header(encoder.header, audio, self.metadata, pack=pack)
        self._muxer.write_group(group, end_pts=group.pts + packet.duration)

    def _release(self) -> None:
        self._closed = True
        for stream in self.streams:
            if isinstance(stream, OutputVideoStream):
                stream.close()
