"""The run of the range coder over one group: all choices, then all delays, then all levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gvc.entropy.binary import BinaryCoder, BinaryDecoder, BinaryEncoder
from gvc.entropy.choices import Choices, InterType, KeyChoice
from gvc.entropy.timing import Timing
from gvc.errors import InvalidDataError

#: Levels are within ± this; an encoder clips, a decoder refuses what goes beyond.
MAX_LEVEL = 1 << 19


class LevelModel(Protocol):
    """How the levels of a group are coded: one walk over the decisions, for either direction."""

    def begin(self, levels: npt.NDArray[np.int32] | None) -> None:
        """Code what is sent once, before the first levels.

        :param levels: all of the group, int32 [N, code_length]; None for a decoder.
        """

    def walk(self, wanted: Sequence[int] | None) -> list[int]:
        """Code the levels of the next frame, or, given None, find them out."""


#: Makes the model of a new group.
Factory = Callable[[BinaryCoder], LevelModel]


class GroupEncoder:
    """See :class:`gvc.entropy.MotionEncoder`. All is coded at the end, when all is known."""

    def __init__(self, factory: Factory) -> None:
        self._factory = factory
        self._choices: list[tuple[InterType, KeyChoice, int]] = []
        self._delays: list[int] = []
        self._levels: list[npt.NDArray[np.int32]] = []

    def encode_choice(self, kind: InterType, choice: KeyChoice, *, keys: int) -> None:
        """Code how the next inter frame is made."""
        self._choices.append((kind, choice, keys))

    def encode_delay(self, delay: int) -> None:
        """Code how many ticks later than usual the next frame comes."""
        self._delays.append(delay)

    def encode(self, levels: npt.NDArray[np.int32]) -> None:
        """Code the levels of the next frame, int32 [length], within ± :data:`MAX_LEVEL`."""
        self._levels.append(np.clip(levels, -MAX_LEVEL, MAX_LEVEL).astype(np.int32))

    def finish(self) -> bytes:
        """All bytes of the run; none for a group without inter frames and delays."""
        coder = BinaryEncoder()
        choices, timing, model = Choices(coder), Timing(coder), self._factory(coder)
        for kind, choice, keys in self._choices:
            choices.walk_type(kind)
            choices.walk_key(choice, keys)
        for delay in self._delays:
            timing.walk_delay(delay)
        if self._levels:
            model.begin(np.stack(self._levels))
        for levels in self._levels:
            model.walk(levels.tolist())
        return coder.finish()


class GroupDecoder:
    """See :class:`gvc.entropy.MotionDecoder`."""

    def __init__(self, factory: Factory, data: bytes) -> None:
        coder = BinaryDecoder(data)
        self._choices, self._timing, self._model = Choices(coder), Timing(coder), factory(coder)
        self._begun = False

    def decode_choice(self, *, keys: int) -> tuple[InterType, KeyChoice]:
        """How the next inter frame is made."""
        return self._choices.walk_type(InterType.MOTION), self._choices.walk_key(KeyChoice(0), keys)

    def decode_delay(self) -> int:
        """How many ticks later than usual the next frame comes."""
        return self._timing.walk_delay(0)

    def decode(self) -> npt.NDArray[np.int32]:
        """The levels of the next frame, int32 [length].

        :raises InvalidDataError: if the data is damaged.
        """
        if not self._begun:
            self._model.begin(None)
            self._begun = True
        levels = self._model.walk(None)
        if max(map(abs, levels)) > MAX_LEVEL:
            raise InvalidDataError("damaged motion codes: a level is out of range")
        return np.array(levels, dtype=np.int32)


def decode_types(data: bytes, frames: int, *, keys: int) -> list[InterType]:
    """The types of the inter frames of a group, whatever the entropy model of their levels.

    :param frames: their number. :param keys: number of key frames.
    :raises InvalidDataError: if the data is damaged.
    """
    choices, types = Choices(BinaryDecoder(data)), list[InterType]()
    for _ in range(frames):
        types.append(choices.walk_type(InterType.MOTION))
        choices.walk_key(KeyChoice(0), keys)
    return types
