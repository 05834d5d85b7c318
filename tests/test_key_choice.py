"""Which frames of a group become its key frames, and which others follow them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvc.codec.key_choice import assign_keys, choose_keys, least_saving


def test_the_frame_in_the_middle_is_chosen():
    codes = np.array([[0, 1], [4, 0], [5, 0], [6, 0], [9, 1]], np.float32)
    assert choose_keys(codes, most=1, saving=0) == [2]


def test_of_equal_frames_the_first_is_chosen_and_no_other():
    assert choose_keys(np.ones((9, 40), np.float32), most=4, saving=0.1) == [0]


def poses(lengths: list[int], apart: float) -> np.ndarray:
    """Codes of a head that holds one pose after the other."""
    rng = np.random.default_rng(0)
    places = np.repeat(np.arange(len(lengths)), lengths)
    return (apart * np.eye(8)[places] + 0.1 * rng.normal(size=(len(places), 8))).astype(np.float32)


def test_each_pose_gets_its_key_frame_and_is_animated_from_it():
    lengths = [40, 30, 50]
    codes = poses(lengths, apart=10)
    keys = choose_keys(codes, most=4, saving=100)
    pose = np.repeat(np.arange(3), lengths)
    assert sorted(pose[keys]) == [0, 1, 2]
    assert (pose[np.array(keys)[assign_keys(codes, keys)]] == pose).all()


def test_a_key_frame_is_coded_where_it_pays():
    codes = poses([40, 40], apart=10)
    assert len(choose_keys(codes, most=4, saving=300)) == 2
    assert len(choose_keys(codes, most=4, saving=2000)) == 1
    assert len(choose_keys(codes, most=1, saving=300)) == 1


def test_key_frames_pay_later_at_high_qp():
    savings = [least_saving(qp) for qp in (22, 32, 37, 42)]
    assert savings == sorted(savings)
    assert savings[-1] > savings[0]


def test_a_moment_is_not_worth_a_change_of_key_frame():
    codes = np.zeros((60, 8), np.float32)
    codes[30:] = 10
    codes[15] = 6
    assert assign_keys(codes, [0, 59]).tolist() == [0] * 30 + [1] * 30


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 700), st.integers(1, 6))
def test_key_frames_are_frames_and_go_by_themselves(count, most):
    codes = np.random.default_rng(count).normal(size=(count, 5)).astype(np.float32)
    keys = choose_keys(codes, most=most, saving=0)
    assert 1 <= len(set(keys)) == len(keys) <= most
    assigned = assign_keys(codes, keys)
    assert assigned.shape == (count,)
    assert assigned[keys].tolist() == list(range(len(keys)))
    first = np.arange(count, dtype=np.float32)[:, None]
    assert choose_keys(first, most=1, saving=0)[0] == pytest.approx((count - 1) / 2, abs=6)
