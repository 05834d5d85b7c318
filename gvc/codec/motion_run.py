"""The frames of a group: types, times, key frames and motion codes to bytes and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gvc import entropy
from gvc.bitstream import MAX_INTERPOLATED, MAX_PTS, FrameType, Group
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_path import MotionPath
from gvc.codec.quantiser import dequantise
from gvc.entropy import InterType, KeyChoice
from gvc.errors import InvalidDataError

_FRAME_TYPES = {
    InterType.MOTION: FrameType.MOTION,
    InterType.PREDICTED: FrameType.PREDICTED,
    InterType.INTERPOLATED: FrameType.INTERPOLATED,
}


@dataclass(frozen=True, slots=True)
class InterFrame:
    """How a frame that is not a key frame is coded.

    :param kind: its type.
    :param choice: from which key frame it is animated.
    :param levels: of its motion code, int32 [code_length]; None but for type ``MOTION``.
    """

    kind: InterType
    choice: KeyChoice
    levels: npt.NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class Fade:
    """Near a change of key frame: the other one, and its share of the picture, in fifths."""

    key: int
    fifths: int


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A frame as a decoder makes it.

    :param kind: how it was coded.
    :param pts: in the stream's time base.
    :param key: the number, in the order of coding, of the key frame that it is or from which it
        is animated.
    :param code: its motion code, float32 [code_length]; None for key frames.
    :param fade: the picture from another key frame that is mixed in, if any.
    """

    kind: FrameType
    pts: int
    key: int
    code: npt.NDArray[np.float32] | None = None
    fade: Fade | None = None


def inter_frames(path: MotionPath, choices: Sequence[KeyChoice]) -> list[InterFrame]:
    """All inter frames of a group, as ``path`` sends their motion or leaves it to a decoder.

    :param choices: from which key frame each is animated.
    """
    kinds = [InterType.INTERPOLATED] * len(choices)
    for place in path.held:
        kinds[place] = InterType.PREDICTED
    for place in path.sent:
        kinds[place] = InterType.MOTION
    levels = dict(zip(path.sent.tolist(), path.levels, strict=True))
    return [
        InterFrame(kind, choice, levels.get(place))
        for place, (kind, choice) in enumerate(zip(kinds, choices, strict=True))
    ]


def write_run(
    coding: LevelCoding,
    delays: Sequence[int],
    frames: Sequence[InterFrame],
    *,
    keys: int,
) -> bytes:
    """The run of the range coder of a group, or of a further rectangle of it.

    :param coding: of the stream.
    :param delays: how many ticks later than usual each frame but the first comes; none for a
        further rectangle.
    :param frames: those that are not key frames, in the order of showing.
    :param keys: number of key frames.
    """
    coder = coding.encoder()
    for frame in frames:
        coder.encode_choice(frame.kind, frame.choice, keys=keys)
        if frame.levels is not None:
            coder.encode(frame.levels)
    if any(delays):
        for delay in delays:
            coder.encode_delay(delay)
    return coder.finish()


def read_run(coding: LevelCoding, group: Group, *, frame_duration: int) -> Iterator[TimedFrame]:
    """The frames of ``group`` in the order of showing; in a group coded as video, their times.

    Where there are several rectangles, the frames as the first one shows them.

    :param coding: of the stream. :param frame_duration: in units of its time base.
    :raises InvalidDataError: if the run is damaged.
    """
    alone = replace(group, further=())
    return (first for (first,) in read_runs(coding, alone, frame_duration=frame_duration))


def read_runs(
    coding: LevelCoding, group: Group, *, frame_duration: int
) -> Iterator[tuple[TimedFrame, ...]]:
    """The same as :func:`read_run`, each frame as every rectangle shows it."""
    decoders = [coding.decoder(run) for run in group.runs]
    choices = [_choices(group, decoder) for decoder in decoders]
    pts = [group.pts]
    for _ in range(group.frames - 1):
        delay = decoders[0].decode_delay() if group.variable_rate else 0
        pts.append(pts[-1] + frame_duration + delay)
        if abs(pts[-1]) > MAX_PTS:
            raise InvalidDataError("damaged motion codes: a time is out of range")
    runs = (
        _with_codes(coding, chosen, pts, decoder)
        for chosen, decoder in zip(choices, decoders, strict=True)
    )
    yield from zip(*runs, strict=True)


def _choices(group: Group, decoder: entropy.MotionDecoder) -> list[tuple[FrameType, KeyChoice]]:
    key_of = {key.index: number for number, key in enumerate(group.keys)}
    choices = list[tuple[FrameType, KeyChoice]]()
    for index in range(group.frames):
        if group.video:
            choices.append((FrameType.VIDEO, KeyChoice(0)))
        elif index in key_of:
            choices.append((FrameType.KEY, KeyChoice(key_of[index])))
        else:
            kind, choice = decoder.decode_choice(keys=len(group.keys))
            choices.append((_FRAME_TYPES[kind], choice))
    return choices


def frame_types(group: Group) -> list[FrameType]:
    """The types of all frames of ``group`` in its first rectangle, in the order of showing.

    :raises InvalidDataError: if they are damaged.
    """
    if group.video:
        return [FrameType.VIDEO] * group.frames
    places, keys = {key.index for key in group.keys}, len(group.keys)
    types = iter(entropy.decode_types(group.motion, group.frames - keys, keys=keys))
    return [
        FrameType.KEY if index in places else _FRAME_TYPES[next(types)]
        for index in range(group.frames)
    ]


#: The place of a frame with a motion code of its own, and that code.
_Sent = tuple[int, npt.NDArray[np.float32]]


def _with_codes(
    coding: LevelCoding,
    choices: Sequence[tuple[FrameType, KeyChoice]],
    pts: Sequence[int],
    decoder: entropy.MotionDecoder,
) -> Iterator[TimedFrame]:
    before: _Sent = -1, np.zeros(coding.length, np.float32)
    waiting = list[int]()
    fades = _fades(choices)

    def frame(index: int, after: _Sent | None = None) -> TimedFrame:
        kind, choice = choices[index]
        code = _code_of(kind, index, before, after)
        return TimedFrame(kind, pts[index], choice.key, code, fades.get(index))

    for index, (kind, _) in enumerate(choices):
        if kind == FrameType.MOTION:
            sent = index, dequantise(decoder.decode(), coding.step)
            yield from (frame(place, sent) for place in waiting)
            waiting = []
            before = sent
            yield frame(index)
        elif kind == FrameType.INTERPOLATED or waiting:
            waiting.append(index)
            if len(waiting) > MAX_INTERPOLATED:
                raise InvalidDataError("too many interpolated frames in a row")
        else:
            yield frame(index)
    yield from (frame(place) for place in waiting)


def _code_of(
    kind: FrameType, index: int, before: _Sent, after: _Sent | None
) -> npt.NDArray[np.float32] | None:
    """The motion code of a frame that comes with or after ``before``."""
    if kind in (FrameType.KEY, FrameType.VIDEO):
        return None
    if kind != FrameType.INTERPOLATED or after is None:
        return before[1]
    if before[0] < 0:
        return after[1]
    share = np.float32((index - before[0]) / (after[0] - before[0]))
    return before[1] + (after[1] - before[1]) * share


def _fades(choices: Sequence[tuple[FrameType, KeyChoice]]) -> dict[int, Fade]:
    """By place: two frames on each side of a change of key frame show two fifths, one of both."""
    fades = dict[int, Fade]()

    def mix(index: int, owner: int, other: int, fifths: int) -> bool:
        if not 0 <= index < len(choices):
            return False
        kind, choice = choices[index]
        if kind == FrameType.KEY or choice.key != owner:
            return False
        if index not in fades or fades[index].fifths < fifths:
            fades[index] = Fade(other, fifths)
        return True

    for index, ((left, before), (right, after)) in enumerate(pairwise(choices)):
        if FrameType.KEY in (left, right) or not after.fades:
            continue
        for first, step, own, other in ((index, -1, before, after), (index + 1, 1, after, before)):
            if mix(first, own.key, other.key, 2):
                mix(first + step, own.key, other.key, 1)
    return fades
