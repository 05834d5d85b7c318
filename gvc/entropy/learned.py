"""The entropy model ``learned``: a small trained network says what changes, in integers.

A frame is coded as in ``adaptive``: how many levels change, which, and how. What the network sees
are sums over the past of each coefficient (:mod:`gvc.entropy.trajectory`), and what has been coded
of this frame already: coefficients that move together tell of each other. Its estimates are mixed
with counts of this group, so that it is never much worse than those where it does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gvc.entropy.binary import ONE, BinaryCoder
from gvc.entropy.distribution import Logistic
from gvc.entropy.logistic import LIMIT, SQUASH, STRETCH, Context, Mixer
from gvc.entropy.trajectory import FEATURES, FRAME_FEATURES, Trajectory
from gvc.entropy.values import magnitude_contexts, walk_magnitude
from gvc.errors import WeightsError

#: Trained integers, by name.
Prior = Mapping[str, npt.NDArray[np.integer]]

#: Decisions on numbers of changes that the network has an opinion of.
_COUNTED = 8

#: Classes of how many changes are left.
_LEFT = 6

#: Decisions on a change that the network has an opinion of.
_CHANGES = 4

#: Bound of log-odds from which odds are made.
_ODDS_BOUND = 2022

#: Odds by log-odds + :data:`LIMIT`, in units of 2^-14.
_ODDS = np.array([(p << 14) // (ONE - p) for p in SQUASH], np.int64)

#: Bound of means of levels, in 1/16.
_MEAN_BOUND = 1 << 23

#: Bits of the class of a group's activity.
_ACTIVITY_BITS = 4


class Network:
    """The trained layers; see clause 5.9 of the specification for the units.

    :param length: coefficients of a motion code.
    :raises WeightsError: if ``prior`` is not one for codes of that length.
    """

    def __init__(self, prior: Prior, length: int) -> None:
        _check(prior, length)
        arrays = {name: array.astype(np.int64) for name, array in prior.items()}
        self.first_mean, self.first_scale = arrays["first.mean"], arrays["first.scale"]
        self._past, self._past_bias = arrays["past.weight"], arrays["past.bias"]
        self._present = np.ascontiguousarray(arrays["present.weight"].T)
        self._counts, self._counts_bias = arrays["counts.weight"], arrays["counts.bias"]
        self._counts_frame = arrays["counts.frame"]
        self._changes, self._changes_bias = arrays["changes.weight"], arrays["changes.bias"]
        self._changes_own = arrays["changes.own"]
        self.length = len(self.first_mean)

    def past(self, features: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """What hidden units get from the frames before."""
        return self._past @ features + self._past_bias

    def counts(
        self, hidden: npt.NDArray[np.int64], frame: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Log-odds that there are more changes than 0, 1, …."""
        sums = self._counts @ _active(hidden) + (self._counts_frame @ frame + self._counts_bias) * 4
        return sums >> 4

    def own(self, features: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """What log-odds of changes get from each coefficient's own past: [4, L]."""
        own = (self._changes_own * features).sum(axis=2)
        return (own + self._changes_bias) * 4

    def changes(
        self, hidden: npt.NDArray[np.int64], own: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Log-odds that each level changes, downwards, by more than one and two: [4, L]."""
        return (self._changes @ _active(hidden) + own) >> 4

    def count_input(self, count: int) -> npt.NDArray[np.int64]:
        """What hidden units get from the number of changes of the frame."""
        return 16 * self._present[2 * self.length + min(count, _COUNTED) - 1]

    def left_input(self, left: int) -> npt.NDArray[np.int64]:
        """What they get from how many of them are left."""
        return 16 * self._present[2 * self.length + _COUNTED + min(left, _LEFT) - 1]

    def change_input(self, place: int, change: int) -> npt.NDArray[np.int64]:
        """What they get from a change that has been coded."""
        signed = self._present[self.length + place] * min(max(change, -2), 2)
        return 16 * (self._present[place] + signed)


def _check(prior: Prior, length: int) -> None:
    units = prior["past.bias"].size if "past.bias" in prior else 0
    inputs = length * FEATURES + FRAME_FEATURES + 2
    wanted = {
        "first.mean": (length,),
        "first.scale": (length,),
        "past.weight": (units, inputs),
        "past.bias": (units,),
        "present.weight": (units, 2 * length + _COUNTED + _LEFT),
        "counts.weight": (_COUNTED, units),
        "counts.frame": (_COUNTED, FRAME_FEATURES + 2),
        "counts.bias": (_COUNTED,),
        "changes.weight": (_CHANGES, length, units),
        "changes.own": (_CHANGES, length, FEATURES),
        "changes.bias": (_CHANGES, length),
    }
    if {name: array.shape for name, array in prior.items()} != wanted:
        raise WeightsError(f"not a prior for motion codes of {length} coefficients")


def _active(hidden: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.clip(hidden, 0, 1 << 14) >> 4


class LearnedLevels:
    """See :class:`gvc.entropy.group.LevelModel`.

    :param network: the trained layers, for codes of this length.
    :param step: quantiser step, a numerator and a denominator.
    """

    def __init__(self, network: Network, step: tuple[int, int], coder: BinaryCoder) -> None:
        self._network = network
        self._step = step
        self._coder = coder
        self._levels: list[int] = []
        self._trajectory: Trajectory | None = None
        self._activity = 0
        self._step_feature = step_feature(*step)
        self._estimates = _Estimates(network.length)

    def begin(self, levels: npt.NDArray[np.int32] | None) -> None:
        """The group's activity: how many levels change in a frame on average."""
        wanted = activity_of(levels) if levels is not None else 0
        for place in reversed(range(_ACTIVITY_BITS)):
            bit = self._coder.code(wanted >> place & 1, ONE // 2)
            self._activity |= bit << place

    def walk(self, wanted: Sequence[int] | None) -> list[int]:
        """Code the levels of the next frame, or, given None, find them out."""
        length = self._network.length
        if self._trajectory is None:
            self._levels = self._walk_first(wanted or [0] * length)
            self._trajectory = Trajectory(np.array(self._levels, np.int64))
            return self._levels
        differences = [0] * length
        if wanted is not None:
            differences = [b - a for a, b in zip(self._levels, wanted, strict=True)]
        changes = self._walk_changes(differences, self._trajectory)
        self._trajectory.push(changes)
        self._levels = [a + b for a, b in zip(self._levels, changes.tolist(), strict=True)]
        return self._levels

    def _walk_first(self, wanted: Sequence[int]) -> list[int]:
        """Levels themselves, by their mean and scale in the training clips."""
        over, under = self._step
        means = self._network.first_mean * under // over
        means = np.clip(means, -_MEAN_BOUND, _MEAN_BOUND).tolist()
        scales = (self._network.first_scale * under // over).tolist()
        return [
            Logistic(mean, max(1, scale)).walk(self._coder, level)
            for mean, scale, level in zip(means, scales, wanted, strict=True)
        ]

    def _walk_changes(self, wanted: Sequence[int], trajectory: Trajectory) -> npt.NDArray[np.int64]:
        network = self._network
        own = trajectory.features()
        frame = np.append(trajectory.frame_features(), (self._step_feature, 16 * self._activity))
        hidden = network.past(np.concatenate((own.reshape(-1), frame)))
        count = self._walk_count(len(wanted) - wanted.count(0), network.counts(hidden, frame))
        changes = np.zeros(len(wanted), np.int64)
        if not count:
            return changes
        hidden = hidden + network.count_input(count)
        direct = network.own(own)
        place = -1
        for left in range(count, 0, -1):
            odds = network.changes(hidden + network.left_input(left), direct)
            place = self._walk_place(place + 1, left, wanted, odds[0])
            changes[place] = self._walk_change(place, wanted[place], odds[:, place].tolist())
            hidden = hidden + network.change_input(place, int(changes[place]))
        return changes

    def _walk_count(self, wanted: int, odds: npt.NDArray[np.int64]) -> int:
        """How many levels change, in unary."""
        count, length = 0, self._network.length
        while count < length:
            row = min(count, _COUNTED)
            guess = int(odds[count]) if count < _COUNTED else 0
            more = self._estimates.counts[row].walk(self._coder, int(wanted > count), guess)
            if not more:
                break
            count += 1
        return count

    def _walk_place(
        self, start: int, left: int, wanted: Sequence[int], odds: npt.NDArray[np.int64]
    ) -> int:
        """The next level that changes, at ``start`` or behind it, of ``left`` that do."""
        limited = np.clip(odds[start:], -_ODDS_BOUND, _ODDS_BOUND)
        weights = _ODDS[limited + LIMIT]
        total = int(weights.sum())
        estimates = self._estimates.places
        for place, weight in enumerate(weights.tolist(), start):
            if left == self._network.length - place:
                return place
            guess = STRETCH[min(left * weight * ONE // total, 15 << 12) >> 4]
            if estimates[place].walk(self._coder, int(wanted[place] != 0), guess):
                return place
            total -= weight
        raise AssertionError("the last places are taken by what is left")

    def _walk_change(self, place: int, wanted: int, odds: Sequence[int]) -> int:
        estimates = self._estimates
        negative = estimates.signs[place].walk(self._coder, int(wanted < 0), odds[1])
        magnitude = 1
        for estimate, guess in zip(estimates.more[place], odds[2:], strict=True):
            if not estimate.walk(self._coder, int(abs(wanted) > magnitude), guess):
                break
            magnitude += 1
        else:
            magnitude = walk_magnitude(self._coder, abs(wanted), magnitude, estimates.lengths)
        return -magnitude if negative else magnitude


class _Estimate:
    """A decision by the network's log-odds and a count of this group, mixed."""

    __slots__ = ("_context", "_mixer")

    def __init__(self, context: Context, mixer: Mixer) -> None:
        self._context = context
        self._mixer = mixer

    def walk(self, coder: BinaryCoder, bit: int, odds: int) -> int:
        context, mixer = self._context, self._mixer
        odds = min(max(odds, -LIMIT), LIMIT)
        bit = coder.code(bit, mixer.mix((odds, STRETCH[context.probability >> 4])))
        mixer.update(bit)
        context.update(bit)
        return bit


class _Estimates:
    """What is counted in one group."""

    def __init__(self, length: int) -> None:
        self.counts = [_Estimate(Context(limit=250), Mixer((ONE, 0), 3)) for _ in range(_COUNTED)]
        self.counts.append(_Estimate(Context(3 << 14, 4), Mixer((ONE, ONE), 3)))
        place, sign, *more = (Mixer((ONE, 0), 2) for _ in range(_CHANGES))
        self.places = [_Estimate(Context(3000, 8, 250), place) for _ in range(length)]
        self.signs = [_Estimate(Context(limit=30), sign) for _ in range(length)]
        self.more = [
            [_Estimate(Context(ONE // 4, 2, 30), mixer) for mixer in more] for _ in range(length)
        ]
        self.lengths = magnitude_contexts()


def activity_of(levels: npt.NDArray[np.int32]) -> int:
    """The class, 0 to 15, of how many levels change in a frame on average.

    :param levels: of all inter frames of a group, int32 [N, L].
    """
    changes = int(np.count_nonzero(np.diff(levels, axis=0)))
    frames = max(1, len(levels) - 1)
    value = (64 * changes + frames // 2) // frames + 1
    length = value.bit_length()
    half = value >> (length - 2) & 1 if length > 1 else 0
    return min((1 << _ACTIVITY_BITS) - 1, 2 * (length - 1) + half)


def step_feature(over: int, under: int) -> int:
    """About 16 · log2(over / under), within ± 64, in integers."""
    quarters = 0
    # Four times the logarithm, by comparing fourth powers with powers of two.
    while quarters < 16 and over**4 >= under**4 << (quarters + 1):
        quarters += 1
    while -16 < quarters <= 0 and over**4 << -quarters < under**4:
        quarters -= 1
    return 4 * quarters
