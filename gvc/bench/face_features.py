"""How alike mouths and eyes are, apart from the rest of the picture.

They are a hundredth of it: LPIPS of the whole picture hardly sees them, and people see nothing
else.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as functional
from torch import Tensor

from gvc.bench.reference import Planes, Reference
from gvc.errors import UnsupportedError
from gvc.faces import FacePoints
from gvc.metrics import Lpips
from gvc.model.device import select_device


@dataclass(frozen=True, slots=True)
class Feature:
    """A part of a face that is cut out, upright.

    :param score: name of its score.
    :param middle: numbers of the points of :meth:`gvc.faces.FacePoints.find` that it lies between.
    :param width: over the distance between the eyes.
    :param size: width and height of the cut-out in pixels.
    """

    score: str
    middle: tuple[int, int]
    width: float
    size: tuple[int, int]


_FEATURES = (
    Feature("mouth_lpips_alex", (3, 4), 1.4, (128, 96)),
    Feature("eyes_lpips_alex", (0, 1), 2.2, (192, 80)),
)

#: Five points of each face that is looked at, by picture.
_Points = dict[int, npt.NDArray[np.float64]]


def find_face_features(folder: Path | None, *, every: int, device: str) -> FaceFeatures | None:
    """What compares mouths and eyes, if this machine can; see :class:`FaceFeatures`.

    :raises WeightsError: if the network of LPIPS is not found.
    """
    try:
        return FaceFeatures(folder, every=every, device=device)
    except UnsupportedError:
        return None


class FaceFeatures:
    """Compares mouths and eyes by LPIPS-alex, by any thread.

    :param folder: of LPIPS's networks, see :class:`gvc.metrics.Lpips`.
    :param every: one picture in so many is looked at.
    :raises WeightsError: if the network is not found.
    :raises UnsupportedError: if nothing on this machine finds points of faces.
    """

    #: Names what is measured, for results.
    fingerprint = "features1"

    def __init__(self, folder: Path | None, *, every: int, device: str) -> None:
        self._every, self._device = every, select_device(device)
        self._finder = FacePoints()
        self._lpips = Lpips("alex", folder).to(self._device)
        self._lock = threading.Lock()
        self._originals: dict[str, _Points] = {}

    @torch.inference_mode()
    def score(self, reference: Reference, decoded: Planes) -> dict[str, float]:
        """Mean distance of mouths and of eyes.

        :returns: nothing if no picture that is looked at has a face.
        """
        points = self._points(reference)
        if not points:
            return {}
        original = reference.planes()
        scores: dict[str, list[float]] = {feature.score: [] for feature in _FEATURES}
        for index, five in points.items():
            pair = [self._tensor(reference.rgb(p, [index])) for p in (original, decoded)]
            for feature in _FEATURES:
                one, other = (cut_out(picture, five, feature) for picture in pair)
                scores[feature.score].append(self._lpips(one, other).item())
        return {name: float(np.mean(values)) for name, values in scores.items()}

    def _points(self, reference: Reference) -> _Points:
        with self._lock:
            known = self._originals.get(reference.digest)
            if known is None:
                known = {}
                for index in range(0, reference.frames, self._every):
                    (picture,) = reference.rgb(reference.planes(), [index])
                    five = self._finder.find(picture)
                    if five is not None:
                        known[index] = five
                self._originals[reference.digest] = known
        return known

    def _tensor(self, pictures: npt.NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(pictures).to(self._device).permute(0, 3, 1, 2).float() / 255


def cut_out(picture: Tensor, five: npt.NDArray[np.float64], feature: Feature) -> Tensor:
    """A feature of a face, turned upright: [1, 3, height, width] of a picture [1, 3, H, W].

    :param five: see :meth:`gvc.faces.FacePoints.find`.
    """
    eyes = five[1] - five[0]
    columns, rows = feature.size
    step = feature.width * math.hypot(*eyes) / columns
    turn = complex(*eyes) / abs(complex(*eyes)) * step
    middle = five[list(feature.middle)].mean(axis=0)
    x, y = np.arange(columns) - (columns - 1) / 2, np.arange(rows) - (rows - 1) / 2
    there = complex(*middle) + turn * (x + 1j * y[:, None])
    height, width = picture.shape[-2:]
    grid = np.stack([there.real / width, there.imag / height], axis=-1) * 2 - 1
    return functional.grid_sample(
        picture,
        torch.from_numpy(grid[None]).to(picture),
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
