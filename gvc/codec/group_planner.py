"""How a group is coded: which key frames, and whether generated pictures will do at all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gvc.bitstream import MAX_KEYS
from gvc.codec.analysed_group import AnalysedGroup, AnalysedPart
from gvc.codec.distance_limit import VIDEO_QP, DistanceLimit
from gvc.codec.group_coder import FINER, CodedGroup, GroupCoder
from gvc.codec.group_starts import tiles
from gvc.codec.key_choice import choose_keys, least_saving
from gvc.codec.settings import DEFAULT_KEY_QP, Purpose
from gvc.codec.shown import Shown

#: Where no greatest distance is asked for, one frame in so many is looked at.
_EVERY = 8

#: And generated pictures may be further from the originals than key frames are, by this on average.
#: Eight talking heads are by 0.01 to 0.1, a street full of people by 0.19.
_ALLOWANCE = 0.12

#: One in ten may be further by this in the worst block, of so many by so many, where key frames
#: have QP 32. Eight talking heads are by 0.08 to 0.32; two people of whom one waves his hands by
#: 0.34, hands that are folded by 0.43, a dancer by 0.48.
_LOCAL_ALLOWANCE, _BLOCKS = 0.335, 4

#: And in one block on average over time: a hand that is shown where it no longer is. Heads are by
#: up to 0.17 (at QP 22 to 0.2, at QP 42 to 0.18), hands of somebody who signs, from one key frame,
#: by 0.2.
_LASTING_ALLOWANCE = 0.18

#: By which factor more with each step of QP above, since there are fewer key frames then (the eight
#: heads are by up to 0.42 at QP 42), and below, since key frames are closer then (0.35 at QP 22).
_ABOVE, _BELOW = 1.035, 1.015

#: By which factor more where faces are to be recognised: of turning heads that are known as well
#: from one key frame as from four, the mean is up to 0.144, the worst block 0.456 at QP 37.
_FOR_MACHINES = 1.5

#: Groups of so many frames may be smaller as video, which is then looked at.
_SHORT = 24

#: So few key frames are tried first where pictures choose them.
_FEW = 2

#: So many times as many key frames are tried before a group is coded as video, which takes more,
#: if that leaves so many frames for each.
_MORE, _FRAMES_A_KEY = 3, 16

#: How much pictures count beside motion codes when key frames are chosen by both.
_PICTURES = 20.0


class GroupPlanner:
    """Codes groups of one stream, each in the cheapest way that will do.

    With a greatest distance, that is what :class:`gvc.codec.distance_limit.DistanceLimit` does.

    :param coder: what codes them, one way or the other.
    :param shown: what says how far its decoded frames are from their originals.
    """

    def __init__(self, coder: GroupCoder, shown: Shown) -> None:
        self._coder = coder
        self._settings = coder.settings
        self._shown = shown
        steps = coder.settings.key_qp - DEFAULT_KEY_QP
        growth = _ABOVE**steps if steps > 0 else _BELOW**-steps
        more = _FOR_MACHINES if coder.settings.purpose is Purpose.MACHINE else 1.0
        self._allowance = _ALLOWANCE * more
        self._local_allowance = _LOCAL_ALLOWANCE * growth * more
        self._lasting_allowance = _LASTING_ALLOWANCE * _BELOW ** abs(steps) * more

    def code(self, frames: AnalysedGroup) -> list[CodedGroup]:
        """Code a group, as several if it has to be cut.

        :raises KeyFrameError: if the key-frame codec fails.
        """
        if self._settings.max_distance is None:
            return [self._checked(frames)]
        return DistanceLimit(self._coder, self._shown, self._settings.max_distance).code(frames)

    def _checked(self, frames: AnalysedGroup) -> CodedGroup:
        """Generated pictures, unless they are bad, however many key frames there are."""
        most = self._settings.key_frames
        saving = least_saving(self._settings.key_qp, self._settings.purpose)
        usual = choose_keys(frames.codes, most=most, saving=saving)
        coded = self._coder.send(self._coder.key(frames, usual))
        if self._good(frames, coded):
            return self._or_video(frames, coded)
        further = min(MAX_KEYS, _MORE * most, len(frames.pts) // _FRAMES_A_KEY)
        for count in sorted({min(_FEW, most), most, max(most, further)}):
            coded = self.generated(frames, keys=count)
            if self._good(frames, coded):
                return self._or_video(frames, coded)
        return self._video(frames)

    def generated(self, frames: AnalysedGroup, *, keys: int | None = None) -> CodedGroup:
        """A group with so many key frames, or as many as the settings allow, whatever it is like.

        :raises KeyFrameError: if the key-frame codec fails.
        """
        # Motion codes are of a face; hands, and whoever else is there, are seen in pictures only.
        looks = np.concatenate([_looks(part) for part in frames.parts], axis=1)
        places = choose_keys(looks, most=keys or self._settings.key_frames, saving=0.0)
        return self._coder.send(self._coder.key(frames, places, looks=looks))

    def _good(self, frames: AnalysedGroup, coded: CodedGroup) -> bool:
        """Whether generated pictures are not much worse than key frames, in all or anywhere."""
        keys = [key.index for key in coded.group.keys]
        finer = _BELOW**FINER if self._fine(frames, coded) else 1
        others = np.delete(np.arange(len(frames.pts)), keys)
        if not len(others):
            return True
        some = others[others % _EVERY == 0]
        # In a short group, those may all be key frames.
        sampled = sorted([*(some if len(some) else others[::_EVERY]).tolist(), *keys])
        own = np.isin(sampled, keys)
        for blocks in self._shown.blocks(frames, coded, sampled, side=_BLOCKS):
            beyond = blocks[~own] - blocks[own].mean(axis=0)
            worst = np.quantile(beyond.max(axis=(1, 2)), 0.9)
            lasting = beyond.mean(axis=0).max()
            if (
                beyond.mean() > self._allowance
                or worst > self._local_allowance * finer
                or lasting > self._lasting_allowance * finer
            ):
                return False
        return True

    def _fine(self, frames: AnalysedGroup, coded: CodedGroup) -> bool:
        """Whether its key frames are closer than their QP says, as first ones that recur are."""
        return frames.recurs or coded.group.reference is not None

    def _or_video(self, frames: AnalysedGroup, coded: CodedGroup) -> CodedGroup:
        """A group, or the same as video where that is smaller and as close: a few frames."""
        count = len(frames.pts)
        if not 1 < count <= _SHORT:
            return coded
        video = self._video(frames)
        if len(video.group.to_bytes()) > len(coded.group.to_bytes()):
            return coded
        means = [
            self._shown.distances(frames, each, range(count)).mean() for each in (video, coded)
        ]
        return video if means[0] <= means[1] else coded

    def _video(self, frames: AnalysedGroup) -> CodedGroup:
        return self._coder.video(frames, qp=min(63, self._settings.key_qp + VIDEO_QP))


def _looks(part: AnalysedPart) -> npt.NDArray[np.float32]:
    """Motion codes and mean colours of an 8×8 tiling of each frame: float32 [N, L + 192]."""
    thumbnails = np.stack([tiles(picture, 8).reshape(-1) / 255 for picture in part.pictures])
    return np.concatenate([np.stack(part.codes), _PICTURES * thumbnails], axis=1)
