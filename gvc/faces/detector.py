"""Faces by dlib's detector, which is part of its wheel."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from gvc.errors import UnsupportedError
from gvc.faces.face import Face, Faces

#: Longest side of the pictures that are searched, in pixels; the least face has about a tenth.
_SIDE = 800


def can_be_found() -> bool:
    """Whether what :func:`finder` needs is installed."""
    return importlib.util.find_spec("dlib") is not None


def finder(what: str = "a canvas", *, otherwise: str = "--canvas off") -> Faces:
    """What finds faces on this machine.

    :param what: needs it. :param otherwise: an option that does not.
    :raises UnsupportedError: if dlib is not installed.
    """
    if not can_be_found():
        raise UnsupportedError(
            f"{what} needs dlib to find faces, which is not installed",
            hint=f"pip install 'gvc[canvas]', or {otherwise}",
        )
    return _Gradients()


class _Gradients:
    """Histograms of oriented gradients, five views from profile to profile."""

    def __init__(self) -> None:
        library: Any = importlib.import_module("dlib")
        self._detect = library.get_frontal_face_detector()

    def find(self, picture: npt.NDArray[np.uint8]) -> Sequence[Face]:
        """See :class:`Faces`."""
        height, width = picture.shape[:2]
        scale = min(1.0, _SIDE / max(height, width))
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        grey = frame.reformat(round(width * scale), round(height * scale), "gray").to_ndarray()
        found = self._detect(np.ascontiguousarray(grey), 0)
        return [
            Face(box.left() / scale, box.top() / scale, box.width() / scale, box.height() / scale)
            for box in found
        ]
