"""Frames of a group through the range coder, and the path of levels through their motion codes."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bitstream import VIDEO

from gvc.bitstream import FrameType, Group, KeyFrame
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_path import find_path
from gvc.codec.motion_run import (
    InterFrame,
    TimedFrame,
    frame_types,
    inter_frames,
    read_run,
    write_run,
)
from gvc.entropy import InterType, KeyChoice
from gvc.errors import InvalidDataError

STEP = VIDEO.frame_duration
CODING = LevelCoding("adaptive", 40, VIDEO.motion_step)


def level(value: int) -> np.ndarray:
    return np.full(40, value, np.int32)


def coded(frames: list[InterFrame], places: list[int], pts: list[int] | None = None) -> Group:
    """A group with key frames at ``places`` and inter frames everywhere else."""
    count = len(frames) + len(places)
    pts = pts or [STEP * index for index in range(count)]
    keys = tuple(KeyFrame(place, b"key") for place in places)
    variable = any(np.diff(pts) != STEP)
    motion = write_run(CODING, delays_of(pts), frames, keys=len(keys))
    return Group(pts[0], count, variable, keys, motion)


def delays_of(pts: list[int]) -> list[int]:
    return [after - before - STEP for before, after in pairwise(pts)]


def read(group: Group) -> list[TimedFrame]:
    return list(read_run(CODING, group, frame_duration=STEP))


KINDS = st.lists(st.sampled_from(list(InterType)), max_size=40)


@settings(deadline=None, max_examples=60)
@given(KINDS, st.integers(1, 5), st.data())
def test_all_choices_and_times_come_back(kinds, key_count, draw):
    values = st.integers(-50, 50)
    frames = [
        InterFrame(
            kind,
            KeyChoice(draw.draw(st.integers(0, key_count - 1)), draw.draw(st.booleans())),
            level(draw.draw(values)) if kind == InterType.MOTION else None,
        )
        for kind in kinds
    ]
    count = len(frames) + key_count
    places = draw.draw(st.permutations(range(count)))[:key_count]
    delays = draw.draw(st.lists(st.integers(-5, 5), min_size=count, max_size=count))
    pts = [100 + STEP * index + sum(delays[: index + 1]) for index in range(count)]
    group = coded(frames, places, pts)
    found = read(group)
    assert [frame.pts for frame in found] == pts
    assert [frame.kind for frame in found] == frame_types(group)
    assert [frame.key for frame in found if frame.code is None] == [
        places.index(place) for place in sorted(places)
    ]
    inter = [frame for frame in found if frame.kind != FrameType.KEY]
    assert [frame.key for frame in inter] == [frame.choice.key for frame in frames]
    assert [frame.kind.name for frame in inter] == [frame.kind.name for frame in frames]
    for sent, got in zip(frames, inter, strict=True):
        if sent.levels is not None:
            assert got.code == pytest.approx(sent.levels * float(VIDEO.motion_step))


def codes_of(kinds: str, values: list[int], places: list[int]) -> list[float | None]:
    """First coefficients, in steps, of frames given by letters; key frames are at ``places``."""
    sent = iter(values)
    letters = {"M": InterType.MOTION, "P": InterType.PREDICTED, "I": InterType.INTERPOLATED}
    frames = [
        InterFrame(letters[kind], KeyChoice(0), level(next(sent)) if kind == "M" else None)
        for kind in kinds
    ]
    found = read(coded(frames, places))
    step = float(VIDEO.motion_step)
    return [None if f.code is None else pytest.approx(f.code[0] / step, abs=1e-4) for f in found]


def test_codes_that_are_not_sent():
    assert codes_of("MIIIM", [0, 8], [5]) == [0, 2, 4, 6, 8, None]
    assert codes_of("MPPMP", [3, 5], [0]) == [None, 3, 3, 3, 5, 5]
    # A key frame takes its time too, and keeps its place among frames that wait.
    assert codes_of("MIIM", [0, 8], [2]) == [0, 2, None, 6, 8]
    # Before the first code the first one holds, behind the last one the last.
    assert codes_of("IIMII", [7], [0]) == [None, 7, 7, 7, 7, 7]
    # Nothing at all was sent: the motion code of zeros.
    assert codes_of("PI", [], [0]) == [None, 0, 0]
    assert codes_of("MPIM", [2, 8], [4]) == [2, 2, 6, 8, None]


def fades_of(keys: str, fading: set[int], places: list[int]) -> list[tuple[int, int] | None]:
    """Fades of frames animated from the key frames that digits name; ``fading`` counts them."""
    frames = [
        InterFrame(InterType.MOTION, KeyChoice(int(key), place in fading), level(1))
        for place, key in enumerate(keys)
    ]
    found = [frame.fade for frame in read(coded(frames, places))]
    return [fade and (fade.key, fade.fifths) for fade in found]


def test_changes_of_key_frame_fade_where_the_file_says_so():
    assert fades_of("000111", {3}, [0, 7]) == [
        None, None, (1, 1), (1, 2), (0, 2), (0, 1), None, None,
    ]  # fmt: skip
    assert fades_of("000111", set(), [0, 7]) == [None] * 8
    # What follows a change says nothing where nothing changes.
    assert fades_of("000000", {3}, [0, 7]) == [None] * 8
    # Short runs: the larger share counts, and a fade ends where its run does.
    assert fades_of("0010", {2, 3}, [4, 5]) == [(1, 1), (1, 2), (0, 2), (1, 2), None, None]
    # A key frame between two runs shows the change anyway.
    assert fades_of("0011", {2}, [2, 5]) == [None] * 6


def test_a_frame_without_a_code_costs_next_to_nothing():
    held = [InterFrame(InterType.MOTION, KeyChoice(0), level(3))]
    held += [InterFrame(InterType.PREDICTED, KeyChoice(0))] * 500
    assert len(coded(held, [0]).motion) < 40


def test_too_many_frames_that_wait_are_refused():
    frames = [InterFrame(InterType.INTERPOLATED, KeyChoice(0))] * 65
    with pytest.raises(InvalidDataError, match="too many interpolated"):
        read(coded([InterFrame(InterType.MOTION, KeyChoice(0), level(1)), *frames], [0]))


def test_times_stay_within_64_bits():
    group = coded([InterFrame(InterType.PREDICTED, KeyChoice(0))] * 3, [0])
    assert len(list(read_run(CODING, group, frame_duration=1 << 58))) == 4
    with pytest.raises(InvalidDataError, match="a time is out of range"):
        list(read_run(CODING, group, frame_duration=1 << 60))


def test_a_group_coded_as_video_has_times_and_nothing_else():
    pts = [0, STEP, 2 * STEP + 7]
    motion = write_run(CODING, delays_of(pts), [], keys=0)
    group = Group(0, 3, variable_rate=True, keys=(), motion=motion, video=b"video")
    assert [(frame.kind, frame.pts, frame.code) for frame in read(group)] == [
        (FrameType.VIDEO, each, None) for each in pts
    ]
    assert write_run(CODING, [0, 0], [], keys=0) == b""


def path_of(codes: np.ndarray, **options):
    chosen = {"step": Fraction(1), "bit_cost": 1.0, "most_interpolated": 8} | options
    return find_path(codes.astype(np.float32), np.arange(len(codes)), **chosen)


def shown(codes: np.ndarray, path) -> np.ndarray:
    """The codes that a decoder makes of a path, in steps."""
    choices = [KeyChoice(0)] * len(codes)
    group = coded(inter_frames(path, choices), [len(codes)])
    return np.stack([frame.code for frame in read(group)[:-1]]) / float(VIDEO.motion_step)


def test_on_a_straight_line_few_codes_are_sent():
    codes = np.outer(np.arange(55), np.linspace(-1, 1, 40))
    path = path_of(codes)
    assert len(path.sent) <= 12
    assert max(np.diff(path.sent)) <= 9
    assert not len(path.held)
    assert np.abs(shown(codes, path) - codes).max() < 1.6


def test_a_blink_is_sent():
    codes = np.zeros((60, 40))
    codes[30:33, :5] = 8
    path = path_of(codes)
    assert {30, 33} <= set(path.sent.tolist())
    assert np.abs(shown(codes, path) - codes).max() < 1


@pytest.mark.parametrize(("rest", "kind"), [(40, "I"), (100, "P")])
def test_at_the_end_the_last_code_is_held(rest, kind):
    codes = np.repeat([[9.0] * 40, [-9.0] * 40], [10, rest], axis=0)
    path = path_of(codes, most_interpolated=30)
    frames = inter_frames(path, [KeyChoice(0)] * len(codes))
    kinds = [FrameType[frame.kind.name].value for frame in frames]
    assert kinds[11:] == [kind] * (rest - 1)
    assert np.abs(shown(codes, path) - codes).max() < 1


@pytest.mark.parametrize("place", [0, 20, 39])
def test_frames_that_count_more_are_closer(place):
    codes = np.random.default_rng(0).normal(size=(40, 40)).cumsum(axis=0)
    weights = np.full(40, 0.01)
    options = {"most_interpolated": 32, "bit_cost": 4.0}
    before = shown(codes, path_of(codes, weights=weights, **options))
    weights[place] = 4.0
    after = shown(codes, path_of(codes, weights=weights, **options))
    errors = [np.square(found[place] - codes[place]).sum() for found in (before, after)]
    assert errors[1] < 0.2 * errors[0]


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 150), st.integers(0, 64), st.integers(0, 6), st.integers(0, 9))
def test_every_path_is_read_back(count, most, every, seed):
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(count, 40)).cumsum(axis=0) * rng.choice([0.0, 0.05, 1.0], 40)
    # Key frames lie between the others.
    times = np.array([time for time in range(2 * count) if every == 0 or time % (every + 1)])
    times = times[:count]
    path = find_path(
        codes.astype(np.float32),
        times,
        step=Fraction(1),
        bit_cost=1.0,
        most_interpolated=most,
        weights=rng.choice([0.01, 1.0], count),
    )
    kinds = [frame.kind for frame in inter_frames(path, [KeyChoice(0)] * count)]
    assert kinds.count(InterType.MOTION) == len(path.sent)
    keys = sorted(set(range(times[-1] + 2)) - set(times.tolist()))
    found = read(coded(inter_frames(path, [KeyChoice(0)] * count), keys))
    sent = [frame.code for frame in found if frame.kind == FrameType.MOTION]
    assert np.stack(sent) == pytest.approx(path.levels * float(VIDEO.motion_step))
    if most == 0:
        assert path.sent.tolist() == list(range(count))


def test_all_codes_are_sent_where_nothing_is_interpolated():
    codes = np.random.default_rng(0).normal(size=(30, 40)) * 5
    path = path_of(codes, most_interpolated=0, bit_cost=0.0)
    assert path.sent.tolist() == list(range(30))
    assert (path.levels == np.rint(codes)).all()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_groups_of_few_frames(count):
    codes = np.full((count, 40), 3.2)
    path = path_of(codes)
    assert len(path.sent) == min(count, 1)
    assert (path.levels == 3).all()
    if count:
        assert shown(codes, path) == pytest.approx(3)


def test_bad_codes_end_in_bounded_levels():
    codes = np.full((5, 40), np.nan)
    codes[2] = np.inf
    assert np.abs(path_of(codes).levels.astype(int)).max() <= 1 << 16
