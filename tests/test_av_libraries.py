"""Libraries that read videos through PyAV take .gvc files unchanged."""

from __future__ import annotations

import io

import imageio.v3 as iio
import numpy as np
import pytest
from conftest import draw_head
from pieces import FRAMES, file_of_groups
from pims.pyav_reader import PyAVReaderIndexed, PyAVReaderTimed
from scenedetect import ContentDetector, SceneManager
from scenedetect.backends.pyav import VideoStreamAv

import gvc

SMALL = {"size": 64, "threads": 1, "precision": "float32"}

GROUPS = 3

#: In an order that goes back and forth.
ORDER = (7, 2, 14, 0, 13, 3)


@pytest.fixture(scope="module")
def data() -> bytes:
    return file_of_groups(GROUPS)


@pytest.fixture(scope="module")
def pictures(data) -> list[np.ndarray]:
    """RGB, as PyAV makes it of what gvc.open gives."""
    with gvc.open(io.BytesIO(data), **SMALL) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.fixture
def file(data):
    with gvc.as_file(io.BytesIO(data), **SMALL) as opened:
        yield opened


def test_imageio_reads(file, pictures):
    with iio.imopen(file, "r", plugin="pyav") as opened:
        assert (opened.read() == np.stack(pictures)).all()
        assert opened.metadata()["fps"] == 5
        for index in ORDER:
            assert (opened.read(index=index) == pictures[index]).all()


def test_imageio_writes(tmp_path):
    path = tmp_path / "out.gvc"
    shown = np.stack([draw_head(index, 64, 48) for index in range(3)])
    target = gvc.as_file(path, "w", options={"key_codec": "hevc", "model": "face"})
    iio.imwrite(target, shown, plugin="pyav", extension=".nut", codec="rawvideo", fps=10)
    with gvc.open(path) as container:
        assert container.streams.video[0].average_rate == 10
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert np.abs(np.stack(frames).astype(int) - shown).mean() < 12


def test_pims_reads_by_time(file, pictures):
    video = PyAVReaderTimed(file, cache_size=2, fast_forward_thresh=2)
    assert len(video) == GROUPS * FRAMES
    assert video.frame_rate == 5
    for index in ORDER:
        assert (np.asarray(video[index]) == pictures[index]).all()


def test_pims_reads_by_number(file, pictures):
    video = PyAVReaderIndexed(file)
    assert len(video) == GROUPS * FRAMES
    for index in ORDER:
        assert (np.asarray(video[index]) == pictures[index]).all()


def test_pyscenedetect_reads(file, pictures):
    video = VideoStreamAv(file)
    assert (video.frame_size, video.frame_rate) == ((64, 64), 5)
    assert video.duration.frame_num == GROUPS * FRAMES
    assert (video.read() == pictures[0][:, :, ::-1]).all()
    for index in ORDER:
        video.seek(index)
        assert (video.read() == pictures[index][:, :, ::-1]).all()
    video.seek(0)
    scenes = SceneManager()
    scenes.add_detector(ContentDetector())
    assert scenes.detect_scenes(video) == GROUPS * FRAMES
