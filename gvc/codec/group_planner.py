"""How a group is coded: which key frames, and whether generated pictures will do at all."""

from __future__ import annotations

import numpy as np

from gvc.codec.distance_limit import VIDEO_QP, DistanceLimit
from gvc.codec.group_coder import AnalysedGroup, CodedGroup, GroupCoder
from gvc.codec.key_choice import choose_keys, least_saving
from gvc.codec.shown import Shown
from gvc.model.distance import Distance

#: Where no greatest distance is asked for, one frame in so many is looked at.
_EVERY = 8

#: And generated pictures may be further from the originals than key frames are, by this on average.
#: Eight talking heads are by 0.01 to 0.1, a street full of people by 0.19.
_ALLOWANCE = 0.12


class GroupPlanner:
    """Codes groups of one stream, each in the cheapest way that will do.

    With a greatest distance, that is what :class:`gvc.codec.distance_limit.DistanceLimit` does.

    :param coder: what codes them, one way or the other.
    :param distance: what says how far a decoded frame is from its original.
    """

    def __init__(self, coder: GroupCoder, distance: Distance) -> None:
        self._coder = coder
        self._settings = coder.settings
        self._shown = Shown(coder, distance)

    def code(self, frames: AnalysedGroup) -> list[CodedGroup]:
        """Code a group, as several if it has to be cut.

        :raises KeyFrameError: if the key-frame codec fails.
        """
        if self._settings.max_distance is None:
            return [self._checked(frames)]
        return DistanceLimit(self._coder, self._shown, self._settings.max_distance).code(frames)

    def _checked(self, frames: AnalysedGroup) -> CodedGroup:
        """Generated pictures, unless they are bad all over, however many key frames there are."""
        usual, more = (self._keys(frames, saving) for saving in (self._saving, 0.0))
        for places in (usual, more) if more != usual else (usual,):
            coded = self._coder.send(self._coder.key(frames, places))
            sampled = sorted({*range(0, len(frames.pts), _EVERY), *places})
            distances = self._shown.distances(frames, coded, sampled)
            own = np.isin(sampled, places)
            if own.all() or distances[~own].mean() <= distances[own].mean() + _ALLOWANCE:
                return coded
        return self._coder.video(frames, qp=self._video_qp)

    @property
    def _video_qp(self) -> int:
        return min(63, self._settings.key_qp + VIDEO_QP)

    @property
    def _saving(self) -> float:
        return least_saving(self._settings.key_qp)

    def _keys(self, frames: AnalysedGroup, saving: float) -> list[int]:
        most = self._settings.key_frames
        return choose_keys(np.stack(frames.codes), most=most, saving=saving)
