"""How frames become groups: whatever pictures and distances are like, none is lost or moved.

Distances here are dice. They are all that planners see of pictures, so that nothing need be coded.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvc.bitstream import MAX_KEYS, Group, KeyFrame
from gvc.codec.analysed_group import AnalysedGroup, AnalysedPart
from gvc.codec.group_coder import CodedGroup
from gvc.codec.group_planner import GroupPlanner
from gvc.codec.group_starts import GroupStarts
from gvc.codec.key_choice import assign_keys, choose_keys
from gvc.codec.known_keys import KnownKeys
from gvc.codec.rate_control import GREATEST_QP, LEAST_QP, GroupRate, RateControl, RateCurve
from gvc.codec.settings import EncoderSettings


class Dice:
    """Numbers from 0 to 1 that depend on what is asked and on nothing else."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, *what: object) -> float:
        return random.Random(repr((self._seed, *what))).random()


@dataclass(frozen=True)
class Keyed:
    frames: AnalysedGroup
    places: tuple[int, ...]
    reference: None = None


@dataclass(frozen=True)
class DicedCoder:
    """Groups of as many bytes as dice say; see :class:`gvc.codec.group_coder.GroupCoder`."""

    settings: EncoderSettings
    dice: Dice
    known: KnownKeys = field(default_factory=lambda: KnownKeys(0))

    def at_qp(self, qp: int) -> DicedCoder:
        return replace(self, settings=replace(self.settings, key_qp=qp))

    def key(self, frames: AnalysedGroup, places: Sequence[int], **_: object) -> Keyed:
        return Keyed(frames, tuple(places))

    def send(self, keyed: Keyed, **how: Any) -> CodedGroup:
        pts = keyed.frames.pts
        weights = how.get("weights")
        counts = None if weights is None else weights.tobytes()
        motion = bytes(int(99 * self.dice("motion", pts, keyed.places, counts)))
        keys = tuple(KeyFrame(place, b"key") for place in keyed.places)
        return CodedGroup(Group(pts[0], len(pts), False, keys, motion), b"", pts[-1] + 1)

    def video(self, frames: AnalysedGroup, *, qp: int) -> CodedGroup:
        pts = frames.pts
        video = bytes(1 + int(200 * self.dice("video", pts, qp)))
        return CodedGroup(Group(pts[0], len(pts), False, (), b"", video), b"", pts[-1] + 1)


@dataclass(frozen=True)
class DicedShown:
    """Distances up to ``most``; see :class:`gvc.codec.shown.Shown`."""

    dice: Dice
    most: float

    def distances(
        self, frames: AnalysedGroup, coded: CodedGroup, places: Sequence[int]
    ) -> np.ndarray:
        asked = coded.group.to_bytes(), frames.pts[0]
        found = [self.most * self.dice(*asked, place) for place in places]
        return np.array(found, np.float32)

    def blocks(
        self, frames: AnalysedGroup, coded: CodedGroup, places: Sequence[int], *, side: int
    ) -> np.ndarray:
        found = self.distances(frames, coded, places)
        return np.broadcast_to(found[None, :, None, None], (1, len(found), side, side))

    def changed(self, one: CodedGroup, other: CodedGroup) -> list[int]:
        return [place for place in range(one.group.frames) if self.dice("changed", place) < 0.5]


def analysed(count: int, seed: int) -> AnalysedGroup:
    rng = np.random.default_rng(seed)
    pts = (rng.integers(1, 50, count).cumsum() - 100).tolist()
    codes = list(rng.normal(size=(count, 5)).cumsum(axis=0).astype(np.float32) * rng.integers(3))
    pictures = list(rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8))
    frames: list[Any] = [None] * count
    return AnalysedGroup(pts, frames, [AnalysedPart(None, codes, pictures)], bool(seed % 2))


@settings(max_examples=80, deadline=None)
@given(
    count=st.integers(1, 120),
    seed=st.integers(0, 10**6),
    limit=st.none() | st.sampled_from([0.001, 0.1, 0.5, 2.0]),
    most=st.sampled_from([0.0, 0.11, 0.6, 50.0]),
    keys=st.integers(1, MAX_KEYS),
    key_qp=st.sampled_from([0, 22, 32, 63]),
)
def test_planners_keep_all_frames_in_order(count, seed, limit, most, keys, key_qp):
    frames = analysed(count, seed)
    chosen = EncoderSettings(max_distance=limit, key_frames=keys, key_qp=key_qp)

    def planned() -> list[CodedGroup]:
        dice = Dice(seed)
        coder, shown = DicedCoder(chosen, dice), DicedShown(dice, most)
        return GroupPlanner(coder, shown).code(frames)

    made = planned()
    assert made == planned()
    place = 0
    for coded in made:
        group = coded.group
        assert group.frames >= (12 if len(made) > 1 else 1)
        assert group.pts == frames.pts[place]
        place += group.frames
        assert coded.end_pts == frames.pts[place - 1] + 1
        indices = [key.index for key in group.keys]
        assert len(set(indices)) == len(indices) <= (MAX_KEYS if limit is None else keys)
        assert all(0 <= index < group.frames for index in indices)
        assert bool(group.video) is not bool(indices)
        assert Group.from_bytes(group.to_bytes()) == group
    assert place == count
    if limit is None:
        assert len(made) == 1


@settings(max_examples=60, deadline=None)
@given(
    shots=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 4)), min_size=1, max_size=12),
    gop_size=st.integers(1, 60),
    threshold=st.sampled_from([0.0, 0.05, 0.25, 1.0]),
)
def test_groups_begin_at_cuts_and_never_too_late(shots, gop_size, threshold):
    """Shots of a few scenes that tremble; the same scene may come again."""
    rng = np.random.default_rng(len(shots))
    scenes = rng.integers(0, 240, (5, 16, 16, 3))
    pictures = [
        (scenes[scene] + rng.integers(0, 12, (16, 16, 3))).astype(np.uint8)
        for length, scene in shots
        for _ in range(length)
    ]

    def begun() -> list[int]:
        starts = GroupStarts(gop_size=gop_size, threshold=threshold)
        return [place for place, each in enumerate(pictures) if starts.starts_group(each)]

    found = begun()
    assert found == begun()
    assert found[0] == 0
    lengths = [after - before for before, after in pairwise([*found, len(pictures)])]
    assert all(1 <= length <= gop_size for length in lengths)
    if threshold == 0:
        assert lengths[:-1] == [gop_size] * (len(lengths) - 1)
    if threshold == 0.25 and len(shots) > 1 and shots[0][1] != shots[1][1]:
        assert shots[0][0] in found


@settings(max_examples=60, deadline=None)
@given(
    codes=st.lists(
        st.lists(st.sampled_from([0.0, 1.0, -7.5, 1e6, -1e15]), min_size=2, max_size=2),
        min_size=1,
        max_size=60,
    ),
    most=st.integers(1, MAX_KEYS),
    saving=st.sampled_from([0.0, 5.0, float("inf")]),
)
def test_key_frames_are_frames_however_codes_are(codes, most, saving):
    codes = np.array(codes, np.float32)
    keys = choose_keys(codes, most=most, saving=saving)
    assert keys == choose_keys(codes, most=most, saving=saving)
    assert 1 <= len(set(keys)) == len(keys) <= most
    assert all(0 <= key < len(codes) for key in keys)
    if saving == float("inf"):
        assert len(keys) == 1
    assigned = assign_keys(codes, keys)
    assert ((assigned >= 0) & (assigned < len(keys))).all()
    assert assigned[keys].tolist() == list(range(len(keys)))


RATES = st.builds(
    GroupRate,
    st.lists(st.floats(1, 1e7), min_size=4, max_size=4).map(
        lambda sizes: RateCurve(tuple(sorted(sizes, reverse=True)))
    ),
    st.floats(0.001, 1000),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(
    groups=st.lists(st.tuples(RATES, st.floats(0.01, 100)), min_size=1, max_size=12),
    bit_rate=st.integers(100, 10**7),
    two=st.booleans(),
)
def test_rate_control_stays_within_its_bounds(groups, bit_rate, two):
    """Groups take what they take, up to a hundred times more or less than trials say."""
    control = RateControl(bit_rate, [group for group, _ in groups] if two else None)
    last = None
    for group, factor in groups:
        assert control.begins is (last is None)
        assert control.expected == (group if two else None)
        qp = control.qp(group)
        assert qp == control.qp(group)
        assert LEAST_QP <= qp <= GREATEST_QP
        assert last is None or abs(qp - last) <= 4
        keys = max(1, int(factor * group.curve.size(qp)))
        control.learn(group, qp=qp, keys=keys, size=keys + 50)
        assert LEAST_QP <= control.qp(group) <= GREATEST_QP
        before = control.budget(group) - control.share(group)
        control.coded(group, qp=qp, size=keys + 50)
        booked = control.budget(group) - control.share(group)
        assert booked == pytest.approx(before + control.share(group) - keys - 50, rel=1e-6, abs=1)
        last = qp
