"""How groups are coded: key frames for what turns, video for what cannot be animated."""

from __future__ import annotations

import io
from collections.abc import Iterator

import av
import numpy as np
import pytest
from conftest import draw_head

import gvc
from gvc.bitstream import BitstreamReader, FrameType, Group
from gvc.codec.motion_run import frame_types
from gvc.codec.summary import summarise
from gvc.media import to_rgb
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


def distances(data: bytes, pictures: list[np.ndarray]) -> np.ndarray:
    """Of all frames, as a decoder shows them, from what the encoder saw."""
    distance = Distance.load()
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


def test_more_distance_takes_fewer_bytes():
    pictures = head(20)
    sizes = [len(coded(pictures, max_distance=limit)) for limit in (0.05, 0.15, 0.6)]
    assert sizes[0] > sizes[1] >= sizes[2]


def test_one_key_frame_is_enough_where_one_is_allowed():
    (group,) = groups(coded(head(16) + [np.fliplr(each) for each in head(16)], key_frames=1))
    assert len(group.keys) == 1
