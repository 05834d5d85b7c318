"""Which part of the pictures of a group is generated: a square around a head and its shoulders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gvc.bitstream import RECTANGLE_UNIT, Rectangle
from gvc.faces import Face

#: Side of the square in heights of a face, and where the middle of the face is in it: from the top,
#: as a share. The clips that the networks learned from show faces like that.
_SIDE, _MIDDLE = 2.2, 0.5

#: How far the square goes beyond a face that moves, at least, in heights of the face.
_MARGIN = 0.45

#: Faces lower than this share of the picture's height are left to the key frames.
_LEAST = 1 / 12

#: The least side of a rectangle in a file, in pixels.
_LEAST_SIDE = 2 * RECTANGLE_UNIT

#: Share of the frames with a face in which it may be beyond the margin, at each side.
_BEYOND = 0.05


def choose_rectangle(found: Sequence[Sequence[Face]], width: int, height: int) -> Rectangle | None:
    """A square around the face that is the largest one most of the time.

    :param found: faces in some frames of a group, in pixels.
    :param width: of the frames, in pixels, a multiple of 8; :param height: likewise.
    :returns: None if there is no face, or none of any size.
    """
    largest = [max(faces, key=lambda face: face.height) for faces in found if faces]
    boxes = np.array([[f.left, f.top, f.left + f.width, f.top + f.height] for f in largest])
    if not len(boxes) or np.median(boxes[:, 3] - boxes[:, 1]) < _LEAST * height:
        return None
    boxes = _of_one_face(boxes)
    face = float(np.median(boxes[:, 3] - boxes[:, 1]))
    left, top = np.quantile(boxes[:, :2], _BEYOND, axis=0)
    right, bottom = np.quantile(boxes[:, 2:], 1 - _BEYOND, axis=0)
    wanted = max(_SIDE * face, *(far - near + 2 * _MARGIN * face for near, far in
                                 ((left, right), (top, bottom))))  # fmt: skip
    side = _whole_units(min(max(wanted, _LEAST_SIDE), width, height))
    across = _whole_units(np.clip((left + right - side) / 2, 0, width - side))
    down = _whole_units(np.clip((top + bottom) / 2 - _MIDDLE * side, 0, height - side))
    return Rectangle(across, down, side, side)


def _of_one_face(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The boxes that are about where most of them are: others are of somebody else, or of nobody.

    :param boxes: left, top, right and bottom, [N, 4].
    """
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    distances = np.linalg.norm(middles[:, None] - middles, axis=2)
    size = np.median(boxes[:, 3] - boxes[:, 1])
    # Not the mean of two people, but where one of them is.
    usual = np.median(distances, axis=1).argmin()
    return boxes[distances[usual] <= 1.5 * size]


def _whole_units(length: float) -> int:
    return max(0, int(length // RECTANGLE_UNIT) * RECTANGLE_UNIT)
