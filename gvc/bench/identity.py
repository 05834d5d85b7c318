"""Whether a face recogniser still knows who is in decoded pictures.

Faces of the original and of the decoded picture are compared as MobileFaceNet sees them. Both are
cut out at the points that are found in the original.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gvc.bench.reference import Planes, Reference
from gvc.errors import UnsupportedError
from gvc.faces import FacePoints
from gvc.metrics import FaceEmbedding
from gvc.model.device import select_device

#: Faces more alike than this are taken for the same person: of pairs of different people from 104,
#: one in a hundred is (docs/machine.md).
VERIFIED = 0.263

#: Pictures that are looked at together.
_BATCH = 16


@dataclass(frozen=True, slots=True)
class _Original:
    """Faces of a reference: in which pictures, where, and as unit vectors [N, 128]."""

    indices: list[int]
    points: list[npt.NDArray[np.float64]]
    faces: Tensor


def why_no_faces(folder: Path | None) -> str | None:
    """Why faces are not compared although the network is in ``folder``; None if it is otherwise."""
    if FaceEmbedding.path(folder) is None:
        return None
    try:
        FacePoints().close()
    except UnsupportedError as error:
        return f"{error.cause} ({error.hint})"
    return None


def find_face_similarity(folder: Path | None, *, every: int, device: str) -> FaceSimilarity | None:
    """What compares faces, if this machine can; see :class:`FaceSimilarity`.

    :raises WeightsError: if the file of the network is none.
    """
    if FaceEmbedding.path(folder) is None:
        return None
    try:
        return FaceSimilarity(folder, every=every, device=device)
    except UnsupportedError:
        return None


class FaceSimilarity:
    """Compares faces in decoded pictures with those in their originals, by any thread.

    :param folder: of the network, see :class:`gvc.metrics.FaceEmbedding`.
    :param every: one picture in so many is looked at.
    :raises WeightsError: if the network is not found.
    :raises UnsupportedError: if nothing on this machine finds points of faces.
    """

    def __init__(self, folder: Path | None, *, every: int, device: str) -> None:
        self._every, self._device = every, select_device(device)
        self._points = FacePoints()
        path = FaceEmbedding.path(folder)
        self._network = FaceEmbedding(folder).to(self._device)
        #: Names the network, for results.
        self.fingerprint = hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path else ""
        self._lock = threading.Lock()
        self._originals: dict[str, _Original] = {}

    @torch.inference_mode()
    def score(self, reference: Reference, decoded: Planes) -> dict[str, float]:
        """Mean similarity, and the share of pictures in which the person is verified.

        :returns: nothing if no picture that is looked at has a face.
        """
        original = self._original(reference)
        if not original.indices:
            return {}
        found = self._embedded(reference, decoded, original.indices, original.points)
        alike = (original.faces * found).sum(dim=1)
        return {
            "face_similarity": alike.mean().item(),
            "face_verified": (alike > VERIFIED).float().mean().item(),
        }

    def _original(self, reference: Reference) -> _Original:
        with self._lock:
            known = self._originals.get(reference.digest)
            if known is None:
                known = self._find(reference)
                self._originals[reference.digest] = known
        return known

    def _find(self, reference: Reference) -> _Original:
        indices, points = [], []
        for index in range(0, reference.frames, self._every):
            (picture,) = reference.rgb(reference.planes(), [index])
            five = self._points.find(picture)
            if five is not None:
                indices.append(index)
                points.append(five)
        faces = self._embedded(reference, reference.planes(), indices, points)
        return _Original(indices, points, faces)

    def _embedded(
        self,
        reference: Reference,
        planes: Planes,
        indices: list[int],
        points: list[npt.NDArray[np.float64]],
    ) -> Tensor:
        seen = [torch.zeros(0, 128, device=self._device)]
        for first in range(0, len(indices), _BATCH):
            part = slice(first, first + _BATCH)
            pictures = torch.from_numpy(reference.rgb(planes, indices[part])).to(self._device)
            pictures = pictures.permute(0, 3, 1, 2).float() / 255
            seen.append(self._network(pictures, np.stack(points[part])))
        return torch.cat(seen)
