"""A face in a picture, and what finds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Face:
    """Where a face is, from the brows to the chin and from cheek to cheek, in pixels.

    :param left: of its first column, which may lie outside of the picture. :param top: likewise.
    :param width: of it. :param height: of it.
    """

    left: float
    top: float
    width: float
    height: float


class Faces(Protocol):
    """Finds faces."""

    def find(self, picture: npt.NDArray[np.uint8]) -> Sequence[Face]:
        """The faces in an RGB picture uint8 [H, W, 3], in any order."""
