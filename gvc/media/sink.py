"""Media files written: frames through an encoder, audio packets as they are."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath
from types import MappingProxyType
from typing import BinaryIO

import av
from av.codec.codec import UnknownCodecError
from av.video.reformatter import ColorRange

from gvc.bitstream import AudioHeader, AudioPacket, VideoHeader
from gvc.errors import GvcError, MediaError, UsageError
from gvc.media.constant_rate import ConstantRate
from gvc.media.ffmpeg_log import explaining, reason_of
from gvc.media.pixel_shape import amending, make_room, shape_of
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
    ".png": "png",
    ".jpg": "mjpeg",
    ".jpeg": "mjpeg",
}

#: Formats meant for pipes; their frames are not coded unless asked for.
_RAW = ("nut", "yuv4mpegpipe")

#: Encoders by format, where it is not H.264.
_CODECS = {**dict.fromkeys(_RAW, "rawvideo"), "webm": "libvpx-vp9"}

#: Sound that formats cannot hold; FFmpeg calls it an invalid argument, and does not say of what.
_NO_SOUND = {
    "mp4": {"vorbis"},
    "mov": {"opus", "vorbis", "flac"},
    "webm": {"aac", "mp3", "mp2", "ac3", "eac3", "flac", "pcm_s16le"},
}

#: Presets of x264 and x265, which complain of others on standard error themselves.
_PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)

#: FFmpeg's name of y4m, which holds neither times nor sound.
_Y4M = "yuv4mpegpipe"


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """How frames are coded.

    :param codec: FFmpeg's name of an encoder; None is H.264, VP9 for WebM, raw for NUT and y4m.
    :param crf: constant rate factor of the encoder; 16 is visually lossless for H.264.
    :param preset: of the encoder, None for its own default.
    :param threads: CPU threads of the encoder; None leaves the choice to FFmpeg.
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None
    threads: int | None = None


def format_of(name: str | PurePath) -> str:
    """FFmpeg's name of the format for a file of this name; of the codec for a still picture.

    :raises UsageError: if the ending says nothing.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix not in _FORMATS:
        raise UsageError(f"{name}: no format is known for this name", hint=", ".join(_FORMATS))
    return _FORMATS[suffix]


def endings_of(container: str) -> tuple[str, ...]:
    """Endings of names of files of a format, or of a still picture."""
    return tuple(ending for ending, name in _FORMATS.items() if name == container)


class Sink:
    """A media file that is written.

    :param file: a binary file object; MP4, MOV and Matroska seek, but only if it can.
    :param container: FFmpeg's name of the format.
    :param video: the video stream. :param audio: the audio stream, or None.
    :param name: of the file, for messages.
    :param metadata: of the file; :param video_metadata: of the video stream, such as its language;
        :param audio_metadata: of the audio stream.
    :raises MediaError: if FFmpeg cannot write this, with its reason.
    :raises UsageError: if there is no such encoder, or the format cannot hold the sound.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        container: str,
        video: VideoHeader,
        audio: AudioHeader | None,
        options: SinkOptions,
        metadata: Mapping[str, str],
        name: str,
        video_metadata: Mapping[str, str] = MappingProxyType({}),
        audio_metadata: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._name = name
        #: Whether FFmpeg has begun the file, and opened its encoder.
        self._begun = False
        self._video_header = video
        self._waiting: deque[AudioPacket] = deque()
        self._constant_rate = ConstantRate(video.frame_rate) if container == _Y4M else None
        #: Seconds by which all streams are late in the file, known with the first frame.
        self._delay: Fraction | None = None
        # FFmpeg's NUT does not tell the range of raw samples, and they would be taken for limited.
        self._limits_range = (
            container == "nut" and options.codec in (None, "rawvideo") and video.colour.full_range
        )
        with self._reporting():
            self._container = av.open(
                amending(file, container, video, title=_tags(video_metadata).get("title", "")),
                "w",
                format=container,
                container_options=_container_options(container, seekable=file.seekable()),
            )
            self._container.metadata.update(_tags(metadata))
            self._video = self._add_video(container, options)
            self._video.metadata.update(_tags(video_metadata))
            make_room(self._video, container, video)
            self._audio = None
            if audio is not None and container != _Y4M:
                self._audio = self._add_audio(container, audio)
                self._audio[0].metadata.update(_tags(audio_metadata))

    def write_video(self, frame: av.VideoFrame) -> None:
        """Write a frame: yuv420p of the header's size, pts in its time base.

        If the first one is before 0, where players begin, all streams are moved until it is there.

        :raises MediaError: if FFmpeg cannot, with its reason.
        """
        assert frame.pts is not None
        time = frame.pts * self._video_header.time_base
        if self._delay is None:
            self._delay = max(Fraction(0), -time)
        frame.pts += round(self._delay / self._video_header.time_base)
        if not self._begun:
            with self._reporting():
                self._container.start_encoding()
            self._begun = True
        with self._reporting():
            self._write_audio_until(time)
            frames = [frame] if self._constant_rate is None else self._constant_rate.spread(frame)
            for due in frames:
                self._container.mux(self._video.encode(self._converted(due)))

    def write_audio(self, packet: AudioPacket) -> None:
        """Take an audio packet, in the time base of the audio header.

        It is written before the first frame that comes after it, so that sound and picture are
        interleaved although they come in blocks.
        """
        if self._audio is not None:
            self._waiting.append(packet)

    def close(self) -> None:
        """Finish the file; the file object stays open.

        :raises MediaError: if FFmpeg cannot, with its reason.
        """
        with self._reporting():
            self._write_audio_until(None)
            self._container.mux(self._video.encode(None))
            self._container.close()

    def _write_audio_until(self, time: Fraction | None) -> None:
        """Write the audio packets that begin before ``time`` in seconds; all where it is None."""
        if self._audio is None:
            return
        stream, time_base = self._audio
        while self._waiting and (time is None or self._waiting[0].pts * time_base < time):
            packet = self._waiting.popleft()
            data = av.Packet(packet.data)
            data.stream = stream
            data.time_base = time_base
            data.pts = data.dts = packet.pts + round((self._delay or 0) / time_base)
            data.duration = packet.duration
            data.is_keyframe = True
            self._container.mux(data)

    def _converted(self, frame: av.VideoFrame) -> av.VideoFrame:
        """``frame`` in the pixel format that the encoder takes."""
        if self._video.pix_fmt == frame.format.name and not self._limits_range:
            return frame
        converted = frame.reformat(
            format=self._video.pix_fmt,
            src_color_range=frame.color_range,
            dst_color_range=ColorRange.MPEG if self._limits_range else frame.color_range,
        )
        converted.pts, converted.time_base = frame.pts, frame.time_base
        return converted

    def _add_video(self, container: str, options: SinkOptions) -> av.VideoStream:
        header = self._video_header
        codec = options.codec or _CODECS.get(container, "libx264")
        try:
            kind = av.Codec(codec, "w").type
        except UnknownCodecError as error:
            raise UsageError(f"FFmpeg has no encoder {codec!r}") from error
        if kind != "video":
            raise UsageError(f"{codec!r} is no encoder of video")
        stream = self._container.add_stream(codec, rate=header.frame_rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = header.width, header.height
        odd = header.width % 2 or header.height % 2
        # 4:2:0 in H.264 and the like needs even sides; the picture keeps its size.
        stream.pix_fmt = "yuv444p" if odd and codec != "rawvideo" else "yuv420p"
        time_base = 1 / header.frame_rate if container == _Y4M else header.time_base
        stream.time_base = stream.codec_context.time_base = time_base
        stream.sample_aspect_ratio = shape_of(header)
        context = stream.codec_context
        context.colorspace = header.colour.matrix
        context.color_primaries = header.colour.primaries
        context.color_trc = header.colour.transfer
        context.color_range = 2 if header.colour.full_range and not self._limits_range else 1
        context.thread_count = options.threads or 0
        if codec == "libx264":
            # PyAV's choice, slices, makes files 8 % larger, and waits for each frame.
            context.thread_type = "FRAME"
        if codec != "rawvideo":
            stream.options = {"crf": str(16 if options.crf is None else options.crf)}
            if codec in ("libx264", "libx265") and options.preset not in (None, *_PRESETS):
                raise UsageError(
                    f"{codec} has no preset {options.preset!r}", hint=", ".join(_PRESETS)
                )
            if options.preset is not None:
                stream.options = {**stream.options, "preset": options.preset}
        if codec == "libx265":
            # It writes its statistics to the standard error of the process.
            stream.options = {**stream.options, "x265-params": "log-level=error"}
        return stream

    def _add_audio(self, container: str, header: AudioHeader) -> tuple[av.AudioStream, Fraction]:
        if header.codec in _NO_SOUND.get(container, ()):
            raise UsageError(
                f"{container} cannot hold {header.codec} sound", hint="take mkv, or --no-audio"
            )
        with open_template(header) as template:
            stream = self._container.add_stream_from_template(template.streams.audio[0])
        stream.time_base = header.time_base
        return stream, header.time_base

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        """Name file and reason where writing fails; a closed pipe stays a BrokenPipeError.

        FFmpeg tells its reasons as long as the file begins. Later, its decoders may be at work on
        key frames at the same time, whose log would get in the way.
        """
        try:
            with contextlib.nullcontext() if self._begun else explaining(self._name):
                yield
        except (BrokenPipeError, GvcError):
            raise
        except OverflowError as error:
            raise MediaError("a time is too large for FFmpeg", path=self._name) from error
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = reason_of(error, [])
            raise MediaError(reason.cause, path=self._name, hint=reason.hint) from error


def _tags(given: Mapping[str, str]) -> dict[str, str]:
    """Tags as FFmpeg takes them: text ends at a NUL."""
    parted = ((key.partition("\0")[0], value.partition("\0")[0]) for key, value in given.items())
    return {key: value for key, value in parted if key}


def _container_options(container: str, *, seekable: bool) -> dict[str, str]:
    # The muxer holds packets of one stream back until the other has some too: for as long as
    # it takes where they are small, two seconds (in microseconds) where they are whole pictures.
    options = {"max_interleave_delta": "2000000" if container in _RAW else "0"}
    if container in ("mp4", "mov") and not seekable:
        options["movflags"] = "frag_keyframe+delay_moov"
    return options
