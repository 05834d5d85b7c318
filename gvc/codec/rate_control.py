"""Which QP each group gets, so that a file has the bit rate that was asked for.

How many bytes a group takes at which QP is measured before it is coded (:class:`RateCurve`). With
one pass, the groups so far stand for those to come; with two, all are known when the first is
coded, and one QP serves nearly all of them: pictures are equally good throughout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: QPs at which key frames are coded for trial.
PROBE_QPS = (22, 32, 42, 52)

#: And whole groups as video.
VIDEO_QPS = (37, 47, 57)

#: QPs that rate control chooses from: finer key frames make generated pictures no better.
LEAST_QP, GREATEST_QP = 14, 63

#: Seconds after which a group counts half in what is expected of those to come, with one pass.
_HALF_LIFE = 60.0

#: What a file has besides groups: header, parameter sets, index and trailer, in bytes.
_FRAME_OF_FILE = 100

#: Most that QPs differ from one group to the next.
_MOST_CHANGE = 4

#: What a group takes from which later ones will be predicted, as a multiple of what falls to it by
#: its length, with one pass.
_AHEAD = 1.8

#: Bytes of key frames over those of the trial, before anything is known.
TRIAL_RATIO = 0.92

#: Bytes a second of motion codes and framing, before anything is known.
_MOTION = 50.0

#: How much of what is known of either comes from the last group.
_LAST = 0.5


@dataclass(frozen=True, slots=True)
class RateCurve:
    """Bytes over QP: between those that were tried the logarithm goes straight, and beyond them on.

    :param sizes: bytes at each of :attr:`qps`, falling.
    :param qps: QPs that were tried, rising, two at least.
    """

    sizes: tuple[float, ...]
    qps: tuple[int, ...] = PROBE_QPS

    def size(self, qp: float) -> float:
        """Bytes at a QP."""
        place = sum(qp > probe for probe in self.qps[1:-1])
        low, high = self.qps[place : place + 2]
        at_low, at_high = (math.log(max(size, 1.0)) for size in self.sizes[place : place + 2])
        return math.exp(at_low + (at_high - at_low) * (qp - low) / (high - low))

    def qp(self, size: float) -> float:
        """The QP of so many bytes, within the bounds of rate control."""
        low, high = float(LEAST_QP), float(GREATEST_QP)
        while high - low > 0.01:
            middle = (low + high) / 2
            low, high = (middle, high) if self.size(middle) > size else (low, middle)
        return (low + high) / 2

    def __add__(self, other: RateCurve) -> RateCurve:
        """Bytes of both."""
        return RateCurve(
            tuple(a + b for a, b in zip(self.sizes, other.sizes, strict=True)), self.qps
        )

    def __mul__(self, factor: float) -> RateCurve:
        """So many times the bytes."""
        return RateCurve(tuple(size * factor for size in self.sizes), self.qps)


@dataclass(frozen=True, slots=True)
class GroupRate:
    """What a group takes.

    :param curve: bytes of its key frames, by trial. :param seconds: how long it lasts.
    :param serves: whether later groups will be predicted from it, and it from none.
    """

    curve: RateCurve
    seconds: float
    serves: bool = False

    def __add__(self, other: GroupRate) -> GroupRate:
        return GroupRate(self.curve + other.curve, self.seconds + other.seconds)

    def __mul__(self, factor: float) -> GroupRate:
        return GroupRate(self.curve * factor, self.seconds * factor)


class RateControl:
    """The account of one file.

    For each group in order: :meth:`qp` and :meth:`learn`, as often as it takes, then :meth:`coded`.

    :param bit_rate: bits a second, of the whole file but its sound.
    :param rates: of all groups, from a first pass; None if there was none.
    """

    def __init__(self, bit_rate: float, rates: Sequence[GroupRate] | None = None) -> None:
        self._byte_rate = bit_rate / 8
        self._coming = list(rates) if rates is not None else None
        self._past: GroupRate | None = None
        #: What was allowed so far and not taken.
        self._saved = -float(_FRAME_OF_FILE)
        self._ratio, self._motion = TRIAL_RATIO, _MOTION
        self._last_qp: int | None = None

    @property
    def begins(self) -> bool:
        """Whether no group has been coded yet."""
        return self._last_qp is None

    @property
    def expected(self) -> GroupRate | None:
        """The next group, if a first pass has measured it."""
        return self._coming[0] if self._coming else None

    def share(self, group: GroupRate) -> float:
        """Bytes that fall to a group by its length."""
        return self._byte_rate * group.seconds

    def budget(self, group: GroupRate) -> float:
        """Bytes that it may take if it is to set right what those before it took or left."""
        return self.share(group) + self._saved

    def qp(self, group: GroupRate) -> int:
        """The QP of the next group's key frames."""
        outlook, ends = self._outlook(group)
        allowed = self._byte_rate * outlook.seconds + self._saved
        keys = max(1.0, (allowed - self._motion * outlook.seconds) / self._ratio)
        exact = outlook.curve.qp(keys)
        # What comes last cannot be made good again: rather less than asked for than more.
        qp = math.ceil(exact) if ends else round(exact)
        if self._last_qp is not None:
            qp = min(max(qp, self._last_qp - _MOST_CHANGE), self._last_qp + _MOST_CHANGE)
        return min(max(qp, LEAST_QP), GREATEST_QP)

    def learn(self, group: GroupRate, *, qp: int, keys: int, size: int) -> None:
        """Take notice of how a group turned out, which is perhaps coded once more.

        :param qp: of its key frames. :param keys: their bytes. :param size: all its bytes.
        """
        last = 1.0 if self.begins else _LAST
        self._ratio += last * (keys / group.curve.size(qp) - self._ratio)
        self._motion += last * ((size - keys) / group.seconds - self._motion)

    def coded(self, group: GroupRate, *, qp: int, size: int) -> None:
        """Book a group.

        :param size: all its bytes.
        """
        self._saved += self.share(group) - size
        self._last_qp = qp
        if self._coming is not None:
            del self._coming[:1]
        elif not group.serves:
            faded = self._past * 0.5 ** (group.seconds / _HALF_LIFE) if self._past else None
            self._past = group if faded is None else faded + group

    def _outlook(self, group: GroupRate) -> tuple[GroupRate, bool]:
        """What the next QP should do for, and whether nothing is known to come after the group."""
        if self._coming is not None:
            later = self._coming[1:]
            return sum(later, start=group), not later
        if group.serves:
            return GroupRate(group.curve, group.seconds * _AHEAD), False
        return (group, True) if self._past is None else (self._past + group, False)
