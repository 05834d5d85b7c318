"""How groups are coded: key frames for what turns, video for what cannot be animated."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator

import av
import numpy as np
import pytest
from conftest import SHARED, draw_head

import gvc
from gvc.bitstream import BitstreamReader, FrameType, Group
from gvc.codec.motion_run import frame_types
from gvc.codec.summary import summarise
from gvc.errors import UsageError, WeightsError
from gvc.media import to_rgb
from gvc.metrics import Lpips
from gvc.model.distance import Distance

SIZE = 128


def head(count: int) -> list[np.ndarray]:
    """A head that moves."""
    return [draw_head(index, SIZE, SIZE) for index in range(count)]


def noise(count: int) -> list[np.ndarray]:
    """Coloured patches that come and go: no face at all, and nothing that could be animated."""
    rng = np.random.default_rng(0)
    frames = []
    for _ in range(count):
        small = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        frames.append(small.repeat(SIZE // 8, axis=0).repeat(SIZE // 8, axis=1))
    return frames


def coded(pictures: list[np.ndarray], **options: object) -> bytes:
    file = io.BytesIO()
    chosen = {"key_preset": "faster", "scene_cut": "0"} | {k: str(v) for k, v in options.items()}
    with gvc.open(file, "w", options=chosen, threads=2) as output:
        stream = output.add_stream("gvc", rate=25)
        for picture in pictures:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode())
    return file.getvalue()


def groups(data: bytes) -> Iterator[Group]:
    return (unit for unit in BitstreamReader(io.BytesIO(data)) if isinstance(unit, Group))


def distances(
    data: bytes, pictures: list[np.ndarray], distance: Distance | None = None
) -> np.ndarray:
    """Of all frames, as a decoder shows them, from what the encoder saw."""
    distance = distance or Distance.load()
    with gvc.open(io.BytesIO(data), threads=2) as container:
        shown = [to_rgb(frame, SIZE, SIZE) for frame in container.decode(video=0)]
    assert len(shown) == len(pictures)
    seen = [
        to_rgb(
            av.VideoFrame.from_ndarray(each, format="rgb24").reformat(format="yuv420p"), *2 * [SIZE]
        )
        for each in pictures
    ]
    return np.array([distance.distance([a], [b])[0] for a, b in zip(shown, seen, strict=True)])


def test_what_cannot_be_animated_is_coded_as_video():
    pictures = noise(12)
    data = coded(pictures)
    (group,) = groups(data)
    assert frame_types(group) == [FrameType.VIDEO] * 12
    assert not group.keys
    with gvc.open(io.BytesIO(data)) as container:
        decoded = list(container.decode(video=0))
    assert [frame.pts for frame in decoded] == list(range(12))
    for frame, picture in zip(decoded, pictures, strict=True):
        assert np.abs(to_rgb(frame, SIZE, SIZE).astype(int) - picture).mean() < 12


def test_a_head_is_animated():
    (group,) = groups(coded(head(12)))
    assert not group.video


def test_a_file_may_hold_both_kinds_of_groups_and_be_searched():
    pictures = head(8) + noise(8) + head(8)
    data = coded(pictures, gop_size=8)
    kinds = [bool(group.video) for group in groups(data)]
    assert kinds == [False, True, False]
    summary = summarise(io.BytesIO(data))
    assert summary.problem is None
    assert summary.frames[FrameType.VIDEO] == 8
    assert summary.frames.total() == 24
    with gvc.open(io.BytesIO(data)) as container:
        whole = [frame.to_ndarray() for frame in container.decode(video=0)]
        container.seek(500_000)
        rest = [frame.to_ndarray() for frame in container.decode(video=0)]
    assert len(whole) == 24
    assert len(rest) == 16
    assert all((a == b).all() for a, b in zip(whole[8:], rest, strict=True))
    with gvc.open(io.BytesIO(data), size=64) as container:
        small = list(container.decode(video=0))
    assert {(frame.width, frame.height) for frame in small} == {(64, 64)}


@pytest.mark.parametrize("limit", [0.12, 0.3])
def test_no_frame_is_further_than_what_was_asked_for(limit):
    pictures = head(14) + noise(4) + head(8)
    data = coded(pictures, max_distance=limit)
    assert distances(data, pictures).max() <= limit
    assert sum(group.frames for group in groups(data)) == 26


def test_key_frames_that_are_too_far_get_finer_and_not_video():
    pictures = head(26)
    limit = 0.8 * float(distances(coded(pictures, key_qp=47), pictures).max())
    data = coded(pictures, key_qp=47, max_distance=limit)
    assert not any(group.video for group in groups(data))
    assert distances(data, pictures).max() <= limit


@pytest.mark.parametrize("limit", [0.1, 0.2])
def test_lpips_may_be_what_limits(limit):
    if not (SHARED / "weights").is_dir() or importlib.util.find_spec("lpips") is None:
        pytest.skip("the networks of LPIPS are not here")
    pictures = head(12) + noise(3)
    weights = SHARED / "weights"
    data = coded(pictures, max_distance=limit, distance="lpips", metric_weights=weights)
    lpips = Distance(Lpips("squeeze", weights))
    assert distances(data, pictures, lpips).max() <= limit


def test_without_the_networks_of_lpips_an_error_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match="metric-weights"):
        coded(head(2), distance="lpips", metric_weights=tmp_path)
    with pytest.raises(UsageError, match="no distance is called 'ssim'"):
        coded(head(2), distance="ssim")


def test_motion_is_sparser_where_distance_allows():
    pictures = head(40)
    options = {"key_qp": 42, "key_frames": 1}
    plain, limited = (coded(pictures, **options, **more) for more in ({}, {"max_distance": 1}))
    sent = [summarise(io.BytesIO(data)).frames[FrameType.MOTION] for data in (plain, limited)]
    assert sent[1] < sent[0]
    # A code that is sent after more frames says more.
    assert len(limited) <= 1.02 * len(plain)
    assert distances(limited, pictures).max() <= 1


def test_what_is_beside_the_head_is_not_lost():
    """Two hands that come up and stay, in colours that nothing else has."""
    pictures = head(32)
    for picture in pictures[16:]:
        picture[80:120, 16:56] = picture[80:120, 72:112] = (20, 220, 40)
    data = coded(pictures)
    with gvc.open(io.BytesIO(data)) as container:
        shown = [to_rgb(frame, SIZE, SIZE).astype(int) for frame in container.decode(video=0)]
    green = [(each[80:120, 16:56, 1] - each[80:120, 16:56, 0]).mean() for each in shown]
    assert max(green[:16]) < 40
    assert min(green[16:]) > 160


def test_a_hand_that_is_gone_half_of_the_time_is_not_shown_all_of_it():
    """A pale one: nowhere far enough from the originals for one frame alone to tell."""
    pictures = head(32)
    for picture in pictures[16:]:
        picture[88:108, 16:36] = (150, 120, 110)
    data = coded(pictures)
    assert [len(group.keys) for group in groups(data)] == [2]
    with gvc.open(io.BytesIO(data), threads=2) as container:
        shown = [to_rgb(frame, SIZE, SIZE).astype(int) for frame in container.decode(video=0)]
    red = [(each[88:108, 16:36, 0] - each[88:108, 16:36, 2]).mean() for each in shown]
    assert min(red[18:]) - max(red[:16]) > 35


def test_more_distance_takes_fewer_bytes():
    pictures = head(20)
    sizes = [len(coded(pictures, max_distance=limit)) for limit in (0.02, 0.15, 0.6)]
    assert sizes[0] > sizes[1] >= sizes[2]


def test_one_key_frame_is_enough_where_one_is_allowed():
    (group,) = groups(coded(head(16) + [np.fliplr(each) for each in head(16)], key_frames=1))
    assert len(group.keys) == 1
