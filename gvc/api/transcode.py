"""Whole files: any video to .gvc, and .gvc to a playable video."""

from __future__ import annotations

import io
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import av

from gvc.api.input import InputContainer
from gvc.api.packet import Packet
from gvc.api.progress import Account, OnProgress, OnWarning, Progress, Report, ignore
from gvc.bitstream import AudioPacket, VideoHeader
from gvc.codec.settings import CanvasMode, EncoderSettings, canvas_pays
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
    from gvc.codec.rate_control import GroupRate
    from gvc.faces import Faces

__all__ = ["Progress", "Report", "can_be_read_twice", "decode", "encode"]

_DEFAULT_OPTIONS = SinkOptions()


def encode(
    source: str | Path | BinaryIO,
    target: BinaryIO,
    *,
    settings: EncoderSettings,
    audio: AudioMode = AudioMode.OPUS,
    audio_bit_rate: int = DEFAULT_OPUS_BIT_RATE,
    passes: int | None = 1,
    faces: Faces | None = None,
    on_progress: OnProgress = ignore,
    on_warning: OnWarning = ignore,
) -> Report:
    """Code a video file, or a still picture, which is a video of one frame.

    :param source: anything that FFmpeg reads: a path, or a binary file object, pipes too.
    :param target: a binary file object; it is written in one pass and stays open.
    :param audio: what becomes of the sound. :param audio_bit_rate: of Opus, bits per second.
    :param passes: how often the source is read, which with 2 must be a file: where the settings ask
        for a bit rate, the first pass finds out which QP keeps it throughout. None takes 2 where
        that is so, else 1.
    :param faces: what finds faces, where the settings need that; None takes what is installed.
    :param on_progress: called after each frame, of each pass.
    :param on_warning: called with a line for each stream that is left out, and for what is changed
        of the pictures: interlaced ones, those of high dynamic range, and transparent ones.
    :raises GvcError: if the source cannot be read, the settings cannot be met, or a tool fails.
    """
    # Decoders need none of it.
    from gvc.api.output import OutputContainer
    from gvc.codec.rate_planner import RatePlanner

    started = time.monotonic()
    planner = None
    if passes is None:
        passes = 2 if settings.bit_rate is not None and can_be_read_twice(source) else 1
    if passes == 2:
        # What it has to say, the second pass says.
        rates = _first_pass(source, settings, faces, on_progress)
        planner = partial(RatePlanner, rates=rates)
    with (
        Source(
            source,
            audio=audio,
            audio_bit_rate=audio_bit_rate,
            threads=settings.threads,
            say=on_warning,
        ) as media,
        OutputContainer(target, options=settings) as output,
    ):
        output.metadata.update(media.metadata)
        video = output.add_stream("gvc", **_described(media), planner=planner, faces=faces)
        video.metadata.update(media.video_metadata)
        sound = None
        if media.audio is not None:
            sound = output.add_stream_from_template(media.audio)
            sound.metadata.update(media.audio_metadata)
        account = Account(started, media.video.time_base, media.video.frames, on_progress)
        for unit in media:
            if isinstance(unit, AudioPacket):
                assert sound is not None
                output.mux(Packet(sound, unit))
                continue
            assert isinstance(unit, av.VideoFrame)
            output.mux(video.encode(unit))
            account.count(unit, output.position)
        output.close()
        _say_what_is_small(video.encoder.header, settings, on_warning)
        problem = None
        if media.damaged_packets:
            problem = f"{media.damaged_packets} damaged video packets were left out"
        return account.report(media.video.frame_rate, output.position, problem)


def _say_what_is_small(
    header: VideoHeader, settings: EncoderSettings, on_warning: OnWarning
) -> None:
    """Warn where a large picture lost its detail because no face was found for a canvas."""
    pays = canvas_pays(header.width, header.height, settings.size)
    if settings.canvas is CanvasMode.AUTO and pays and header.canvas is None:
        on_warning(
            f"no face was found at the beginning: {header.width}x{header.height} is coded as "
            f"{header.coded_width}x{header.coded_height}; --size codes more of it"
        )


def _described(media: Source) -> dict[str, Any]:
    """The video stream of a source, as ``OutputContainer.add_stream`` takes it."""
    video = media.video
    return {
        "rate": video.frame_rate,
        "width": video.width,
        "height": video.height,
        "time_base": video.time_base,
        "sample_aspect_ratio": video.sample_aspect_ratio,
        "prepared": True,
    }


def can_be_read_twice(source: str | Path | BinaryIO) -> bool:
    """Whether a source can be coded in two passes: a file, and no pipe or stream."""
    if isinstance(source, (str, Path)):
        return Path(source).is_file()
    return source.seekable()


def _first_pass(
    source: str | Path | BinaryIO,
    settings: EncoderSettings,
    faces: Faces | None,
    on_progress: OnProgress,
) -> list[GroupRate]:
    """What the groups of a source take."""
    from gvc.api.output import OutputContainer
    from gvc.codec.rate_probe import FirstPass

    if settings.bit_rate is None:
        raise UsageError("two passes are for a bit rate, and none was asked for")
    if not can_be_read_twice(source):
        raise UsageError("a stream cannot be read in two passes", hint="one pass, or a file")
    started = time.monotonic()
    rates: list[GroupRate] = []
    with Source(source, audio=AudioMode.NONE, threads=settings.threads) as media:
        planner = partial(FirstPass, rates=rates)
        output = OutputContainer(io.BytesIO(), options=settings)
        video = output.add_stream("gvc", **_described(media), planner=planner, faces=faces)
        account = Account(started, media.video.time_base, media.video.frames, on_progress)
        try:
            for unit in media:
                assert isinstance(unit, av.VideoFrame)
                video.encode(unit)
                account.count(unit, 0, first_pass=True)
            video.encode()
        finally:
            # Nothing was coded.
            output.abort()
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
    on_progress: OnProgress = ignore,
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
    account = Account(started, header.video.time_base, video.frames or None, on_progress)
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
