"""Small recordings of any kind: how tests write them, read them, and code them and back."""

from __future__ import annotations

import io
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from conftest import draw_head

from gvc.api.input import InputContainer
from gvc.api.transcode import decode, encode
from gvc.codec.settings import EncoderSettings
from gvc.media import AudioMode, Source, format_of, to_rgb, to_yuv420

WIDTH, HEIGHT = 96, 80
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()

#: Fast, and still the whole codec.
SETTINGS = EncoderSettings.of_preset("faster", size=96, key_qp=20, threads=1)


def head(index: int = 0) -> np.ndarray:
    return draw_head(index, WIDTH, HEIGHT)


def ffmpeg(*arguments: object) -> None:
    subprocess.run([FFMPEG, "-y", "-v", "error", *map(str, arguments)], check=True)


def write(
    path: Path,
    frames: list[av.VideoFrame],
    *,
    codec: str = "ffv1",
    rate: int = 25,
    shape: Fraction = Fraction(1),
    **options: str,
) -> Path:
    """A file of these frames, with their format and colours, at a constant rate."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        first = frames[0]
        stream.width, stream.height = first.width, first.height
        stream.pix_fmt = first.format.name
        stream.sample_aspect_ratio = shape
        context = stream.codec_context
        context.colorspace, context.color_range = first.colorspace, first.color_range
        context.color_trc, context.color_primaries = first.color_trc, first.color_primaries
        for index, frame in enumerate(frames):
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def read(path: Path) -> tuple[list[av.VideoFrame], Source, list[str]]:
    """Frames of a source, the source itself, and what it says."""
    said: list[str] = []
    with Source(path, audio=AudioMode.NONE, say=said.append) as source:
        return [unit for unit in source if isinstance(unit, av.VideoFrame)], source, said


def shown(frame: av.VideoFrame) -> np.ndarray:
    """What is coded of a frame, as RGB."""
    small = to_yuv420(frame, frame.width, frame.height)
    return to_rgb(small, frame.width, frame.height).astype(int)


def there_and_back(source: Path, target: Path, *, audio: AudioMode = AudioMode.OPUS) -> list[str]:
    """Code ``source`` and decode it as ``target``; gives what was said."""
    said: list[str] = []
    coded = io.BytesIO()
    encode(source, coded, settings=SETTINGS, audio=audio, on_warning=said.append)
    coded.seek(0)
    with InputContainer(coded, threads=1) as container, target.open("wb") as file:
        decode(container, file, container=format_of(target), name=str(target))
    return said
