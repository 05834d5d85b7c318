"""Groups coded so that no frame is further from its original than was asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gvc.codec.analysed_group import AnalysedGroup
from gvc.codec.group_coder import CodedGroup, GroupCoder, KeyedGroup
from gvc.codec.key_choice import choose_keys, least_saving
from gvc.codec.shown import Shown

#: How much errors of motion count at first, by the QP of key frames: with fewer motion codes still
#: pictures get worse by more than they would if the bits were taken from the key frames.
_QPS, _SPARSEST = (22, 32, 42, 52), (1, 0.8, 0.5, 0.5)

#: How much they count at most, for frames that miss by a little, and the factor up to there.
_DENSEST, _STEP = 4.0, 4.0

#: Most frames in a row without a code of their own, where they count least.
_MOST_INTERPOLATED = 32

#: How often motion is coded again for one choice of key frames.
_ROUNDS = 6

#: Share of the limit that is aimed at: pictures differ a little where they are generated in other
#: batches, on other machines or in 8-bit integers; single frames are up to 1.5 % further then.
_AIM = 0.98

#: By how much lower QPs are tried for key frames that are too far themselves.
_FINER = (5, 10)

#: One frame in so many is looked at to find out that there is no hope.
_EVERY = 8

#: Groups are cut in two until they are shorter than twice this; from there on video may be less.
_SHORTEST = 12

#: QP of a group coded as video over that of key frames, the steps in which it changes until
#: pictures are just close enough, and its bounds.
VIDEO_QP = 6
_QP_STEP, _LEAST_QP, _MOST_QP = 4, 8, 63


class DistanceLimit:
    """Codes groups of one stream with as little as keeps every frame within a distance.

    Motion comes first: errors count little, so that few codes are sent and the rest is interpolated
    or held; where that leaves a frame too far, errors around it count more, and what has changed is
    looked at again. Where motion does not help, the worst frame becomes a key frame; then the group
    is cut in two. Where key frames themselves are too far, they get finer ones; where even that
    does not help, all its frames are coded as video.

    :param coder: what codes groups, one way or the other. :param shown: what compares them.
    :param limit: the greatest distance.
    """

    def __init__(self, coder: GroupCoder, shown: Shown, limit: float) -> None:
        self._coder = coder
        self._shown = shown
        self._limit, self._aim = limit, limit * _AIM
        self._most_keys = coder.settings.key_frames
        self._key_qp = coder.settings.key_qp
        self._sparsest = float(np.interp(self._key_qp, _QPS, _SPARSEST))

    def code(self, frames: AnalysedGroup) -> list[CodedGroup]:
        """Code a group, as several if it has to be cut; the limit holds as far as QPs allow.

        :raises KeyFrameError: if the key-frame codec fails.
        """
        coded, hopeless = self._generative(frames)
        short = len(frames.pts) < 2 * _SHORTEST
        if coded is not None and not short:
            return [coded]
        if coded is None and hopeless:
            coded = self._with_finer_keys(frames)
            if coded is not None and not short:
                return [coded]
        if hopeless or short:
            video = self._video(frames)
            return [video if coded is None else self._smaller(frames, coded, video)]
        middle = len(frames.pts) // 2
        groups = self.code(frames.some(slice(0, middle)))
        for group in groups:
            self._coder.known.add(group.known)
        return groups + self.code(frames.some(slice(middle, None)))

    def _generative(self, frames: AnalysedGroup) -> tuple[CodedGroup | None, bool]:
        """A group animated from key frames, if that will do; if not, whether it is hopeless."""
        places = choose_keys(
            frames.codes,
            most=self._most_keys,
            saving=least_saving(self._key_qp, self._coder.settings.purpose),
        )
        keyed = self._coder.key(frames, places)
        if self._hopeless(keyed):
            return None, True
        while True:
            coded, distances = self._sparse(keyed)
            worst = int(distances.argmax())
            if distances[worst] <= self._aim:
                return coded, False
            if worst in places:
                return None, True
            if len(places) >= self._most_keys:
                return None, False
            places = [*places, worst]
            keyed = self._coder.key(frames, places)

    def _with_finer_keys(self, frames: AnalysedGroup) -> CodedGroup | None:
        """A group animated from key frames of a lower QP, if that will do."""
        for step in _FINER:
            if self._key_qp - step >= _LEAST_QP:
                coder = self._coder.at_qp(self._key_qp - step)
                coded, _ = DistanceLimit(coder, self._shown, self._limit)._generative(frames)
                if coded is not None:
                    return coded
        return None

    def _hopeless(self, keyed: KeyedGroup) -> bool:
        """Whether half of all frames are too far however their motion is sent."""
        coded = self._coder.send(keyed)
        distances = self._distances(keyed, coded, range(0, len(keyed.frames.pts), _EVERY))
        return bool(np.median(distances) > self._aim)

    def _sparse(self, keyed: KeyedGroup) -> tuple[CodedGroup, npt.NDArray[np.float32]]:
        """The motion that is enough, or nearly all there is; and the distances of all frames."""
        weights = np.full(len(keyed.frames.pts), self._sparsest)
        coded = self._send(keyed, weights)
        distances = self._distances(keyed, coded, range(len(weights)))
        far = np.flatnonzero(self._far(keyed, distances))
        dense = self._send(keyed, np.full(len(weights), _DENSEST))
        least = self._distances(keyed, dense, far.tolist())
        if len(far) and least.max() > self._aim:
            # Sent in vain: the worst of these needs more than motion.
            distances[far] = least
            return dense, distances
        for _ in range(_ROUNDS):
            raised = self._far(keyed, distances) & (weights < _DENSEST)
            if not raised.any():
                break
            weights[raised] *= _STEP
            before, coded = coded, self._send(keyed, weights)
            changed = self._shown.changed(before, coded)
            distances[changed] = self._distances(keyed, coded, changed)
        return coded, distances

    def _far(self, keyed: KeyedGroup, distances: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Which inter frames are too far."""
        far = distances > self._aim
        far[list(keyed.places)] = False
        return np.asarray(far)

    def _send(self, keyed: KeyedGroup, weights: npt.NDArray[np.float64]) -> CodedGroup:
        return self._coder.send(keyed, weights=weights, most_interpolated=_MOST_INTERPOLATED)

    def _distances(
        self, keyed: KeyedGroup, coded: CodedGroup, places: Sequence[int]
    ) -> npt.NDArray[np.float32]:
        return self._shown.distances(keyed.frames, coded, places)

    def _video(self, frames: AnalysedGroup) -> CodedGroup:
        """The coarsest video that will do, else the finest."""
        qp = min(_MOST_QP, self._key_qp + VIDEO_QP)
        coded = self._coder.video(frames, qp=qp)
        step = _QP_STEP if self._fits(frames, coded) else -_QP_STEP
        while _LEAST_QP < qp < _MOST_QP:
            qp = min(_MOST_QP, max(_LEAST_QP, qp + step))
            other = self._coder.video(frames, qp=qp)
            fits = self._fits(frames, other)
            if step > 0 and not fits:
                break
            coded = other
            if step < 0 and fits:
                break
        return coded

    def _smaller(self, frames: AnalysedGroup, one: CodedGroup, other: CodedGroup) -> CodedGroup:
        """The smaller one of two, of which the first will do."""
        smaller = len(other.group.to_bytes()) < len(one.group.to_bytes())
        return other if smaller and self._fits(frames, other) else one

    def _fits(self, frames: AnalysedGroup, coded: CodedGroup) -> bool:
        everything = range(len(frames.pts))
        return bool(self._shown.distances(frames, coded, everything).max() <= self._aim)
