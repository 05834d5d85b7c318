"""How faces move in the training clips, as a linear basis that motion codes begin with.

Heads move much further than lips and lids, and gradient descent learns the large directions of a
linear map first. Begun in the principal directions of keypoints' motion, each in the unit of its
own spread, small ones are learnt as fast as large ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from gvc.model.keypoints import face_size
from gvc.model.mttf import Mttf
from gvc.training.faces import EXPRESSIVE_KEYPOINTS, KEYPOINTS, MEETING, MIRRORED, Faces

Matrix = npt.NDArray[np.float64]

#: Principal directions, one for each of as many coefficients of a motion code.
DIRECTIONS = 24

#: How much more the shape of eyes and mouth counts than where they are.
_SHAPE = 4.0

#: Least spread of a direction, in normalised coordinates.
_SMALLEST = 1e-3

#: A keypoint reaches over this share of the way to this neighbour of it.
_REACH, _NEIGHBOUR = 0.35, 3

#: Neighbourhoods of lids and lips that can meet lie this share of their reach aside.
_ASIDE = 1.0

#: Pairs of frames drawn from each clip.
_PAIRS = 100


def begin_with_faces(network: Mttf, faces: Sequence[Faces], rng: np.random.Generator) -> None:
    """Let coder and decoder of ``network`` begin with the principal directions of face motion.

    :param faces: of the training clips; if no face is known in any, the network stays as it is.
    """
    positions, differences = _observe(faces, rng)
    if not len(positions):
        return
    shape = _shape_metric()
    values, vectors = np.linalg.eigh(np.cov(shape @ differences.T))
    values = values[::-1][:DIRECTIONS].clip(_SMALLEST**2)
    vectors = vectors[:, ::-1][:, :DIRECTIONS]
    encode = (vectors / np.sqrt(values)).T @ shape
    decode = np.linalg.solve(shape, vectors * np.sqrt(values))
    codes = positions @ encode.T
    length = network.profile.code_length
    # Spread over weights and biases alike.
    used = np.arange(DIRECTIONS) * length // DIRECTIONS
    rows, mean, deviation = np.zeros((length, len(shape))), np.zeros(length), np.ones(length)
    rows[used], mean[used], deviation[used] = encode, codes.mean(axis=0), codes.std(axis=0)
    columns = np.zeros((len(shape), length))
    columns[:, used] = decode * deviation[used]
    network.coder.begin_with(_tensor(rows), _tensor(mean), _tensor(deviation))
    with torch.no_grad():
        network.keypoint_motion.linear.weight.copy_(_tensor(columns))
        reaches = _reaches(_tensor(positions))
        network.keypoint_motion.log_reach.copy_(reaches.log())
        for points, side in zip(MEETING, (-1, 1), strict=True):
            places = [KEYPOINTS.index(point) for point in points]
            network.keypoint_motion.offset[places, 1] = side * _ASIDE * reaches[places]


def _reaches(positions: torch.Tensor) -> torch.Tensor:
    """How far each keypoint [K] reaches among its neighbours, in units of the face's size."""
    points = positions.unflatten(1, (len(KEYPOINTS), 2))
    distances = (torch.cdist(points, points) / face_size(points)[:, None, None]).mean(dim=0)
    nearest = distances.topk(_NEIGHBOUR + 1, largest=False).values[:, -1]
    return _REACH * nearest.clamp_min(1e-3)


def _observe(faces: Sequence[Faces], rng: np.random.Generator) -> tuple[Matrix, Matrix]:
    """Positions [M, 2·K] of keypoints, and differences [M, 2·K] between frames of one clip."""
    none = np.empty((0, 2 * len(KEYPOINTS)))
    positions, differences = [none], [none]
    for one in faces:
        for numbers, sign in ((KEYPOINTS, 1), (MIRRORED, -1)):
            points = one.landmarks[:, list(numbers)].astype(np.float64) * (sign, 1)
            points = points[np.isfinite(points).all(axis=(1, 2))].reshape(-1, 2 * len(KEYPOINTS))
            if len(points) < 2:
                continue
            first, second = rng.integers(len(points), size=(2, _PAIRS))
            positions.append(points[first])
            differences.append(points[second] - points[first])
    return np.concatenate(positions), np.concatenate(differences)


def _shape_metric() -> Matrix:
    """A matrix [2·K, 2·K] under which shapes of eyes and mouth are larger than they are."""
    count = len(KEYPOINTS)
    metric = np.eye(count)
    for group in EXPRESSIVE_KEYPOINTS:
        rows = np.array(group)
        inside = np.ix_(rows, rows)
        metric[inside] += _SHAPE * (np.eye(len(rows)) - 1 / len(rows))
    return np.asarray(np.kron(metric, np.eye(2)), dtype=np.float64)


def _tensor(array: npt.NDArray[np.floating]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).float()
