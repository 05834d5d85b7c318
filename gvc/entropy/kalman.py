"""The entropy model ``kalman``: each coefficient moves on as it did, and noise is Gaussian.

A steady-state Kalman filter for position and velocity predicts each coefficient; what is left is
coded under a distribution whose scale follows what was left before. It is the simple baseline of
papers on coding sequences of latents: codes that mostly stand still are not what it is made for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gvc.entropy.binary import BinaryCoder
from gvc.entropy.distribution import UNITS, Logistic
from gvc.entropy.values import walk_unpredicted

#: Gains of position and velocity, and what a velocity keeps from frame to frame, in 1/64.
_POSITION_GAIN, _VELOCITY_GAIN, _KEPT = 56, 2, 48

#: The mean size of errors begins at a quarter of a level, in 1/16 of :data:`UNITS`.
_FIRST_SIZE = UNITS * 4

#: A logistic distribution's scale for a mean size, in 1/16.
_SCALE = 14


class KalmanLevels:
    """See :class:`gvc.entropy.group.LevelModel`.

    :param length: coefficients of a motion code.
    """

    def __init__(self, length: int, coder: BinaryCoder) -> None:
        self._coder = coder
        self._length = length
        self._positions: list[int] | None = None
        self._velocities = [0] * length
        self._sizes = [_FIRST_SIZE] * length

    def begin(self, levels: npt.NDArray[np.int32] | None) -> None:
        """Nothing is sent once."""

    def walk(self, wanted: Sequence[int] | None) -> list[int]:
        """Code the levels of the next frame, or, given None, find them out."""
        wanted = wanted or [0] * self._length
        if self._positions is None:
            levels = walk_unpredicted(self._coder, wanted)
            self._positions = [UNITS * level for level in levels]
            return levels
        return [self._walk(place, level, self._positions) for place, level in enumerate(wanted)]

    def _walk(self, place: int, wanted: int, positions: list[int]) -> int:
        predicted = positions[place] + self._velocities[place]
        size = self._sizes[place]
        scale = max(1, size * _SCALE >> 8)
        level = Logistic(predicted, scale).walk(self._coder, wanted)
        error = UNITS * level - predicted
        positions[place] = predicted + (error * _POSITION_GAIN >> 6)
        moved = self._velocities[place] * _KEPT + error * _VELOCITY_GAIN
        self._velocities[place] = moved >> 6
        self._sizes[place] = size + ((16 * min(abs(error), 64 * UNITS) - size) >> 3)
        return level
