"""Pictures in which faces are kept and all else is flattened, so that it takes hardly any bits."""

from __future__ import annotations

from collections.abc import Sequence

import av
import numpy as np
import numpy.typing as npt

from gvc import faces
from gvc.codec.settings import EncoderSettings, Purpose
from gvc.faces import Face, Faces
from gvc.media import colour_of, scale, tag, to_rgb

#: Semi-axes of the ellipse that is kept, and how far its middle is above that of the face, in
#: widths and heights of a face.
_ACROSS, _DOWN, _UP = 0.62, 0.78, 0.12

#: Where nothing is left of what is around it, in semi-axes.
_FADE = 1.6

#: All else is as smooth as a picture of so many pixels on its shorter side.
_COARSE = 12

#: Height of a face in key frames with a canvas, in pixels: more is not worth its bits.
_FACE = 120

#: One frame in so many is searched; in so many without a face, it is where it was last.
_EVERY, _PATIENCE = 4, 25


class FaceFocus:
    """Flattens what is not a face, in consecutive frames.

    :param finder: finds faces.
    """

    def __init__(self, finder: Faces) -> None:
        self._finder = finder
        self._faces: Sequence[Face] = ()
        #: Frames since these were found.
        self._age = 0

    def keep_faces(self, frame: av.VideoFrame, *, anew: bool) -> av.VideoFrame:
        """A frame yuv420p like the next one, flattened where no face is; as it is if there is none.

        :param anew: whether what was found before means nothing: after a cut.
        """
        self._age += 1
        if anew or self._age % _EVERY == 0:
            found = self._finder.find(to_rgb(frame, frame.width, frame.height))
            if found or anew or self._age > _PATIENCE:
                self._faces, self._age = found, 0
        return flatten(frame, self._faces) if self._faces else frame


def focus_for(settings: EncoderSettings, finder: Faces | None) -> FaceFocus | None:
    """What flattens pictures, if ``settings`` ask for that.

    :param finder: finds faces; None takes what this machine has.
    :raises UnsupportedError: if nothing here finds faces.
    """
    if settings.purpose is not Purpose.MACHINE:
        return None
    return FaceFocus(finder or faces.finder("--for machine", otherwise="--for people"))


def canvas_scale(settings: EncoderSettings, face: float | None) -> float:
    """By which factor a canvas is smaller than the picture.

    :param face: height of the largest face in the picture's pixels, where that is known.
    """
    if settings.purpose is not Purpose.MACHINE or face is None:
        return 1.0
    return min(1.0, _FACE / face)


def flatten(frame: av.VideoFrame, kept: Sequence[Face]) -> av.VideoFrame:
    """A frame yuv420p like ``frame``, which is that, flattened where none of ``kept`` is."""
    width, height, colour = frame.width, frame.height, colour_of(frame)
    factor = _COARSE / min(width, height)
    small = scale(frame, max(2, round(width * factor)), max(2, round(height * factor)), colour)
    share = _share(kept, width, height)
    # Luma, and both planes of chroma at half its size.
    coarser = share.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)).reshape(-1)
    shares = np.concatenate([share.reshape(-1), coarser, coarser]).reshape(-1, width)
    flat = scale(small, width, height, colour).to_ndarray().astype(np.float32)
    mixed = np.rint(flat + shares * (frame.to_ndarray() - flat)).astype(np.uint8)
    return tag(av.VideoFrame.from_ndarray(mixed, format="yuv420p"), colour)


def _share(kept: Sequence[Face], width: int, height: int) -> npt.NDArray[np.float32]:
    """How much of each pixel is kept, [height, width]: 1 in faces, falling smoothly around them."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) + 0.5
    share = np.zeros((height, width), np.float32)
    for face in kept:
        across = (x - face.left - face.width / 2) / (_ACROSS * face.width)
        down = (y - face.top - (0.5 - _UP) * face.height) / (_DOWN * face.height)
        way = np.clip((_FADE - np.hypot(across, down)) / (_FADE - 1), 0, 1)
        share = np.maximum(share, way * way * (3 - 2 * way))
    return share
