"""Clips that every test can have: drawn heads that nod and speak, with clicks for sound."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

#: Samples a second of the clips' sound, and seconds between its clicks.
AUDIO_RATE = 44_100
CLICK_PERIOD = 0.5


def draw_head(index: int, width: int, height: int) -> np.ndarray:
    """Frame ``index`` of a head that sways and opens its mouth, RGB uint8."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width - 0.5, y / height - 0.5
    sway = 0.08 * math.sin(index / 5)
    picture = np.stack([110 + 80 * x, 120 + 60 * y, 150 - 40 * x], axis=-1)

    def ellipse(cx: float, cy: float, rx: float, ry: float, colour: tuple[int, int, int]) -> None:
        inside = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1
        picture[inside] = colour

    ellipse(0, 0.55, 0.4, 0.3, (40, 50, 90))
    ellipse(sway, 0, 0.2, 0.3, (205, 160, 135))
    for side in (-1, 1):
        ellipse(sway + 0.08 * side, -0.08, 0.03, 0.02, (30, 25, 25))
    ellipse(sway, 0.13, 0.07, 0.015 + 0.03 * abs(math.sin(index / 2)), (110, 30, 40))
    return picture.clip(0, 255).astype(np.uint8)


def environment_with_tests(**more: str) -> dict[str, str]:
    """The environment for a script of this folder, which imports others of it."""
    path = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path)), **more}


def write_clip(
    path: Path,
    *,
    width: int = 192,
    height: int = 160,
    frames: int = 12,
    rate: int = 25,
    pts: list[int] | None = None,
    time_base: Fraction | None = None,
    audio: bool = True,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
) -> Path:
    """Write a clip; its sound, if any, clicks every half second."""
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = width, height, pixel_format
        if codec == "libx264":
            video.options = {"crf": "12", "preset": "ultrafast", "bf": "0"}
        base = time_base or Fraction(1, rate)
        video.codec_context.time_base = base
        sound = container.add_stream("aac", rate=AUDIO_RATE, layout="mono") if audio else None
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(draw_head(index, width, height), format="rgb24")
            frame.pts = pts[index] if pts else index
            frame.time_base = base
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if sound is not None:
            _write_clicks(container, sound, frames / rate)
    return path


def write_pictures(
    path: Path, pictures: Sequence[np.ndarray] | np.ndarray, *, pixel_format: str = "yuv420p"
) -> Path:
    """A video of pictures, RGB uint8 [H, W, 3], 25 a second, coded without loss."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=25)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = pixel_format
        for picture in pictures:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
    return path


def _write_clicks(container: av.container.OutputContainer, stream, seconds: float) -> None:
    samples = np.zeros(int(seconds * AUDIO_RATE), dtype=np.float32)
    for start in np.arange(0.1, seconds, CLICK_PERIOD):
        first = int(start * AUDIO_RATE)
        tone = np.sin(np.arange(400) / 4).astype(np.float32) * 0.8
        samples[first : first + 400] = tone[: len(samples[first : first + 400])]
    for first in range(0, len(samples), 1024):
        part = samples[first : first + 1024][None]
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = AUDIO_RATE, first
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def read_video(path: Path) -> list[av.VideoFrame]:
    """All video frames of a file."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def run_gvc(*arguments: object, **options) -> subprocess.CompletedProcess[bytes]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "gvc", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=900, **options)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip with sound."""
    return write_clip(tmp_path_factory.mktemp("clips") / "head.mp4", frames=20)


@pytest.fixture(scope="session")
def coded(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The short clip as .gvc, in three groups."""
    target = tmp_path_factory.mktemp("coded") / "head.gvc"
    done = run_gvc("encode", clip, target, "--gop-size", 8, "--key-preset", "faster")
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="session")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight frames of a head, 176 × 176, without sound."""
    folder = tmp_path_factory.mktemp("short-clips")
    return write_clip(folder / "nod.mp4", width=176, height=176, frames=8, audio=False)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of clips, of three people: two to learn from, one to validate."""
    folder = tmp_path_factory.mktemp("clips")
    rows = ["file\tidentity\tsplit\tkind"]
    for name, split in (("ada", "train"), ("bob", "train"), ("eve", "val")):
        write_clip(folder / f"{name}.mp4", width=96, height=96, frames=6, audio=False)
        rows.append(f"{name}.mp4\t{name}\t{split}\ttalking-head")
    (folder / "clips.tsv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def torch_threads() -> Iterator[None]:
    """Gives torch back the threads that the tests of a module take from it."""
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def footage() -> Callable[[str], Path]:
    """Recordings beside the checkout, by name; the test is skipped where they are not."""

    def find(name: str) -> Path:
        path = SHARED / "footage" / name
        if not path.exists():
            pytest.skip("the footage is not beside this checkout (../shared)")
        return path

    return find
