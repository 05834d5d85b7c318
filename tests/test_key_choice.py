"""Which frame of a group becomes its key frame."""

from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvc.codec.key_choice import MAX_CANDIDATES, KeyCandidates

SIZE = (16, 16)


def offered(count: int) -> KeyCandidates:
    """Candidates out of ``count`` frames; the brightness of each says which it is."""
    candidates = KeyCandidates()
    for index in range(count):
        frame = av.VideoFrame.from_ndarray(
            np.full((24, 16), index % 256, np.uint8), format="yuv420p"
        )
        candidates.offer(index, frame, SIZE)
    return candidates


def test_the_frame_in_the_middle_is_chosen():
    codes = np.array([[0, 1], [4, 0], [5, 0], [6, 0], [9, 1]], np.float32)
    index, picture = offered(5).choose(codes)
    assert index == 2
    assert picture.to_ndarray()[0, 0] == 2
    assert (picture.width, picture.height, picture.format.name) == (*SIZE, "yuv420p")


def test_of_equal_frames_the_first_is_chosen():
    assert offered(9).choose(np.ones((9, 40), np.float32))[0] == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 1000))
def test_candidates_are_few_and_evenly_spread(count):
    stride = next(s for s in (1, 2, 4, 8, 16) if -(-count // s) <= MAX_CANDIDATES)
    index, picture = offered(count).choose(np.arange(count, dtype=np.float32)[:, None])
    assert index % stride == 0
    assert index == pytest.approx((count - 1) / 2, abs=stride)
    assert picture.to_ndarray()[0, 0] == index % 256
