"""Which frames of a group send a motion code, and which levels.

A face moves smoothly most of the time: between two frames whose codes are sent, those of the others
lie on a straight line, and cost nothing. Where it does not, at a blink or a lip that closes, codes
are sent close together.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from gvc.codec.quantiser import MAX_LEVEL, bits_of, quantise

#: What a frame with a motion code costs beyond its coefficients, in bits.
_FRAME_BITS = 1.0


@dataclass(frozen=True, slots=True)
class MotionPath:
    """The motion of a group.

    :param sent: places, among the inter frames, of those that send a motion code.
    :param levels: of these, int32 [len(sent), L].
    """

    sent: npt.NDArray[np.intp]
    levels: npt.NDArray[np.int32]


def find_path(
    codes: npt.NDArray[np.float32],
    times: npt.NDArray[np.int64],
    *,
    step: Fraction,
    bit_cost: float,
    most_interpolated: int,
) -> MotionPath:
    """The path through the motion codes of a group that costs least.

    The cost is the sum of squared errors of all frames, in steps, and ``bit_cost`` times the bits
    that the levels take.

    :param codes: of the inter frames in order, float32 [N, L].
    :param times: their places in the group, [N].
    :param step: quantiser step, in units of the codes.
    :param bit_cost: squared errors that a bit is worth, at least 0.
    :param most_interpolated: most frames in a row without a code of their own; 0 sends all.
    """
    if not len(codes):
        return MotionPath(np.empty(0, np.intp), np.empty((0, codes.shape[1]), np.int32))
    scaled = np.clip(np.nan_to_num(codes / np.float32(step)), -MAX_LEVEL, MAX_LEVEL)
    sent = _choose_sent(scaled, times, bit_cost, most_interpolated)
    shares = _shares(times, times[sent])
    # Least squares; each sent code counts alone in its own frame, so that there is one solution.
    fitted = np.linalg.solve(shares.T @ shares, shares.T @ scaled).astype(np.float32)
    weights = (shares**2).sum(axis=0)
    levels = quantise(fitted, weights=weights, bit_cost=bit_cost)
    return MotionPath(sent, levels)


def _choose_sent(
    scaled: npt.NDArray[np.float32],
    times: npt.NDArray[np.int64],
    bit_cost: float,
    most_interpolated: int,
) -> npt.NDArray[np.intp]:
    """Places of the frames that send a code: the cheapest path from the first to the last."""
    count = len(scaled)
    # What would be sent of all frames: free of noise, so that its changes tell what codes cost.
    levels = quantise(scaled, bit_cost=bit_cost)
    costs = np.full(count, np.inf)
    costs[0] = 0.0
    origins = np.zeros(count, np.intp)
    for place in range(1, count):
        first = max(0, place - most_interpolated - 1)
        bits = bits_of(np.abs(levels[place] - levels[first:place])).sum(axis=1) + _FRAME_BITS
        errors = [_error_between(scaled, times, start, place) for start in range(first, place)]
        paths = costs[first:place] + bit_cost * bits + errors
        best = int(paths.argmin())
        costs[place], origins[place] = paths[best], first + best
    sent = [count - 1]
    while sent[-1]:
        sent.append(int(origins[sent[-1]]))
    return np.array(sent[::-1], np.intp)


def _error_between(
    scaled: npt.NDArray[np.float32], times: npt.NDArray[np.int64], start: int, end: int
) -> float:
    """Squared error of the frames between two that send their codes."""
    if end - start < 2:
        return 0.0
    share = (times[start + 1 : end] - times[start]) / (times[end] - times[start])
    line = scaled[start] + share[:, None] * (scaled[end] - scaled[start])
    return float(((line - scaled[start + 1 : end]) ** 2).sum())


def _shares(times: npt.NDArray[np.int64], sent: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """How much each sent code counts in the code of each frame, [frames, sent]."""
    return np.stack([np.interp(times, sent, row) for row in np.eye(len(sent))], axis=1)
