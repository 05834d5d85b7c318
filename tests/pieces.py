"""Small files of several groups, made of one coded picture and of levels, without an encoder."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from gvc.bitstream import (
    AudioBlock,
    AudioHeader,
    AudioPacket,
    BitstreamReader,
    BitstreamWriter,
    FileHeader,
    Group,
    KeyFrame,
    Reference,
    VideoHeader,
)
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_run import InterFrame, write_run
from gvc.container import Chunk, ChunkReader
from gvc.entropy import InterType, KeyChoice

PORTRAIT = Path(__file__).resolve().parents[1] / "examples" / "portrait.gvc"

#: Frames of each group, and audio packets before it: 5 frames a second, packets of 0.2 s.
FRAMES, RATE = 5, 5
PACKETS = 5


def portrait() -> tuple[FileHeader, Group]:
    """The header and the first group of the carried sample."""
    with PORTRAIT.open("rb") as file:
        reader = BitstreamReader(file)
        group = next(unit for unit in reader if isinstance(unit, Group))
    return reader.header, group


def video_header() -> VideoHeader:
    """Of a small video, whose key frames are those of the sample."""
    return replace(
        portrait()[0].video,
        entropy_model="adaptive",
        prior=None,
        time_base=Fraction(1, 40 * RATE),
        frame_rate=Fraction(RATE),
    )


def motion(video: VideoHeader, frames: int, *, seed: int) -> bytes:
    """The run of so many inter frames, of which each has a code of its own."""
    rng = np.random.Generator(np.random.PCG64(seed))
    coding = LevelCoding("adaptive", video.code_length, video.motion_step)
    inter = [
        InterFrame(InterType.MOTION, KeyChoice(0), levels)
        for levels in rng.integers(-2, 3, (frames, video.code_length)).astype(np.int32)
    ]
    return write_run(coding, [], inter, keys=1)


def file_of_groups(count: int, *, predicted: bool = False, sound: bool = False) -> bytes:
    """A file of that many groups, a second each.

    :param predicted: whether every second group needs the one before.
    """
    video = video_header()
    key = portrait()[1].keys[0].data
    second = FRAMES * video.frame_duration
    audio = AudioHeader("pcm_s16le", 8000, 1, "mono", Fraction(1, 8000)) if sound else None
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(FileHeader(video, audio))
    for number in range(count):
        if sound:
            packets = [
                AudioPacket(1600 * (PACKETS * number + place), 1600, bytes(3200))
                for place in range(PACKETS)
            ]
            writer.write_audio(AudioBlock(tuple(packets)))
        writer.write_group(
            Group(
                number * second,
                FRAMES,
                False,
                (KeyFrame(0, key),),
                motion(video, FRAMES - 1, seed=number),
                reference=Reference((number - 1) * second) if predicted and number % 2 else None,
            )
        )
    writer.close(end_pts=count * second)
    return file.getvalue()


def chunks_of(data: bytes) -> list[Chunk]:
    """All chunks, the header first."""
    return list(ChunkReader(io.BytesIO(data)))


def damaged(data: bytes, *chunks: Chunk) -> bytes:
    """The same file with a flipped bit in the middle of chunks."""
    changed = bytearray(data)
    for chunk in chunks:
        changed[chunk.offset + chunk.size // 2] ^= 16
    return bytes(changed)
