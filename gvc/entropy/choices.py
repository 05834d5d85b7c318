"""How each frame is coded, and from which key frame it is animated: what all models code alike."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gvc.entropy.binary import ONE, BinaryCoder
from gvc.entropy.logistic import Context
from gvc.entropy.values import walk_bit


class InterType(enum.IntEnum):
    """Types of inter frames, as files number them."""

    MOTION = 0
    PREDICTED = 1
    INTERPOLATED = 2


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """From which key frame an inter frame is animated.

    :param key: its number in the order of coding, from 0.
    :param fades: whether it fades in where the inter frame before was animated from another one.
    """

    key: int
    fades: bool = False


class Choices:
    """A walk over the choices of one group, for either direction.

    Both follow those of the inter frame before: most frames are animated from the same key frame,
    and types come in rhythms.
    """

    def __init__(self, coder: BinaryCoder) -> None:
        self._coder = coder
        self._skipped = [[Context(ONE // 64, 2) for _ in InterType] for _ in InterType]
        self._interpolated = [[Context() for _ in InterType] for _ in InterType]
        self._changed = Context(ONE // 32, 2)
        self._fades = Context()
        self._types = (InterType.MOTION, InterType.MOTION)
        self._key = 0

    def walk_type(self, wanted: InterType) -> InterType:
        """Code (or, for a decoder, find out) the type of the next inter frame."""
        last, before = self._types
        found = InterType.MOTION
        if walk_bit(self._coder, int(wanted != InterType.MOTION), self._skipped[last][before]):
            interpolated = int(wanted == InterType.INTERPOLATED)
            found = InterType.PREDICTED
            if walk_bit(self._coder, interpolated, self._interpolated[last][before]):
                found = InterType.INTERPOLATED
        self._types = found, last
        return found

    def walk_key(self, wanted: KeyChoice, keys: int) -> KeyChoice:
        """Code (or find out) from which of ``keys`` key frames the next inter frame is animated."""
        fades = False
        if keys > 1 and walk_bit(self._coder, int(wanted.key != self._key), self._changed):
            *others, last = (key for key in range(keys) if key != self._key)
            # All are alike: each in turn has the odds that remain.
            for place, key in enumerate(others):
                if self._coder.code(int(wanted.key == key), ONE // (len(others) + 1 - place)):
                    last = key
                    break
            self._key = last
            fades = bool(walk_bit(self._coder, int(wanted.fades), self._fades))
        return KeyChoice(self._key, fades)
