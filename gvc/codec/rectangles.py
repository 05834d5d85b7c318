"""Which parts of the pictures of a group are generated: squares around heads and shoulders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from gvc.bitstream import RECTANGLE_UNIT, Rectangle
from gvc.faces import Face

#: One frame in so many is searched for faces.
FACES_EVERY = 8

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

#: Of several faces each has to be there in this share of the frames; from one frame to the next it
#: moves by less than this many times its height, and keeps its size up to this factor.
_MOST_OF_THE_TIME, _STRIDE, _GROWTH = 0.6, 0.6, 1.6

#: Squares that would overlap where nothing of them fades, but for this share of their sides at each
#: border, are made smaller by these factors.
_FADES, _TIGHTER = 0.14, (1.0, 0.9, 0.8)


def choose_rectangles(
    found: Sequence[Sequence[Face]], width: int, height: int, *, most: int
) -> list[Rectangle]:
    """Squares around the largest faces that are there most of the time, the largest first.

    They overlap at most where they fade; where that cannot be, the smaller face gets none.

    :param most: most squares. The rest is as for :func:`choose_rectangle`, which says where the
        only one is.
    """
    people = _people(found, height) if most > 1 else []
    while len(people) > 1:
        for tightness in _TIGHTER:
            squares = [_square(boxes, width, height, tightness) for boxes in people[:most]]
            clashes = _clashes(squares)
            if not clashes:
                return squares
        del people[clashes[0]]
    only = choose_rectangle(found, width, height)
    return [] if only is None else [only]


def choose_rectangle(found: Sequence[Sequence[Face]], width: int, height: int) -> Rectangle | None:
    """A square around the face that is the largest one most of the time.

    :param found: faces in some frames of a group, in pixels.
    :param width: of the frames, in pixels, a multiple of 8; :param height: likewise.
    :returns: None if there is no face, or none of any size.
    """
    largest = [max(faces, key=lambda face: face.height) for faces in found if faces]
    boxes = _boxes(largest)
    if not len(boxes) or _face_height(boxes) < _LEAST * height:
        return None
    return _square(_of_one_face(boxes), width, height)


def _people(found: Sequence[Sequence[Face]], height: int) -> list[npt.NDArray[np.float64]]:
    """The boxes of each face of some size that is there most of the time, the largest first."""
    tracks = list[list[Face]]()
    for faces in found:
        pairs = [
            (_distance(track[-1], face), number, face)
            for number, track in enumerate(tracks)
            for face in faces
            if _may_be(track[-1], face)
        ]
        followed, taken = set[int](), list[Face]()
        for _, number, face in sorted(pairs, key=lambda pair: pair[0]):
            if number not in followed and face not in taken:
                tracks[number].append(face)
                followed.add(number)
                taken.append(face)
        tracks += [[face] for face in faces if face not in taken]
    boxes = [_boxes(track) for track in tracks if len(track) >= _MOST_OF_THE_TIME * len(found)]
    tall = [each for each in boxes if _face_height(each) >= _LEAST * height]
    return sorted(tall, key=_face_height, reverse=True)


def _may_be(before: Face, face: Face) -> bool:
    """Whether a face is the one that was seen before."""
    small, large = sorted((before.height, face.height))
    return _distance(before, face) < _STRIDE * large and large < _GROWTH * small


def _distance(one: Face, other: Face) -> float:
    """Between the middles of two faces."""
    across = one.left + one.width / 2 - other.left - other.width / 2
    return math.hypot(across, one.top + one.height / 2 - other.top - other.height / 2)


def _clashes(squares: Sequence[Rectangle]) -> list[int]:
    """Which squares overlap with one before them where neither fades."""
    return [
        number
        for (_, one), (number, other) in combinations(enumerate(squares), 2)
        if min(
            min(one.right, other.right) - max(one.left, other.left),
            min(one.bottom, other.bottom) - max(one.top, other.top),
        )
        > _FADES * (one.width + other.width)
    ]


def _square(
    boxes: npt.NDArray[np.float64], width: int, height: int, tightness: float = 1.0
) -> Rectangle:
    """A square around a face wherever it goes.

    :param boxes: left, top, right and bottom, [N, 4]. :param tightness: factor of its usual side.
    """
    face = _face_height(boxes) * tightness
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


def _boxes(faces: Sequence[Face]) -> npt.NDArray[np.float64]:
    return np.array([[f.left, f.top, f.left + f.width, f.top + f.height] for f in faces])


def _face_height(boxes: npt.NDArray[np.float64]) -> float:
    return float(np.median(boxes[:, 3] - boxes[:, 1]))


def _whole_units(length: float) -> int:
    return max(0, int(length // RECTANGLE_UNIT) * RECTANGLE_UNIT)
