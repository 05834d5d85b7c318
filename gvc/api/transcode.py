"""Whole files: any video to .gvc, and .gvc to a playable video."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import av

from gvc.api.input import InputContainer
from gvc.api.muxer import Muxer
from gvc.bitstream import AudioPacket
from gvc.codec.settings import EncoderSettings
from gvc.errors import InvalidDataError, UsageError
from gvc.media import (
    DEFAULT_OPUS_BIT_RATE,
    AudioMode,
    Sink,
    SinkOptions,
    Source,
    StillSink,
    is_still,
)

if TYPE_CHECKING:
    from gvc.api.concealment import Loss
    from gvc.codec.group_coder import CodedGroup
    from gvc.codec.rate_control import GroupRate
    from gvc.faces import Faces
    from gvc.model.distance import Distance


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transcoding run is.

    :param frames: video frames done. :param total: how many there are, None if unknown.
    :param media_seconds: of the video done. :param size: bytes of the .gvc file so far.
    :param elapsed: seconds since the run, or its first pass, began.
    :param first_pass: whether this is the first of two passes, which makes nothing.
    """

    frames: int
    total: int | None
    media_seconds: float
    size: int
    elapsed: float
    first_pass: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a transcoding run did.

    :param frames: video frames. :param seconds: of the video. :param size: bytes of the .gvc file.
    :param elapsed: seconds that the run took.
    :param problem: why a damaged file ended early, or how much of a source was damaged; None if
        all was well.
    :param losses: what was lost of a damaged file, where that was concealed.
    """

    frames: int
    seconds: float
    size: int
    elapsed: float
    problem: str | None = None
    losses: tuple[Loss, ...] = ()


_DEFAULT_OPTIONS = SinkOptions()

OnProgress = Callable[[Progress], None]
OnWarning = Callable[[str], None]


def _ignore(_: Progress | str) -> None:
    """Take no interest in progress, or in warnings."""


class _Account:
    """Frames, playing time and clock of a run, for its progress and its report.

    :param started: when the run began, by the monotonic clock.
    :param time_base: of the frames. :param total: how many there are, None if unknown.
    """

    def __init__(
        self, started: float, time_base: Fraction, total: int | None, on_progress: OnProgress
    ) -> None:
        self._started = started
        self._time_base = time_base
        self._total = total
        self._on_progress = on_progress
        self._begin = self._end = 0
        self.frames = 0

    def count(self, frame: av.VideoFrame, size: int, *, first_pass: bool = False) -> None:
        """Say that ``frame`` is done, and that the .gvc file has ``size`` bytes so far."""
        assert frame.pts is not None
        if not self.frames:
            self._begin = frame.pts
        self._end = frame.pts
        self.frames += 1
        self._on_progress(
            Progress(self.frames, self._total, self._seconds, size, self._elapsed, first_pass)
        )

    def report(
        self,
        frame_rate: Fraction,
        size: int,
        problem: str | None,
        losses: tuple[Loss, ...] = (),
    ) -> Report:
        """What came of it; the last frame lasts as long as the rate says."""
        seconds = self._seconds + float(1 / frame_rate)
        return Report(self.frames, seconds, size, self._elapsed, problem, losses)

    @property
    def _seconds(self) -> float:
        return float((self._end - self._begin) * self._time_base)

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._started


def encode(
    source: str | Path | BinaryIO,
    target: BinaryIO,
    *,
    settings: EncoderSettings,
    audio: AudioMode = AudioMode.OPUS,
    audio_bit_rate: int = DEFAULT_OPUS_BIT_RATE,
    passes: int = 1,
    faces: Faces | None = None,
    on_progress: OnProgress = _ignore,
    on_warning: OnWarning = _ignore,
) -> Report:
    """Code a video file, or a still picture, which is a video of one frame.

    :param source: anything that FFmpeg reads: a path, or a binary file object, pipes too.
    :param target: a binary file object; it is written in one pass and stays open.
    :param audio: what becomes of the sound. :param audio_bit_rate: of Opus, bits a second.
    :param passes: how often the source is read, which with 2 must be a file: where the settings ask
        for a bit rate, the first pass finds out which QP keeps it throughout.
    :param faces: what finds faces, where the settings need that; None takes what is installed.
    :param on_progress: called after each frame, of each pass.
    :param on_warning: called with a line for each stream that is left out, and for what is changed
        of the pictures: interlaced ones, those of high dynamic range, and transparent ones.
    :raises GvcError: if the source cannot be read, the settings cannot be met, or a tool fails.
    """
    # Decoders need none of it.
    from gvc.api.distances import distance_of
    from gvc.codec.rate_planner import RatePlanner
    from gvc.codec.stream_encoder import StreamEncoder

    started = time.monotonic()
    distance = distance_of(settings)
    planner = None
    if passes == 2:
        # What it has to say, the second pass says.
        rates = _first_pass(source, settings, distance, faces, on_progress)
        planner = partial(RatePlanner, rates=rates)
    with Source(
        source,
        audio=audio,
        audio_bit_rate=audio_bit_rate,
        threads=settings.threads,
        say=on_warning,
    ) as media:
        encoder = StreamEncoder(media.video, settings, distance, planner=planner, faces=faces)
        account = _Account(started, media.video.time_base, media.video.frames, on_progress)
        muxer = Muxer(target)

        def write(coded: list[CodedGroup]) -> None:
            if coded and not muxer.has_header:
                muxer.write_header(
                    encoder.header,
                    media.audio,
                    media.metadata,
                    pack=encoder.embedded_pack,
                    video_metadata=media.video_metadata,
                    audio_metadata=media.audio_metadata,
                )
            for item in coded:
                muxer.write_group(item.group, end_pts=item.end_pts)

        try:
            for unit in media:
                if isinstance(unit, AudioPacket):
                    muxer.write_audio(unit)
                    continue
                assert isinstance(unit, av.VideoFrame)
                write(encoder.push(unit))
                account.count(unit, muxer.position)
            write(encoder.flush())
        finally:
            encoder.close()
        muxer.close()
        problem = None
        if media.damaged_packets:
            problem = f"{media.damaged_packets} damaged video packets were left out"
        return account.report(media.video.frame_rate, muxer.position, problem)


def can_be_read_twice(source: str | Path | BinaryIO) -> bool:
    """Whether a source can be coded in two passes: a file, and no pipe or stream."""
    if isinstance(source, (str, Path)):
        return Path(source).is_file()
    return source.seekable()


def _first_pass(
    source: str | Path | BinaryIO,
    settings: EncoderSettings,
    distance: Distance,
    faces: Faces | None,
    on_progress: OnProgress,
) -> list[GroupRate]:
    """What the groups of a source take."""
    from gvc.codec.rate_probe import FirstPass
    from gvc.codec.stream_encoder import StreamEncoder

    if settings.bit_rate is None:
        raise UsageError("two passes are for a bit rate, and none was asked for")
    if not can_be_read_twice(source):
        raise UsageError("a stream cannot be read in two passes", hint="one pass, or a file")
    started = time.monotonic()
    rates: list[GroupRate] = []
    with Source(source, audio=AudioMode.NONE, threads=settings.threads) as media:
        planner = partial(FirstPass, rates=rates)
        encoder = StreamEncoder(media.video, settings, distance, planner=planner, faces=faces)
        account = _Account(started, media.video.time_base, media.video.frames, on_progress)
        try:
            for unit in media:
                assert isinstance(unit, av.VideoFrame)
                encoder.push(unit)
                account.count(unit, 0, first_pass=True)
            encoder.flush()
        finally:
            encoder.close()
    if not isinstance(source, (str, Path)):
        source.seek(0)
    return rates


def decode(
    source: InputContainer,
    target: BinaryIO,
    *,
    container: str,
    options: SinkOptions = _DEFAULT_OPTIONS,
    audio: bool = True,
    name: str = "<stream>",
    on_progress: OnProgress = _ignore,
) -> Report:
    """Decode a .gvc file to a playable one.

    A damaged or cut-off file is decoded up to its last whole group, and the report says why it
    ended; or, where ``source`` conceals that, to its end, and the report says what was lost.

    :param target: a binary file object, which stays open.
    :param container: FFmpeg's name of the format, see :func:`gvc.media.format_of`.
    :param audio: whether the sound is written too, where the format can hold it.
    :param name: of the target, for messages.
    :raises UsageError: if the target is a still picture, and the file holds more than one.
    :raises GvcError: if not even one group can be decoded, or the target cannot be written.
    """
    started = time.monotonic()
    header = source.header
    video = source.streams.video[0]
    account = _Account(started, header.video.time_base, video.frames or None, on_progress)
    # Whatever keeps the file from being decoded must show before anything is written.
    _ = source.video_decoder
    sink: Sink | StillSink
    if is_still(container):
        sink = StillSink(target, codec=container, video=video.header, name=name)
    else:
        sink = Sink(
            target,
            container=container,
            video=video.header,
            audio=header.audio if audio else None,
            options=options,
            metadata=source.metadata,
            name=name,
            video_metadata=dict(header.video_metadata),
            audio_metadata=dict(header.audio_metadata),
        )
    problem = None
    try:
        for unit in source.play():
            if isinstance(unit, AudioPacket):
                sink.write_audio(unit)
                continue
            sink.write_video(unit)
            account.count(unit, source.position)
    except InvalidDataError as error:
        if not account.frames:
            raise
        problem = error.cause
    sink.close()
    losses = tuple(source.losses)
    return account.report(header.video.frame_rate, source.position, problem, losses)
