"""Every example runs, and so do the examples in docstrings."""

from __future__ import annotations

import doctest
import importlib
import os
import runpy
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import draw_head, read_video, write_clip

import gvc

ROOT = Path(__file__).resolve().parents[1]

#: The test that runs each example.
TESTED_BY = {
    "animate.py": "test_animate",
    "frames.py": "test_frames",
    "pipe.sh": "test_pipe",
    "portrait.gvc": "test_frames",
    "pyav_file.py": "test_pyav_file",
    "show.sh": "test_show",
    "transcode.py": "test_transcode",
}


def run(*command: object, **environment: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_every_example_is_run():
    there = {path.name for path in (ROOT / "examples").iterdir() if path.is_file()}
    assert there == TESTED_BY.keys()
    assert set(TESTED_BY.values()) <= globals().keys()


def write_still(path: Path, picture: np.ndarray) -> None:
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "rgb24"
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        container.mux([*stream.encode(frame), *stream.encode()])


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A still picture of a head."""
    path = tmp_path_factory.mktemp("portrait") / "still.png"
    write_still(path, draw_head(0, 192, 160))
    return path


def pictures_of(path: Path) -> list[np.ndarray]:
    with gvc.open(path, threads=1) as container:
        assert container.metadata["title"] == "still"
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_animate(portrait, clip, tmp_path):
    """By a recording that is shorter than what the example takes at most."""
    target = tmp_path / "out.gvc"
    run(sys.executable, "examples/animate.py", portrait, clip, target)
    pictures = pictures_of(target)
    assert len(pictures) == 20
    # The first one is the portrait, the others move.
    wanted = draw_head(0, 256, 256).astype(int)
    assert np.abs(pictures[0] - wanted).mean() < 8
    assert np.abs(pictures[9].astype(int) - pictures[0]).mean() > 0.3


@pytest.mark.parametrize("frames", [1, 2, 17])
def test_animate_by_short_recordings(portrait, tmp_path, monkeypatch, frames):
    recording, target = tmp_path / "short.mp4", tmp_path / "out.gvc"
    write_clip(recording, frames=frames, audio=False)
    monkeypatch.setattr(sys, "argv", ["animate.py", str(portrait), str(recording), str(target)])
    if frames == 1:
        with pytest.raises(SystemExit, match="nothing moves in a single picture"):
            runpy.run_path(str(ROOT / "examples" / "animate.py"), run_name="__main__")
        return
    runpy.run_path(str(ROOT / "examples" / "animate.py"), run_name="__main__")
    assert len(pictures_of(target)) == frames


def test_show(tmp_path):
    """With a screen the desktop's program opens the video; without one its name is printed."""
    without = run("examples/show.sh", tmp_path / "talk.mp4", DISPLAY="", WAYLAND_DISPLAY="")
    assert without == f"The video is {tmp_path / 'talk.mp4'}\n"
    if sys.platform != "linux":
        return
    opener = tmp_path / "xdg-open"
    opener.write_text('#!/bin/sh\necho "opened $1"\n')
    opener.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    told = run("examples/show.sh", tmp_path / "talk.mp4", DISPLAY=":0", PATH=path)
    assert told == f"opened {tmp_path / 'talk.mp4'}\n"


def test_transcode(clip, tmp_path):
    coded, back = tmp_path / "coded.gvc", tmp_path / "back.mp4"
    run(sys.executable, "examples/transcode.py", clip, coded, back)
    with gvc.open(coded) as container:
        assert container.streams.audio[0].name == "aac"
    assert len(read_video(back)) == 20


def test_frames():
    told = run(sys.executable, "examples/frames.py", "examples/portrait.gvc")
    assert "256x256" in told


def test_pyav_file(tmp_path):
    target = tmp_path / "short.gvc"
    told = run(sys.executable, "examples/pyav_file.py", "examples/portrait.gvc", target)
    assert "5 frames" in told
    with gvc.open(target) as container:
        assert container.streams.video[0].frames == 5
        assert container.streams.video[0].average_rate == 25


def test_pipe(clip, tmp_path):
    coded, back = tmp_path / "coded.gvc", tmp_path / "back.mkv"
    run("examples/pipe.sh", clip, coded, back)
    with av.open(str(back)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert sum(1 for _ in container.decode(video=0)) == 20


@pytest.mark.parametrize(
    "module", ["gvc", "gvc.api.open", "gvc.api.av_file", "gvc.entropy", "gvc.keyframe"]
)
def test_docstrings(module, monkeypatch):
    monkeypatch.chdir(ROOT)
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0
