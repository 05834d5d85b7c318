"""Media files read: upright video frames, and audio packets ready to be stored."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import av

from gvc.bitstream import AudioHeader, AudioPacket, ColourDescription, check_size
from gvc.errors import InvalidDataError, UnsupportedError
from gvc.media.address import open_media
from gvc.media.audio import DEFAULT_OPUS_BIT_RATE, AudioCopy, AudioTranscoder
from gvc.media.cropping import cropping_of
from gvc.media.ffmpeg_log import check_encryption, explained, explaining
from gvc.media.frame_times import BestEffort, Increasing
from gvc.media.picture import colour_of
from gvc.media.preparation import Preparation, silent
from gvc.media.selection import select
from gvc.media.tags import tags_of_file, tags_of_stream
from gvc.media.timeline import Timeline

#: Rates outside this range are what a container makes of missing times.
_RATES = Fraction(1, 3600), Fraction(1000)

_DEFAULT_RATE = Fraction(25)

#: Formats in which a packet that FFmpeg calls corrupt is one that the end of the file cuts off.
_CUT_SHORT = {"mov,mp4,m4a,3gp,3g2,mj2", "avi", "flv"}

#: FFmpeg's AVFMT_FLAG_GENPTS, which PyAV sets.
_GENERATE_PTS = 0x0001

#: FFmpeg's "formats" that paint pictures of any text.
_TEXT_FORMATS = {"tty", "bin", "xbin", "adf", "idf"}


class AudioMode(enum.StrEnum):
    """What becomes of the sound."""

    OPUS = "opus"
    COPY = "copy"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A video stream, upright.

    :param width: in pixels, after rotation; :param height: likewise.
    :param time_base: unit of the frames' pts in seconds.
    :param frame_rate: average or guessed.
    :param sample_aspect_ratio: width over height of a pixel, after rotation.
    :param colour: of its frames.
    :param seconds: duration, None if unknown.
    :param frames: their number, None if unknown.
    """

    width: int
    height: int
    time_base: Fraction
    frame_rate: Fraction
    sample_aspect_ratio: Fraction
    colour: ColourDescription
    seconds: float | None = None
    frames: int | None = None


class Source:
    """A media file that is read; a context manager, and an iterator over frames and packets.

    One video stream is taken, and one audio stream, those that ffmpeg would take. Frames come out
    progressive, upright and of standard dynamic range. Both have times on one timeline that begins
    at 0, see :class:`gvc.media.timeline.Timeline`.

    :param file: a path, an address that begins with http or https, or a binary file object, which
        need not be seekable.
    :param audio: what becomes of the sound.
    :param audio_bit_rate: of Opus, bits a second.
    :param threads: CPU threads of the video decoder; None leaves the choice to FFmpeg.
    :param say: told in a line each what is left out, what is changed of the pictures, and how
        much of the sound is damaged.
    :raises MediaError, InvalidDataError: if there is no video to be had, with FFmpeg's reason.
    """

    def __init__(
        self,
        file: str | Path | BinaryIO,
        *,
        audio: AudioMode = AudioMode.OPUS,
        audio_bit_rate: int = DEFAULT_OPUS_BIT_RATE,
        threads: int | None = None,
        say: Callable[[str], None] = silent,
    ) -> None:
        self.name = str(file) if isinstance(file, (str, Path)) else _stream_name(file)
        #: Video packets that FFmpeg could not decode.
        self.damaged_packets = 0
        self._container = open_media(file, self.name)
        # Times that FFmpeg makes up where a file has none are wrong where frames are reordered.
        self._container.flags &= ~_GENERATE_PTS
        try:
            self._video, sound = self._choose(sound=audio is not AudioMode.NONE, say=say)
            self._video.thread_type = "AUTO"
            self._video.codec_context.thread_count = threads or 0
            self._audio = self._open_audio(sound, audio, audio_bit_rate, say)
            #: Title, date and so on; language and title of the streams.
            self.metadata = tags_of_file(self._container.metadata, say)
            self.video_metadata = tags_of_stream(self._video.metadata, say)
            self.audio_metadata = tags_of_stream(sound.metadata if sound else {}, say)
            crop = cropping_of(self._container, self._video)
            self._preparation = Preparation(say=say, threads=threads, crop=crop)
            self._frames = self._demux()
            self._ahead: deque[av.VideoFrame | AudioPacket] = deque()
            self.video = self._describe(self._first_frame())
        except BaseException:
            self.close()
            raise

    @property
    def audio(self) -> AudioHeader | None:
        """The stored audio stream, None if there is none."""
        return self._audio.header if self._audio is not None else None

    def __iter__(self) -> Iterator[av.VideoFrame | AudioPacket]:
        """Frames, their pts strictly increasing in the video's time base, and audio packets.

        :raises MediaError: if reading fails.
        """
        while self._ahead:
            yield self._ahead.popleft()
        yield from self._frames

    def close(self) -> None:
        """Close the file."""
        video = getattr(self, "_video", None)
        if video is not None:
            # Its threads are idle before it goes, see gvc.media.ffmpeg_log.
            video.codec_context.flush_buffers()
        self._container.close()

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _choose(
        self, *, sound: bool, say: Callable[[str], None]
    ) -> tuple[av.VideoStream, av.AudioStream | None]:
        if self._container.format.name in _TEXT_FORMATS:
            raise InvalidDataError("is text, not a video", path=self.name)
        chosen = select(self._container, sound=sound)
        if chosen is None:
            raise InvalidDataError("holds no video stream", path=self.name)
        for line in chosen.left_out:
            say(line)
        return chosen.video, chosen.audio

    def _open_audio(
        self,
        stream: av.AudioStream | None,
        mode: AudioMode,
        bit_rate: int,
        say: Callable[[str], None],
    ) -> AudioCopy | AudioTranscoder | None:
        if stream is None:
            return None
        with explaining(self.name, about="audio"):
            return (
                AudioCopy(stream)
                if mode is AudioMode.COPY
                else AudioTranscoder(stream, bit_rate=bit_rate, say=say)
            )

    def _first_frame(self) -> av.VideoFrame:
        for unit in self._frames:
            self._ahead.append(unit)
            if isinstance(unit, av.VideoFrame):
                return unit
        raise InvalidDataError("holds no video frame that can be decoded", path=self.name)

    def _describe(self, frame: av.VideoFrame) -> VideoInfo:
        stream = self._video
        try:
            check_size(frame.width, frame.height)
        except InvalidDataError as error:
            hint = "scale them first: ffmpeg -i IN -vf scale=3840:-2 OUT"
            raise UnsupportedError(error.cause, path=self.name, hint=hint) from error
        rate = _rate_of(stream)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        if self._preparation.turned:
            aspect = 1 / aspect
        seconds = None
        if stream.duration is not None and stream.time_base is not None:
            seconds = float(stream.duration * stream.time_base)
        elif self._container.duration is not None:
            seconds = self._container.duration / av.time_base
        return VideoInfo(
            width=frame.width,
            height=frame.height,
            time_base=self._time_base,
            frame_rate=rate,
            sample_aspect_ratio=Fraction(aspect),
            colour=colour_of(frame),
            seconds=seconds,
            frames=stream.frames or (round(seconds * rate) if seconds else None),
        )

    def _demux(self) -> Iterator[av.VideoFrame | AudioPacket]:
        self._time_base = Fraction(self._video.time_base or Fraction(1, 90_000))
        best = BestEffort(self._video.guessed_rate or _DEFAULT_RATE, self._time_base)
        increasing = Increasing()
        streams = [self._video, *([self._audio.stream] if self._audio is not None else [])]
        timeline = Timeline(self._container, streams)
        for packet in timeline.follow(explained(self._container.demux(streams), self.name)):
            check_encryption(packet, self.name)
            if self._audio is not None and packet.stream is self._audio.stream:
                yield from explained(self._audio.push(packet), self.name)
                continue
            for decoded in self._decode(packet):
                for frame in self._prepared(best.repair(decoded)):
                    yield increasing.repair(frame)
        for frame in self._prepared(None):
            yield increasing.repair(frame)
        if self._audio is not None:
            yield from self._audio.finish()

    def _decode(self, packet: av.Packet[Any]) -> list[av.VideoFrame]:
        if packet.is_corrupt and self._container.format.name in _CUT_SHORT:
            # The rest is not there, and decoders in threads would lose whole frames along with it.
            self.damaged_packets += 1
            return []
        with explaining(self.name):
            try:
                return list(packet.decode())
            except av.FFmpegError:
                self.damaged_packets += 1
                return []

    def _prepared(self, decoded: av.VideoFrame | None) -> list[av.VideoFrame]:
        with explaining(self.name):
            return self._preparation.push(decoded) if decoded else self._preparation.finish()


def _rate_of(stream: av.VideoStream) -> Fraction:
    """Frames per second: the average, or what FFmpeg guesses where that is no rate of a video."""
    average, guessed = stream.average_rate, stream.guessed_rate
    rates = (average, guessed, stream.base_rate)
    if average and guessed and average < 1 and guessed < 1:
        # Of few frames: the last one, which has no next one, would count for much.
        return Fraction(guessed)
    rate = next((r for r in rates if r and _RATES[0] <= r <= _RATES[1]), _DEFAULT_RATE)
    return Fraction(rate)


def _stream_name(file: BinaryIO) -> str:
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else "<stream>"
