"""The run of the range coder over one group: timing and levels, in the order of the frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gvc.entropy.binary import BinaryCoder, BinaryDecoder, BinaryEncoder
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
        self._parts: list[int | npt.NDArray[np.int32]] = []

    def encode(self, levels: npt.NDArray[np.int32]) -> None:
        """Code the levels of the next frame, int32 [length], within ± :data:`MAX_LEVEL`."""
        self._parts.append(np.clip(levels, -MAX_LEVEL, MAX_LEVEL).astype(np.int32))

    def encode_delay(self, delay: int) -> None:
        """Code how many ticks later than usual the next frame comes."""
        self._parts.append(delay)

    def finish(self) -> bytes:
        """All bytes of the run; none for a group without inter frames and delays."""
        coder = BinaryEncoder()
        timing, model = Timing(coder), self._factory(coder)
        levels = [part for part in self._parts if not isinstance(part, int)]
        begun = False
        for part in self._parts:
            if isinstance(part, int):
                timing.walk_delay(part)
                continue
            if not begun:
                model.begin(np.stack(levels))
                begun = True
            model.walk(part.tolist())
        return coder.finish()


class GroupDecoder:
    """See :class:`gvc.entropy.MotionDecoder`."""

    def __init__(self, factory: Factory, data: bytes) -> None:
        coder = BinaryDecoder(data)
        self._timing, self._model = Timing(coder), factory(coder)
        self._begun = False

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

    def decode_delay(self) -> int:
        """How many ticks later than usual the next frame comes."""
        return self._timing.walk_delay(0)
