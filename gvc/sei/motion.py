"""The motion of a group as Generative Face Video messages, one for each generated frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gvc.bitstream import MAX_KEYS, Group, KeyFrame
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_run import InterFrame, write_run
from gvc.entropy import MAX_LEVEL, InterType, MotionDecoder
from gvc.errors import InvalidDataError
from gvc.sei.face_video import FRACTION_BITS, FaceVideoMessage

#: Stands for key frames and video of a group, which are elsewhere: a group has some.
_ELSEWHERE = b"\x00"


@dataclass(frozen=True, slots=True)
class GroupMotion:
    """How the frames of a group are made, and when they come.

    :param delays: how many ticks later than usual each frame but the first comes.
    :param runs: for each rectangle the inter frames in the order of showing.
    """

    delays: tuple[int, ...]
    runs: tuple[tuple[InterFrame, ...], ...]

    @property
    def levels(self) -> bytes:
        """All levels, 32 bits each, little-endian."""
        sent = (frame.levels for run in self.runs for frame in run if frame.levels is not None)
        return b"".join(levels.astype("<i4").tobytes() for levels in sent)


def read_motion(coding: LevelCoding, group: Group, *, levels: bool = True) -> GroupMotion:
    """The motion of ``group``.

    :param levels: False for an outline, which has none.
    :raises InvalidDataError: if it is damaged.
    """
    decoders = [coding.decoder(run) for run in group.runs]
    choices = [_read_choices(group, decoder) for decoder in decoders]
    timed = group.frames - 1 if group.variable_rate else 0
    delays = tuple(decoders[0].decode_delay() for _ in range(timed))
    runs = (
        tuple(
            replace(frame, levels=decoder.decode())
            if levels and frame.kind == InterType.MOTION
            else frame
            for frame in frames
        )
        for frames, decoder in zip(choices, decoders, strict=True)
    )
    return GroupMotion(delays, tuple(runs))


def _read_choices(group: Group, decoder: MotionDecoder) -> list[InterFrame]:
    count = 0 if group.video else group.frames - len(group.keys)
    return [InterFrame(*decoder.decode_choice(keys=len(group.keys))) for _ in range(count)]


def outline_of(coding: LevelCoding, group: Group, motion: GroupMotion) -> Group:
    """``group`` without what access units and messages hold: key frames, video and levels."""
    bare = [tuple(replace(frame, levels=None) for frame in run) for run in motion.runs]
    return with_content(
        coding,
        group,
        GroupMotion(motion.delays, tuple(bare)),
        pictures=[_ELSEWHERE] * len(group.keys),
        video=_ELSEWHERE if group.video else b"",
    )


def with_content(
    coding: LevelCoding,
    outline: Group,
    motion: GroupMotion,
    *,
    pictures: Sequence[bytes],
    video: bytes,
) -> Group:
    """``outline`` with other motion, key frames and video.

    :param pictures: of the key frames, in the order of coding.
    """
    first, *further = (
        write_run(coding, motion.delays if number == 0 else (), run, keys=len(outline.keys))
        for number, run in enumerate(motion.runs)
    )
    return replace(
        outline,
        variable_rate=any(motion.delays),
        keys=tuple(
            KeyFrame(key.index, picture)
            for key, picture in zip(outline.keys, pictures, strict=True)
        ),
        motion=first,
        video=video,
        further=tuple(
            replace(each, motion=run) for each, run in zip(outline.further, further, strict=True)
        ),
    )


def face_messages(
    group: Group, motion: GroupMotion, *, length: int
) -> list[list[FaceVideoMessage]]:
    """The messages of a group that is not coded as video, for each key frame.

    Those that share a gfv_id follow each other.

    :param length: coefficients of a motion code.
    """
    keys = {key.index for key in group.keys}
    places = [place for place in range(group.frames) if place not in keys]
    still = np.zeros(length, np.int64)
    found = [list[FaceVideoMessage]() for _ in group.keys]
    for rectangle, run in enumerate(motion.runs):
        codes = [[still] for _ in group.keys]
        for frame, code in zip(run, _shown(run, places, still), strict=True):
            codes[frame.choice.key].append(code)
        for key, messages in enumerate(found):
            identity = identity_of(rectangle, key)
            messages.append(FaceVideoMessage(identity, 0, tuple(still.tolist())))
            for count, (before, code) in enumerate(pairwise(codes[key]), 1):
                change = tuple((code - before).tolist())
                messages.append(FaceVideoMessage(identity, count, change))
    return found


def _shown(
    run: Sequence[InterFrame], places: Sequence[int], still: npt.NDArray[np.int64]
) -> Iterator[npt.NDArray[np.int64]]:
    """The code that each frame shows, sent or not, in units of an element."""
    sent = [
        (place, frame.levels.astype(np.int64) << FRACTION_BITS)
        for place, frame in zip(places, run, strict=True)
        if frame.levels is not None
    ]
    passed = 0
    for place, frame in zip(places, run, strict=True):
        passed += frame.levels is not None
        before = sent[passed - 1] if passed else None
        if frame.kind != InterType.INTERPOLATED or passed == len(sent):
            yield before[1] if before else still
        elif before is None:
            yield sent[0][1]
        else:
            start, end = before[0], sent[passed][0]
            change = (sent[passed][1] - before[1]) * (place - start)
            yield before[1] + (2 * change + end - start) // (2 * (end - start))


def identity_of(rectangle: int, key: int) -> int:
    """The gfv_id of frames in a rectangle that are animated from a key frame."""
    return MAX_KEYS * rectangle + key


class LevelCollector:
    """Takes the messages of a group as they come, and finds the levels in them.

    :param outline: the group without its levels. :param motion: its motion, likewise.
    :param length: coefficients of a motion code.
    """

    def __init__(self, outline: Group, motion: GroupMotion, *, length: int) -> None:
        self._motion = motion
        # Messages that have come, that of the base picture being the first.
        self._counts = {
            identity_of(rectangle, key): 0
            for rectangle in range(len(motion.runs))
            for key in range(len(outline.keys))
        }
        self._last = {identity: np.zeros(length, np.int64) for identity in self._counts}
        self._frames = {identity: list[InterFrame]() for identity in self._counts}
        self._sent = {identity: list[npt.NDArray[np.int32]]() for identity in self._counts}
        for rectangle, run in enumerate(motion.runs):
            for frame in run:
                self._frames[identity_of(rectangle, frame.choice.key)].append(frame)

    def take(self, message: FaceVideoMessage) -> None:
        """Take the next message.

        :raises InvalidDataError: if another one had to come, or its levels are out of range.
        """
        identity, count = message.identity, message.count
        if count != self._counts.get(identity) or count > len(self._frames[identity]):
            raise InvalidDataError("a Generative Face Video message is out of order")
        self._counts[identity] += 1
        code = self._last[identity] + np.array(message.elements, np.int64)
        self._last[identity] = code
        if np.abs(code).max() > MAX_LEVEL << FRACTION_BITS:
            raise InvalidDataError("a motion code is out of range")
        if count and self._frames[identity][count - 1].kind == InterType.MOTION:
            if (code % (1 << FRACTION_BITS)).any():
                raise InvalidDataError("a motion code does not consist of whole levels")
            self._sent[identity].append((code >> FRACTION_BITS).astype(np.int32))

    def finish(self) -> GroupMotion:
        """The motion with all levels.

        :raises InvalidDataError: if messages are missing.
        """
        for identity, frames in self._frames.items():
            if self._counts[identity] != len(frames) + 1:
                raise InvalidDataError("Generative Face Video messages are missing")
        waiting = {identity: iter(sent) for identity, sent in self._sent.items()}
        runs = (
            tuple(
                replace(frame, levels=next(waiting[identity_of(rectangle, frame.choice.key)]))
                if frame.kind == InterType.MOTION
                else frame
                for frame in run
            )
            for rectangle, run in enumerate(self._motion.runs)
        )
        return replace(self._motion, runs=tuple(runs))
