"""Motion codes to integers and back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

#: Quantised coefficients are clipped to ± this.
MAX_LEVEL = 1 << 15


class MotionQuantiser:
    """Uniform quantiser with hysteresis.

    A coefficient keeps its last level until it has moved by more than ``dead_zone`` steps. The
    decoder need not know: it only multiplies. Rounding alone would flip levels back and forth on
    noise, which costs bits and makes the picture tremble.

    :param step: quantiser step, in units of the codes.
    :param dead_zone: in steps, at least 0.5.
    """

    def __init__(self, step: Fraction, *, dead_zone: float) -> None:
        self._step = float(step)
        self._dead_zone = dead_zone
        self._last: npt.NDArray[np.int32] | None = None

    def reset(self) -> None:
        """Forget the last levels: a new group begins."""
        self._last = None

    def quantise(self, code: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
        """Levels, int32, of the next motion code of the group, float32 of the same length."""
        scaled = np.clip(np.nan_to_num(code / self._step), -MAX_LEVEL, MAX_LEVEL)
        level = np.round(scaled).astype(np.int32)
        if self._last is not None:
            level = np.where(np.abs(scaled - self._last) <= self._dead_zone, self._last, level)
        self._last = level
        return level


def dequantise(levels: npt.NDArray[np.int32], step: Fraction) -> npt.NDArray[np.float32]:
    """Motion codes, float32, from their levels."""
    return levels.astype(np.float32) * np.float32(step)
