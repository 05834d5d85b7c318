"""Whole files: any video to .gvc, and .gvc to a playable video."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import av

from gvc.api.input import InputContainer
from gvc.api.muxer import Muxer
from gvc.bitstream import AudioPacket, Group
from gvc.codec.settings import EncoderSettings
from gvc.errors import InvalidDataError
from gvc.media import AudioMode, Sink, SinkOptions, Source

if TYPE_CHECKING:
    from gvc.codec.group_coder import CodedGroup


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transcoding run is.

    :param frames: video frames done. :param total: how many there are, None if unknown.
    :param media_seconds: of the video done. :param size: bytes of the .gvc file so far.
    :param elapsed: seconds since the run began.
    """

    frames: int
    total: int | None
    media_seconds: float
    size: int
    elapsed: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a transcoding run did.

    :param frames: video frames. :param seconds: of the video. :param size: bytes of the .gvc file.
    :param elapsed: seconds that the run took.
    :param problem: why a damaged file ended early, or how much of a source was damaged; None if
        all was well.
    """

    frames: int
    seconds: float
    size: int
    elapsed: float
    problem: str | None = None


_DEFAULT_OPTIONS = SinkOptions()

OnProgress = Callable[[Progress], None]


def _ignore(_: Progress) -> None:
    """Take no interest in progress."""


def encode(
    source: str | Path | BinaryIO,
    target: BinaryIO,
    *,
    settings: EncoderSettings,
    audio: AudioMode = AudioMode.OPUS,
    audio_bit_rate: int = 24_000,
    on_progress: OnProgress = _ignore,
) -> Report:
    """Code a video file.

    :param source: anything that FFmpeg reads: a path, or a binary file object, pipes too.
    :param target: a binary file object; it is written in one pass and stays open.
    :param audio: what becomes of the sound. :param audio_bit_rate: of Opus, bits a second.
    :param on_progress: called after each frame.
    :raises GvcError: if the source cannot be read, the settings cannot be met, or a tool fails.
    """
    # Decoders need none of it.
    from gvc.codec.encoder import VideoEncoder

    started = time.monotonic()
    frames = 0
    end = begin = 0
    with Source(
        source, audio=audio, audio_bit_rate=audio_bit_rate, threads=settings.threads
    ) as media:
        encoder = VideoEncoder(media.video, settings)
        muxer = Muxer(target)

        def write(coded: list[CodedGroup]) -> None:
            if coded and not muxer.has_header:
                muxer.write_header(
                    encoder.header, media.audio, media.metadata, pack=encoder.embedded_pack
                )
            for item in coded:
                muxer.write_group(item.group, end_pts=item.end_pts)

        try:
            for unit in media:
                if isinstance(unit, AudioPacket):
                    muxer.write_audio(unit)
                    continue
                assert isinstance(unit, av.VideoFrame)
                assert unit.pts is not None
                begin = unit.pts if frames == 0 else begin
                end = unit.pts
                frames += 1
                write(encoder.push(unit))
                seconds = float((end - begin) * media.video.time_base)
                elapsed = time.monotonic() - started
                on_progress(Progress(frames, media.video.frames, seconds, muxer.position, elapsed))
            write(encoder.flush())
        finally:
            encoder.close()
        muxer.close()
        seconds = float((end - begin) * media.video.time_base + 1 / media.video.frame_rate)
        problem = None
        if media.damaged_packets:
            problem = f"{media.damaged_packets} damaged video packets were left out"
    return Report(frames, seconds, muxer.position, time.monotonic() - started, problem)


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

    A damaged or cut-off file is decoded up to its last whole group; the report says why it ended.

    :param target: a binary file object, which stays open.
    :param container: FFmpeg's name of the format, see :func:`gvc.media.format_of`.
    :param audio: whether the sound is written too, where the format can hold it.
    :param name: of the target, for messages.
    :raises GvcError: if not even one group can be decoded, or the target cannot be written.
    """
    started = time.monotonic()
    header = source.header
    video = source.streams.video[0]
    # Whatever keeps the file from being decoded must show before anything is written.
    decoder = source.video_decoder
    sink = Sink(
        target,
        container=container,
        video=video.header,
        audio=header.audio if audio else None,
        options=options,
        metadata=source.metadata,
        name=name,
    )
    total = video.frames or None
    frames = 0
    end = begin = 0
    problem = None
    try:
        for packet in source.demux():
            if isinstance(packet.unit, AudioPacket):
                sink.write_audio(packet.unit)
                continue
            assert isinstance(packet.unit, Group)
            for frame in decoder.decode(packet.unit):
                assert frame.pts is not None
                begin = frame.pts if frames == 0 else begin
                end = frame.pts
                sink.write_video(frame)
                frames += 1
                seconds = float((end - begin) * header.video.time_base)
                elapsed = time.monotonic() - started
                on_progress(Progress(frames, total, seconds, source.position, elapsed))
    except InvalidDataError as error:
        if not frames:
            raise
        problem = error.cause
    sink.close()
    seconds = float((end - begin) * header.video.time_base + 1 / header.video.frame_rate)
    return Report(frames, seconds, source.position, time.monotonic() - started, problem)
