"""How a group is coded: which key frames, and whether generated pictures will do at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gvc.codec.decoder import VideoDecoder
from gvc.codec.group_coder import AnalysedGroup, CodedGroup, GroupCoder
from gvc.codec.key_choice import choose_keys, least_saving
from gvc.media import to_rgb
from gvc.model.distance import Distance
from gvc.model.mttf import Mttf

#: Where no greatest distance is asked for, one frame in so many is looked at.
_EVERY = 8

#: And generated pictures may be further from the originals than key frames are, by this on average.
#: Eight talking heads are by 0.01 to 0.1, a street full of people by 0.19.
_ALLOWANCE = 0.12

#: Groups are cut in two until they are shorter than twice this.
_SHORTEST = 12

#: QP of a group coded as video over that of key frames, and the steps in which it goes down until
#: pictures are close enough, at most to the last.
_VIDEO_QP, _QP_STEP, _LEAST_QP = 6, 4, 8


class GroupPlanner:
    """Codes groups of one stream, each in the cheapest way that will do.

    Further key frames come first, where single frames are too far from their originals. Then the
    group is cut in two. Where even that does not help, or nothing is close, all its frames are
    coded as video by the key-frame codec.

    :param coder: what codes them, one way or the other.
    :param network: what shows how they look, see :func:`gvc.codec.networks.for_decoding`.
    """

    def __init__(self, coder: GroupCoder, network: Mttf) -> None:
        self._coder = coder
        self._network = network
        self._settings = coder.settings
        self._distance = Distance.load(device=coder.settings.device)

    def code(self, frames: AnalysedGroup) -> list[CodedGroup]:
        """Code a group, as several if it has to be cut.

        :raises KeyFrameError: if the key-frame codec fails.
        """
        if self._settings.max_distance is None:
            return [self._checked(frames)]
        return self._within(frames, self._settings.max_distance)

    def _checked(self, frames: AnalysedGroup) -> CodedGroup:
        """Generated pictures, unless they are bad all over, however many key frames there are."""
        usual, more = (self._keys(frames, saving) for saving in (self._saving, 0.0))
        for places in (usual, more) if more != usual else (usual,):
            coded = self._coder.generative(frames, places)
            sampled = sorted({*range(0, len(frames.pts), _EVERY), *places})
            distances = self._distances(frames, coded, sampled)
            own = np.isin(sampled, places)
            if own.all() or distances[~own].mean() <= distances[own].mean() + _ALLOWANCE:
                return coded
        return self._coder.video(frames, qp=self._video_qp)

    def _within(self, frames: AnalysedGroup, limit: float) -> list[CodedGroup]:
        """No frame further from its original than ``limit``, as far as QPs allow."""
        everything = range(len(frames.pts))
        places = self._keys(frames, self._saving)
        while True:
            coded = self._coder.generative(frames, places)
            distances = self._distances(frames, coded, everything)
            worst = int(distances.argmax())
            if distances[worst] <= limit:
                return [coded]
            hopeless = worst in places or np.median(distances) > limit
            if hopeless or len(places) >= self._settings.key_frames:
                break
            places = [*places, worst]
        if hopeless or len(frames.pts) < 2 * _SHORTEST:
            return [self._video_within(frames, limit)]
        middle = len(frames.pts) // 2
        return [
            group
            for part in (slice(0, middle), slice(middle, None))
            for group in self._within(frames.part(part), limit)
        ]

    def _video_within(self, frames: AnalysedGroup, limit: float) -> CodedGroup:
        for qp in range(self._video_qp, _LEAST_QP, -_QP_STEP):
            coded = self._coder.video(frames, qp=qp)
            if self._distances(frames, coded, range(len(frames.pts))).max() <= limit:
                return coded
        return self._coder.video(frames, qp=_LEAST_QP)

    @property
    def _video_qp(self) -> int:
        return min(63, self._settings.key_qp + _VIDEO_QP)

    @property
    def _saving(self) -> float:
        return least_saving(self._settings.key_qp)

    def _keys(self, frames: AnalysedGroup, saving: float) -> list[int]:
        most = self._settings.key_frames
        return choose_keys(np.stack(frames.codes), most=most, saving=saving)

    def _distances(
        self, frames: AnalysedGroup, coded: CodedGroup, places: Sequence[int]
    ) -> npt.NDArray[np.float32]:
        """Distance from its original of each frame at ``places``, as a decoder shows it."""
        header = self._coder.header
        size = header.coded_width, header.coded_height
        shown = replace(header, width=size[0], height=size[1], key_parameters=coded.parameters)
        decoder = VideoDecoder(
            shown,
            device=self._settings.device,
            threads=self._settings.threads,
            network=self._network,
            coding=self._coder.coding,
        )
        wanted = frozenset(frames.pts[place] for place in places)
        decoded = decoder.decode(coded.group, only=wanted)
        distances = [
            self._distance.distance([to_rgb(frames.frames[place], *size)], [to_rgb(frame, *size)])
            for place, frame in zip(places, decoded, strict=True)
        ]
        return np.concatenate(distances)
