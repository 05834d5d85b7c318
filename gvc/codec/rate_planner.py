"""Codes groups so that a file has the bit rate that was asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gvc.codec.analysed_group import AnalysedGroup
from gvc.codec.group_coder import CodedGroup, GroupCoder
from gvc.codec.group_planner import GroupPlanner
from gvc.codec.rate_control import GREATEST_QP, TRIAL_RATIO, GroupRate, RateControl
from gvc.codec.rate_probe import RateProbe
from gvc.codec.shown import Shown

#: How often the first group is coded at most, until what came of it agrees with its QP.
_TRIES = 3

#: From this QP down a group is coded as video, too, in as many bytes, and the better one is taken.
_VIDEO_FROM = 24

#: One frame in so many is looked at for that.
_EVERY = 8


class RatePlanner:
    """Codes groups of one stream, each at a QP of its own.

    :param coder: whose settings say which bit rate.
    :param shown: what says how far its decoded frames are from their originals.
    :param rates: of all groups, from a first pass; None if there was none.
    """

    def __init__(
        self, coder: GroupCoder, shown: Shown, rates: Sequence[GroupRate] | None = None
    ) -> None:
        assert coder.settings.bit_rate is not None
        self._coder = coder
        self._shown = shown
        self._planners: dict[int, GroupPlanner] = {}
        self._probe = RateProbe(coder.header, coder.settings)
        self._control = RateControl(coder.settings.bit_rate, rates)

    def code(self, frames: AnalysedGroup) -> list[CodedGroup]:
        """Code a group, as several if it has to be cut.

        :raises KeyFrameError: if the key-frame codec fails.
        """
        control = self._control
        group = control.expected or self._measured(frames)
        qp, coded = self._settled(frames, group)
        # Groups before this one may have taken nearly all, but a picture needs something.
        allowed = max(control.budget(group), control.share(group) / 2)
        if any(each.group.video for each in coded):
            if _size(coded) > allowed:
                generated = self._planner(qp).generated(frames)
                coded = [self._closer(frames, generated, self._video(frames, allowed))]
        elif qp <= _VIDEO_FROM and len(coded) == 1:
            coded = [self._closer(frames, coded[0], self._video(frames, allowed))]
        control.coded(group, qp=qp, size=_size(coded))
        return coded

    def _measured(self, frames: AnalysedGroup) -> GroupRate:
        reference = self._coder.known.like(frames.frames[0], pts=frames.pts[0])
        return self._probe.measure(frames, reference)

    def _settled(self, frames: AnalysedGroup, group: GroupRate) -> tuple[int, list[CodedGroup]]:
        """The QP of a group and what is coded with it.

        The first group shows how far trials can be believed, and is coded again where its QP turns
        out to be another one.
        """
        tried: dict[int, list[CodedGroup]] = {}
        qp = self._control.qp(group)
        while True:
            coded = tried[qp] = self._planner(qp).code(frames)
            if any(each.group.video for each in coded):
                return qp, coded
            keys = sum(len(each.group.conventional) for each in coded)
            self._control.learn(group, qp=qp, keys=keys, size=_size(coded))
            wanted = self._control.qp(group)
            if not self._control.begins or len(tried) == _TRIES:
                return qp, coded
            if wanted in tried:
                qp = max(qp, wanted)
                return qp, tried[qp]
            qp = wanted

    def _closer(self, frames: AnalysedGroup, *both: CodedGroup) -> CodedGroup:
        """The one whose frames are closer on average."""
        sampled = range(0, len(frames.pts), _EVERY)
        means = [self._shown.distances(frames, each, sampled).mean() for each in both]
        return both[int(np.argmin(means))]

    def _planner(self, qp: int) -> GroupPlanner:
        if qp not in self._planners:
            self._planners[qp] = GroupPlanner(self._coder.at_qp(qp), self._shown)
        return self._planners[qp]

    def _video(self, frames: AnalysedGroup, allowed: float) -> CodedGroup:
        """A group as video of so many bytes at most, if it can be so small."""
        trial, ratio = self._probe.video(frames), TRIAL_RATIO
        for _ in range(_TRIES):
            qp = min(math.ceil(trial.qp(allowed / ratio)), GREATEST_QP)
            coded = self._coder.video(frames, qp=qp)
            size = _size([coded])
            if size <= allowed or qp == GREATEST_QP:
                break
            ratio = size / trial.size(qp)
        return coded


def _size(coded: list[CodedGroup]) -> int:
    return sum(len(each.group.to_bytes()) for each in coded)
