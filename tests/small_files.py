"""Small .gvc files for tests of the API: tiny pictures, the fastest settings, one thread."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np

import gvc
from gvc.api.input import InputContainer
from gvc.api.output import OutputContainer

#: The fastest encoder, and still the whole codec.
FASTEST = {"preset": "faster", "size": "64", "key_codec": "hevc"}

WIDTH, HEIGHT = 48, 32


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture that its number can be told from, RGB uint8: its brightness says it."""
    return np.full((height, width, 3), 16 + 8 * (number % 28), dtype=np.uint8)


def frame_of(number: int, pts: int | None = None, time_base: Fraction | None = None):
    """The same as a frame."""
    frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
    if pts is not None:
        frame.pts = pts
    if time_base is not None:
        frame.time_base = time_base
    return frame


def tone(samples: int, *, pts: int | None = None, rate: int = 48_000) -> av.AudioFrame:
    """A frame of sound, stereo s16."""
    wave = (8000 * np.sin(np.arange(samples) / 9)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None], format="s16", layout="stereo")
    frame.sample_rate = rate
    if pts is not None:
        frame.pts, frame.time_base = pts, Fraction(1, rate)
    return frame


def writer(file, **options: str) -> OutputContainer:
    """A container to write with the fastest settings."""
    return gvc.open(file, "w", options=FASTEST | options, threads=1)


def reader(file, **arguments) -> InputContainer:
    """A container to read."""
    return gvc.open(file, threads=1, **arguments)


def write_numbers(file, count: int, *, sound: bool = False, gop_size: int = 2, **options: str):
    """Pictures 0 to ``count``, a group for every two; gives ``file``, at its beginning."""
    with writer(file, **options) as output:
        video = output.add_stream("gvc", rate=25, gop_size=gop_size)
        audio = output.add_stream("libopus", rate=48_000) if sound else None
        for number in range(count):
            output.mux(video.encode(picture(number)))
            if audio is not None:
                output.mux(audio.encode(tone(1920)))
    if isinstance(file, io.BytesIO):
        file.seek(0)
    return file


def numbers_of(frames) -> list[int]:
    """The numbers of pictures, by their brightness."""
    return [round((float(f.to_ndarray(format="rgb24").mean()) - 16) / 8) for f in frames]
