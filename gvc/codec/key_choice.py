"""Which frames of a group become key frames, and from which of them each other one is animated.

A key frame should be like the frames that are animated from it: half way of a turning head, eyes
open, the mouth as it is most of the time. Motion codes say what a frame is like, in units in which
differences hurt pictures alike, and they are known before any key frame is. On eight clips the key
frame with the nearest code is as good as the one that a look at the pictures would choose: LPIPS is
within 2 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gvc.codec.settings import Purpose

#: Most frames that are considered, evenly spread.
_CANDIDATES = 128

#: What changing from one key frame to another costs, as a distance: bits, and a picture that jumps.
_CHANGE = 3.0

#: The distance, summed over its frames, that a further key frame has to save at QP 32, and by which
#: factor that grows with each step of QP above: key frames cost less then, but show less too.
_WORTH, _GROWTH = 130.0, 1.2


def least_saving(key_qp: int, purpose: Purpose = Purpose.PEOPLE) -> float:
    """The distance of motion codes, summed over all frames, that pays for a further key frame.

    None does for recognisers (docs/machine.md).
    """
    if purpose is Purpose.MACHINE:
        return math.inf
    return float(_WORTH * _GROWTH ** max(0, key_qp - 32))


def choose_keys(codes: npt.NDArray[np.float32], *, most: int, saving: float) -> list[int]:
    """The frames to which the motion codes of all frames are closest.

    :param codes: of all frames of the group, float32 [N, 2·N_F] in units of the coder's spread;
        or whatever else says how alike frames are.
    :param most: most key frames. :param saving: distance that a further one has to save.
    :returns: places of the key frames in the order of coding; the first is the one that is most
        like all.
    """
    places = np.arange(0, len(codes), -(-len(codes) // _CANDIDATES))
    # [N, candidates]
    distances = np.linalg.norm(codes[:, None] - codes[None, places], axis=2)
    chosen = [int(distances.mean(axis=0).argmin())]
    while len(chosen) < min(most, len(places)):
        nearest = distances[:, chosen].min(axis=1)
        left = np.minimum(distances, nearest[:, None]).sum(axis=0)
        trial = _settle(distances, [*chosen, int(left.argmin())])
        saved = nearest.sum() - distances[:, trial].min(axis=1).sum()
        # One that saves nothing could be a frame that is chosen already.
        if not saved > max(0.0, saving):
            break
        chosen = trial
    chosen.sort(key=lambda candidate: float(distances[:, candidate].mean()))
    return [int(places[candidate]) for candidate in chosen]


def _settle(distances: npt.NDArray[np.float32], chosen: list[int]) -> list[int]:
    """Move each of the chosen candidates where it serves best, given the others."""
    for place in range(len(chosen)):
        others = chosen[:place] + chosen[place + 1 :]
        nearest = distances[:, others].min(axis=1, keepdims=True)
        best = int(np.minimum(distances, nearest).sum(axis=0).argmin())
        chosen = [*chosen[:place], best, *chosen[place + 1 :]]
    return chosen


def assign_keys(codes: npt.NDArray[np.float32], keys: Sequence[int]) -> npt.NDArray[np.intp]:
    """For each frame the key frame, as a number into ``keys``, from which it is animated.

    The path of least distance to the key frames' codes, where a change has its cost too.

    :param codes: of all frames of the group, float32 [N, 2·N_F].
    :returns: numbers [N]; key frames have their own.
    """
    distances = np.linalg.norm(codes[:, None] - codes[None, list(keys)], axis=2)
    change = _CHANGE * (1 - np.eye(len(keys), dtype=np.float32))
    cost = distances[0]
    origins = []
    for row in distances[1:]:
        paths = cost[:, None] + change
        origins.append(paths.argmin(axis=0))
        cost = paths.min(axis=0) + row
    number = int(cost.argmin())
    assigned = [number]
    for origin in reversed(origins):
        number = int(origin[number])
        assigned.append(number)
    result = np.array(assigned[::-1])
    result[list(keys)] = np.arange(len(keys))
    return result
