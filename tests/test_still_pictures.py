"""Still pictures as sources and as targets: files of one key frame."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import draw_head, read_video, run_gvc
from recordings import FFMPEG, write

import gvc
from gvc.media import to_rgb


@pytest.fixture(scope="module")
def still(tmp_path_factory) -> Path:
    """A PNG of a head that can be seen through on the left."""
    path = tmp_path_factory.mktemp("stills") / "face.png"
    picture = np.dstack([draw_head(3, 150, 121), np.full((121, 150), 255, np.uint8)])
    picture[:, :20, 3] = 0
    write(path, [av.VideoFrame.from_ndarray(picture, format="rgba")], codec="png")
    return path


@pytest.fixture(scope="module")
def coded_still(still: Path) -> Path:
    target = still.with_name("face.gvc")
    done = run_gvc("encode", still, target, "--key-qp", 12, "--preset", "faster")
    assert done.returncode == 0
    assert done.stderr.decode() == f"gvc: warning: {still}: transparency is left out\n"
    return target


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "out.JPEG"])
def test_a_still_picture_goes_in_and_comes_out(name, coded_still, tmp_path):
    target = tmp_path / name
    done = run_gvc("decode", coded_still, target)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    signature = b"\x89PNG" if name.endswith("png") else b"\xff\xd8\xff"
    assert target.read_bytes().startswith(signature)
    (frame,) = read_video(target)
    assert (frame.width, frame.height) == (150, 121)
    difference = to_rgb(frame, 150, 121).astype(int) - draw_head(3, 150, 121)
    assert np.abs(difference.mean(axis=(0, 1))).max() < 2
    assert np.abs(difference).mean() < 4


def test_a_still_picture_is_a_file_of_one_key_frame(coded_still):
    with gvc.open(coded_still) as container:
        (packet,) = container.demux()
        assert packet.unit.frames == 1
        assert len(packet.unit.keys) == 1
        container.seek(0)
        (frame,) = container.decode(video=0)
        assert (
            np.abs(frame.to_ndarray(format="rgb24") - draw_head(3, 150, 121).astype(int)).mean() < 4
        )
    piped = run_gvc("decode", "-", "-", "-f", "png", input=coded_still.read_bytes())
    assert piped.returncode == 0
    with av.open(io.BytesIO(piped.stdout)) as container:
        assert next(container.decode(video=0)).width == 150


def test_a_still_picture_of_a_video_is_refused(coded, tmp_path):
    target = tmp_path / "out.png"
    done = run_gvc("decode", coded, target)
    text = done.stderr.decode()
    assert (done.returncode, len(text.splitlines())) == (2, 1)
    assert "-frames:v 1" in text
    assert not list(tmp_path.iterdir())
    # What it says to do works.
    gvc = f"'{sys.executable}' -m gvc"
    command = f"{gvc} decode '{coded}' - | '{FFMPEG}' -v error -i - -frames:v 1 '{target}'"
    subprocess.run(command, shell=True, check=True)
    assert len(read_video(target)) == 1
