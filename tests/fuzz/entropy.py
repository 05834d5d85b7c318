"""Runs of the range coder of any bytes, in all entropy models: types, times, levels."""

from __future__ import annotations

import contextlib
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np

from fuzz.changes import Change
from gvc import entropy
from gvc.bitstream import FrameType, Group, KeyFrame
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_run import InterFrame, frame_types, read_run, write_run
from gvc.entropy import InterType, KeyChoice
from gvc.errors import GvcError
from gvc.model import priors, weights

#: Bytes before the run: model, frames, key frames, step, and what codes are like.
HEAD = 5

#: Most frames: time grows with their number, not with the bytes.
_FRAMES = 24

#: What steps and codes may be like besides the usual ones.
_STEPS = (Fraction(1), Fraction(1, 5), Fraction(7, 2), Fraction(1, 1 << 32), Fraction(1 << 32))
_LENGTHS = (40, 1, 2, 8)

_PRIOR = priors.belonging_to(weights.default("lite").fingerprint)


def check(data: bytes) -> None:
    """What is decoded from any bytes can be coded, and is the same when it is decoded again."""
    if len(data) < HEAD:
        return
    coding, group = _coding(data), _group(data)
    with contextlib.suppress(GvcError):
        shown = list(read_run(coding, group, frame_duration=1))
        assert [frame.kind for frame in shown] == frame_types(group)
        assert [frame.kind for frame in shown].count(FrameType.KEY) == len(group.keys)
        delays, inter = _found(coding, group)
        frames = [
            InterFrame(kind, choice, None if levels is None else np.array(levels, np.int32))
            for kind, choice, levels in inter
        ]
        written = write_run(coding, delays, frames, keys=len(group.keys))
        again = replace(group, motion=written, variable_rate=any(delays))
        assert _found(coding, again)[1] == inter


def _coding(data: bytes) -> LevelCoding:
    name, step = entropy.names()[data[0] % 3], _STEPS[data[3] % len(_STEPS)]
    if name == "learned":
        return LevelCoding(name, 40, step, _PRIOR)
    return LevelCoding(name, _LENGTHS[data[4] >> 1 & 3], step)


def _group(data: bytes) -> Group:
    frames = 1 + data[1] % _FRAMES
    places = random.Random(data[2]).sample(range(frames), min(1 + data[2] % 16, frames))
    keys = tuple(KeyFrame(place, b"") for place in places)
    return Group(0, frames, bool(data[4] & 1), keys, data[HEAD:])


def _found(
    coding: LevelCoding, group: Group
) -> tuple[list[int], list[tuple[InterType, KeyChoice, list[int] | None]]]:
    """Delays, and how inter frames are coded."""
    decoder, keys = coding.decoder(group.motion), len(group.keys)
    choices = [decoder.decode_choice(keys=keys) for _ in range(group.frames - keys)]
    delays = [decoder.decode_delay() for _ in range((group.frames - 1) * group.variable_rate)]
    return delays, [
        (kind, choice, decoder.decode().tolist() if kind == InterType.MOTION else None)
        for kind, choice in choices
    ]


def mutate(data: bytes, _chance: random.Random, change: Change) -> bytes:
    """Every byte counts."""
    return change(data)
