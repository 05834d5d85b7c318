"""Faces by dlib's detector, which is part of the wheel ``dlib-bin``."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from gvc.errors import UnsupportedError
from gvc.faces.face import Face, Faces

#: Longest side of the pictures that are searched, in pixels; the least face has about a tenth.
_SIDE = 800


def finder(what: str = "a canvas", *, otherwise: str = "--canvas off") -> Faces:
    """Make what finds faces on this machine.

    :param what: needs it. :param otherwise: an option that does not.
    :raises UnsupportedError: if dlib is missing, or cannot be loaded here.
    """
    try:
        library: Any = importlib.import_module("dlib")
    except (ImportError, OSError) as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "dlib"
        state = "is not installed" if missing else f"does not load here: {error}"
        raise UnsupportedError(
            f"{what} needs dlib to find faces, which {state}",
            hint=f"pip install {'' if missing else '--force-reinstall '}dlib-bin, or {otherwise}",
        ) from error
    return _Gradients(library)


class _Gradients:
    """Histograms of oriented gradients, five views from profile to profile."""

    def __init__(self, library: Any) -> None:
        self._detect = library.get_frontal_face_detector()

    def find(self, picture: npt.NDArray[np.uint8]) -> Sequence[Face]:
        """See :class:`Faces`."""
        height, width = picture.shape[:2]
        scale = min(1.0, _SIDE / max(height, width))
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        across, down = (max(1, round(side * scale)) for side in (width, height))
        grey = frame.reformat(across, down, "gray").to_ndarray()
        found = self._detect(np.ascontiguousarray(grey), 0)
        return [
            Face(box.left() / scale, box.top() / scale, box.width() / scale, box.height() / scale)
            for box in found
        ]
