"""What a prior learns from: features of frames, and the changes in them, as the coder sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from gvc.api.motion_codes import GroupMotion
from gvc.codec.settings import EncoderSettings
from gvc.entropy.learned import activity_of, step_feature
from gvc.entropy.trajectory import FEATURES, Trajectory
from gvc.training.prior_network import COUNTED, LEFT, Batch

#: Features of a coefficient that change their sign when the code does, from the first.
_SIGNED = 5

#: One change of a frame: frame, start, number, left, place, change.
_Row = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Codes:
    """The motion codes of one group.

    :param identity: who is seen. :param motion: in the group.
    """

    identity: str
    motion: GroupMotion


class Frames:
    """All frames of some groups at some quantiser steps.

    :param groups: of at least two frames each.
    :param settings: with which their motion is coded.
    """

    def __init__(self, groups: Sequence[Codes], settings: Sequence[EncoderSettings]) -> None:
        features, counts = list[npt.NDArray[np.int16]](), list[int]()
        rows, present = list[_Row](), list[npt.NDArray[np.int8]]()
        self._length = groups[0].motion.codes.shape[1]
        for group in groups:
            for each in settings:
                levels = group.motion.levels(each)
                for inputs, changes in _walk(levels, each.step):
                    found = list(_changes(len(features), changes))
                    features.append(inputs.astype(np.int16))
                    counts.append(len(found))
                    rows += [row for row, _ in found]
                    present += [known for _, known in found]
        self._features = torch.from_numpy(np.stack(features))
        self._counts = torch.tensor(counts)
        self._rows = torch.tensor(rows).reshape(-1, 6)
        self._present = torch.from_numpy(np.array(present, np.int8).reshape(-1, 2 * self._length))
        self._first = torch.cat((torch.zeros(1, dtype=torch.int64), self._counts.cumsum(0)))

    def __len__(self) -> int:
        """Frames."""
        return len(self._counts)

    def batch(self, frames: torch.Tensor, *, flip: bool = False) -> Batch:
        """Some frames; ``flip`` turns the direction of all movements in about half of them."""
        counts = self._counts[frames]
        local = torch.repeat_interleave(torch.arange(len(frames)), counts)
        within = torch.arange(len(local)) - torch.repeat_interleave(
            counts.cumsum(0) - counts, counts
        )
        at = self._first[frames][local] + within
        features = self._features[frames].float() / 16
        _, start, number, left, place, change = self._rows[at].unbind(1)
        present = self._present[at].float()
        if flip:
            side = torch.where(torch.rand(len(frames)) < 0.5, -1.0, 1.0)
            own = features[:, : self._length * FEATURES].view(len(frames), -1, FEATURES)
            own[:, :, :_SIGNED] *= side[:, None, None]
            change = change * side[local].long()
            present[:, self._length :] *= side[local][:, None]
        classes = (
            functional.one_hot(number.clamp(max=COUNTED) - 1, COUNTED),
            functional.one_hot(left.clamp(max=LEFT) - 1, LEFT),
        )
        known = torch.cat((present, *(one.float() for one in classes)), dim=1)
        return Batch(features, counts, local, start, left, place, change, known)


def _walk(
    levels: npt.NDArray[np.int32], step: Fraction
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """What the network sees before each frame but the first, and the changes in it."""
    trajectory = Trajectory(levels[0].astype(np.int64))
    group = step_feature(*step.as_integer_ratio()), 16 * activity_of(levels)
    for changes in np.diff(levels, axis=0).astype(np.int64):
        own = trajectory.features().reshape(-1)
        yield np.concatenate((own, trajectory.frame_features(), group)), changes
        trajectory.push(changes)


def _changes(
    frame: int, changes: npt.NDArray[np.int64]
) -> Iterator[tuple[_Row, npt.NDArray[np.int8]]]:
    """The changes of a frame, each with what is known of those before."""
    length = len(changes)
    known, start = np.zeros(2 * length, np.int8), 0
    places = np.flatnonzero(changes).tolist()
    for number, place in enumerate(places):
        change = int(changes[place])
        yield (frame, start, len(places), len(places) - number, place, change), known.copy()
        known[place], known[length + place] = 1, min(max(change, -2), 2)
        start = place + 1
