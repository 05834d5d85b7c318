"""Which frames of a group send a motion code, and which levels.

A face moves smoothly most of the time: between two frames whose codes are sent, those of the others
lie on a straight line, and cost nothing. Where it does not, at a blink or a lip that closes, codes
are sent close together. Frames before the first code have it too, and those behind the last one
keep it, as long as that is good enough.

Nowhere else is a code held: to say so takes ten bits, more than to send one that has not changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from gvc.bitstream import MAX_INTERPOLATED, MAX_KEYS
from gvc.codec.quantiser import MAX_LEVEL, bits_of, quantise

#: What a frame with a motion code costs beyond its coefficients, in bits.
_FRAME_BITS = 1.0

#: Most frames behind the last code that a decoder may interpolate, which is to hold it; they wait
#: for another one, and so do key frames among them.
_MOST_BEHIND = MAX_INTERPOLATED - MAX_KEYS


@dataclass(frozen=True, slots=True)
class MotionPath:
    """The motion of a group.

    :param sent: places, among the inter frames, of those that send a motion code.
    :param levels: of these, int32 [len(sent), L].
    :param held: places of those that are told to keep the last code; all others that send none
        are interpolated.
    """

    sent: npt.NDArray[np.intp]
    levels: npt.NDArray[np.int32]
    held: npt.NDArray[np.intp]


def find_path(
    codes: npt.NDArray[np.float32],
    times: npt.NDArray[np.int64],
    *,
    step: Fraction,
    bit_cost: float,
    most_interpolated: int,
    weights: npt.NDArray[np.float64] | None = None,
) -> MotionPath:
    """The path through the motion codes of a group that costs least.

    The cost is the sum of squared errors of all frames, in steps, and ``bit_cost`` times the bits
    that the levels take.

    :param codes: of the inter frames in order, float32 [N, L].
    :param times: their places in the group, [N].
    :param step: quantiser step, in units of the codes.
    :param bit_cost: squared errors that a bit is worth, at least 0.
    :param most_interpolated: most frames in a row without a code of their own; 0 sends all.
    :param weights: how much the errors of each frame count, [N], more than 0; 1 by default.
    """
    if not len(codes):
        nothing = np.empty(0, np.intp)
        return MotionPath(nothing, np.empty((0, codes.shape[1]), np.int32), nothing)
    scaled = np.clip(np.nan_to_num(codes / np.float32(step)), -MAX_LEVEL, MAX_LEVEL)
    counts = np.ones(len(codes)) if weights is None else weights
    sent = _choose_sent(scaled, times, counts, bit_cost, most_interpolated)
    shares = _shares(times, times[sent])
    weighted = shares * counts[:, None]
    # Least squares; each sent code counts alone in its own frame, so that there is one solution.
    fitted = np.linalg.solve(weighted.T @ shares, weighted.T @ scaled).astype(np.float32)
    levels = quantise(fitted, weights=(weighted * shares).sum(axis=0), bit_cost=bit_cost)
    behind = np.arange(sent[-1] + 1, len(codes))
    held = behind if times[-1] - times[sent[-1]] > _MOST_BEHIND else behind[:0]
    return MotionPath(sent, levels, held)


def _choose_sent(
    scaled: npt.NDArray[np.float32],
    times: npt.NDArray[np.int64],
    counts: npt.NDArray[np.float64],
    bit_cost: float,
    most: int,
) -> npt.NDArray[np.intp]:
    """Places of the frames that send a code: the cheapest path."""
    count = len(scaled)
    # What would be sent of all frames: free of noise, so that its changes tell what codes cost.
    levels = quantise(scaled, weights=counts, bit_cost=bit_cost)
    errors = _Errors(scaled, times, counts)
    costs = np.full(count, np.inf)
    origins = np.full(count, -1, np.intp)
    for place in range(count):
        if place <= most and times[place] - times[0] <= MAX_INTERPOLATED:
            costs[place] = errors.before(place)
        starts = np.arange(max(0, place - most - 1), place)
        starts = starts[times[place] - times[starts] <= MAX_INTERPOLATED]
        if len(starts):
            bits = bits_of(np.abs(levels[place] - levels[starts])).sum(axis=1) + _FRAME_BITS
            paths = costs[starts] + bit_cost * bits + errors.between(starts, place)
            best = int(paths.argmin())
            if paths[best] < costs[place]:
                costs[place], origins[place] = paths[best], starts[best]
    ends = np.arange(0 if most else count - 1, count)
    sent = [int(ends[(costs[ends] + errors.behind(ends)).argmin()])]
    while origins[sent[-1]] >= 0:
        sent.append(int(origins[sent[-1]]))
    return np.array(sent[::-1], np.intp)


class _Errors:
    """Squared errors of frames that send no code, by sums over all frames before each."""

    def __init__(
        self,
        scaled: npt.NDArray[np.float32],
        times: npt.NDArray[np.int64],
        counts: npt.NDArray[np.float64],
    ) -> None:
        # Near zero, so that differences of sums keep their digits.
        self._codes = scaled.astype(np.float64) - scaled.mean(axis=0, dtype=np.float64)
        self._times = times.astype(np.float64)
        powers = self._times[:, None] ** np.arange(3) * counts[:, None]
        #: Sums of 1, t, t²; of codes and t · codes; of squared codes.
        self._counts = _sums(powers)
        self._first = _sums(powers[:, :1] * self._codes)
        self._second = _sums(powers[:, 1:2] * self._codes)
        self._squares = _sums(powers[:, 0] * (self._codes**2).sum(axis=1))

    def before(self, place: int) -> float:
        """Of all frames before ``place`` if they have its code."""
        return float(self._still(np.array([-1]), place, self._codes[[place]])[0])

    def behind(self, starts: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Of all frames behind each of ``starts`` if they keep its code."""
        return self._still(starts, len(self._codes), self._codes[starts])

    def between(self, starts: npt.NDArray[np.intp], end: int) -> npt.NDArray[np.float64]:
        """Of those between each of ``starts`` and ``end`` if they lie on a straight line."""
        codes, times = self._codes[starts], self._times[starts]
        slope = (self._codes[end] - codes) / (self._times[end] - times)[:, None]
        count, first, second = (self._counts[end] - self._counts[starts + 1]).T
        # Sums of (t - start), its square, and (t - start) · codes.
        along = first - times * count
        squared = second - 2 * times * first + times**2 * count
        moved = (self._second[end] - self._second[starts + 1]) - times[:, None] * (
            self._first[end] - self._first[starts + 1]
        )
        error = self._still(starts, end, codes) + squared * (slope**2).sum(axis=1)
        error += 2 * along * (slope * codes).sum(axis=1) - 2 * (slope * moved).sum(axis=1)
        return np.maximum(error, 0.0)

    def _still(
        self, starts: npt.NDArray[np.intp], end: int, codes: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        count = self._counts[end, 0] - self._counts[starts + 1, 0]
        first = self._first[end] - self._first[starts + 1]
        error = self._squares[end] - self._squares[starts + 1]
        error = error + count * (codes**2).sum(axis=1) - 2 * (codes * first).sum(axis=1)
        return np.maximum(error, 0.0)


def _sums(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sums of the first 0, 1, 2 … N values, [N + 1, …]."""
    return np.concatenate([np.zeros((1, *values.shape[1:])), values.cumsum(axis=0)])


def _shares(times: npt.NDArray[np.int64], sent: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """How much each sent code counts in the code of each frame, [frames, sent]."""
    return np.stack([np.interp(times, sent, row) for row in np.eye(len(sent))], axis=1)
