"""Motion codes to integers and back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

#: Quantised coefficients are clipped to ± this.
MAX_LEVEL = 1 << 15

#: How far a level may be from the nearest one.
_REACH = 2

#: About how many bits the entropy model takes for changes of a level by 0, 1 and 2, and for each
#: one more.
_BITS, _MORE_BITS = (0.25, 3.5, 5.2), 1.2


def quantise(
    scaled: npt.NDArray[np.float32],
    *,
    bit_cost: float,
    weights: npt.NDArray[np.float64] | None = None,
) -> npt.NDArray[np.int32]:
    """The levels of all motion codes of a group that cost least.

    The cost of a coefficient's levels over time is the sum of their squared errors, in steps, and
    ``bit_cost`` times the bits that their changes take; the path of least cost is found for each
    coefficient alone (Viterbi's algorithm). So levels change where a movement lasts: rounding alone
    would have them flip back and forth on noise, which costs bits and makes pictures tremble. A
    decoder need not know, it only multiplies.

    :param scaled: motion codes in order, in quantiser steps, float32 [N, L].
    :param bit_cost: squared errors that a bit is worth, at least 0; 0 rounds.
    :param weights: how much the errors of each code count, [N]; 1 by default.
    :returns: levels, int32 [N, L].
    """
    scaled = np.clip(np.nan_to_num(scaled), -MAX_LEVEL, MAX_LEVEL)
    if not len(scaled):
        return scaled.astype(np.int32)
    counts = np.ones(len(scaled)) if weights is None else weights
    offsets = np.arange(-_REACH, _REACH + 1, dtype=np.int32)[:, None]
    levels = np.rint(scaled).astype(np.int32)[:, None] + offsets
    cost = np.zeros(levels.shape[1:], np.float32)
    origins = np.empty(levels.shape, np.int8)
    for index, candidates in enumerate(levels):
        # [from, to, L]
        change = np.abs(candidates - levels[max(0, index - 1)][:, None])
        paths = cost[:, None] + np.float32(bit_cost if index else 0) * bits_of(change)
        origins[index] = paths.argmin(axis=0)
        error = np.float32(counts[index]) * (candidates - scaled[index]) ** 2
        cost = paths.min(axis=0) + error
    chosen = np.empty(scaled.shape, np.int32)
    place = cost.argmin(axis=0)[None]
    for index in reversed(range(len(scaled))):
        chosen[index] = np.take_along_axis(levels[index], place, axis=0)[0]
        place = np.take_along_axis(origins[index], place, axis=0)
    return chosen


def bits_of(change: npt.NDArray[np.int32] | npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """About how many bits changes of these sizes take, whole steps or not."""
    beyond = np.maximum(change - len(_BITS) + 1, 0) * _MORE_BITS
    return np.asarray(np.interp(change, range(len(_BITS)), _BITS) + beyond, np.float32)


def dequantise(levels: npt.NDArray[np.int32], step: Fraction) -> npt.NDArray[np.float32]:
    """Motion codes, float32, from their levels."""
    return levels.astype(np.float32) * np.float32(step)
