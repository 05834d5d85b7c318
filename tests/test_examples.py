"""Every example runs, and so do the examples in docstrings."""

from __future__ import annotations

import doctest
import importlib
import os
import subprocess
import sys
from pathlib import Path

import av
import pytest
from conftest import read_video

import gvc

ROOT = Path(__file__).resolve().parents[1]


def run(*command: object) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


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
