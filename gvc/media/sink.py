"""Media files written: frames through an encoder, audio packets as they are."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath
from typing import BinaryIO

import av

from gvc.bitstream import AudioHeader, AudioPacket, VideoHeader
from gvc.errors import MediaError, UsageError
from gvc.media.template import open_template

#: FFmpeg's name of the format by what a file's name ends in.
_FORMATS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".nut": "nut",
    ".y4m": "yuv4mpegpipe",
}

#: Formats meant for pipes; their frames are not coded unless asked for.
_RAW = ("nut", "yuv4mpegpipe")


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """How frames are coded.

    :param codec: FFmpeg's name of an encoder; None is H.264, or raw for NUT and y4m.
    :param crf: constant rate factor of the encoder; 16 is visually lossless for H.264.
    :param preset: of the encoder, None for its own default.
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None


def format_of(name: str | PurePath) -> str:
    """FFmpeg's name of the format for a file of this name.

    :raises UsageError: if the ending says nothing.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix not in _FORMATS:
        raise UsageError(f"{name}: no format is known for this name", hint=", ".join(_FORMATS))
    return _FORMATS[suffix]


class Sink:
    """A media file that is written.

    :param file: a binary file object; only MP4 and MOV seek, and only if it can.
    :param container: FFmpeg's name of the format.
    :param video: the video stream. :param audio: the audio stream, or None.
    :param name: of the file, for messages.
    :raises MediaError: if FFmpeg cannot write this, with its reason.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        container: str,
        video: VideoHeader,
        audio: AudioHeader | None,
        options: SinkOptions,
        metadata: dict[str, str],
        name: str,
    ) -> None:
        self._name = name
        self._video_header = video
        try:
            # Groups of pictures and their audio come in blocks; never write one kind far ahead.
            self._container = av.open(
                file,
                "w",
                format=container,
                container_options=_container_options(container, seekable=file.seekable()),
            )
            self._container.metadata.update(metadata)
            self._video = self._add_video(container, options)
            self._audio = None
            if audio is not None and container != "yuv4mpegpipe":
                self._audio = self._add_audio(audio)
        except (av.FFmpegError, ValueError) as error:
            raise self._failure(error) from error

    def write_video(self, frame: av.VideoFrame) -> None:
        """Write a frame: yuv420p of the header's size, pts in its time base.

        :raises MediaError: if FFmpeg cannot, with its reason.
        """
        try:
            if self._video.pix_fmt != frame.format.name:
                frame = _reformatted(frame, str(self._video.pix_fmt))
            for packet in self._video.encode(frame):
                self._container.mux(packet)
        except av.FFmpegError as error:
            raise self._failure(error) from error

    def write_audio(self, packet: AudioPacket) -> None:
        """Write an audio packet, in the time base of the audio header."""
        if self._audio is None:
            return
        stream, time_base = self._audio
        data = av.Packet(packet.data)
        data.stream = stream
        data.time_base = time_base
        data.pts = data.dts = packet.pts
        data.duration = packet.duration
        data.is_keyframe = True
        try:
            self._container.mux(data)
        except av.FFmpegError as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Finish the file; the file object stays open."""
        try:
            for packet in self._video.encode(None):
                self._container.mux(packet)
            self._container.close()
        except av.FFmpegError as error:
            raise self._failure(error) from error

    def _add_video(self, container: str, options: SinkOptions) -> av.VideoStream:
        header = self._video_header
        codec = options.codec or ("rawvideo" if container in _RAW else "libx264")
        stream = self._container.add_stream(codec, rate=header.frame_rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = header.width, header.height
        odd = header.width % 2 or header.height % 2
        # 4:2:0 in H.264 and the like needs even sides; the picture keeps its size.
        stream.pix_fmt = "yuv444p" if odd and codec != "rawvideo" else "yuv420p"
        stream.time_base = stream.codec_context.time_base = header.time_base
        stream.sample_aspect_ratio = header.sample_aspect_ratio
        context = stream.codec_context
        context.colorspace = header.colour.matrix
        context.color_primaries = header.colour.primaries
        context.color_trc = header.colour.transfer
        context.color_range = 2 if header.colour.full_range else 1
        if codec != "rawvideo":
            stream.options = {"crf": str(16 if options.crf is None else options.crf)}
            if options.preset is not None:
                stream.options = {**stream.options, "preset": options.preset}
        return stream

    def _add_audio(self, header: AudioHeader) -> tuple[av.AudioStream, Fraction]:
        with open_template(header) as template:
            stream = self._container.add_stream_from_template(template.streams.audio[0])
        stream.time_base = header.time_base
        return stream, header.time_base

    def _failure(self, error: Exception) -> MediaError:
        reason = getattr(error, "strerror", None) or str(error)
        return MediaError(reason, path=self._name)


def _container_options(container: str, *, seekable: bool) -> dict[str, str]:
    options = {"max_interleave_delta": "0"}
    if container in ("mp4", "mov") and not seekable:
        options["movflags"] = "frag_keyframe+empty_moov"
    return options


def _reformatted(frame: av.VideoFrame, pixel_format: str) -> av.VideoFrame:
    converted = frame.reformat(format=pixel_format)
    converted.pts, converted.time_base = frame.pts, frame.time_base
    return converted
