"""Whether eyes and mouth open and close as they did.

Perceptual distances hardly see it: a mouth is a hundredth of a picture, and one that stands still
is as sharp as one that speaks.
"""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from gvc.bench.reference import Planes, Reference
from gvc.errors import UnsupportedError
from gvc.faces import FacePoints

#: Names of the scores, in the order of :meth:`gvc.faces.FacePoints.openings`.
_NAMES = ("eyes_follow", "mouth_follows")

#: Fewest pictures with a face, and the least standard deviation, over the width, of what moves:
#: less is the noise of the points.
_LEAST, _MOVES = 8, 0.015


def find_expression(*, every: int) -> Expression | None:
    """What compares expressions, if this machine can; see :class:`Expression`."""
    try:
        return Expression(every=every)
    except UnsupportedError:
        return None


class Expression:
    """Compares how far eyes and mouth are open, by any thread.

    :param every: one picture in so many is looked at.
    :raises UnsupportedError: if nothing on this machine finds points of faces.
    """

    #: Names what is measured, for results.
    fingerprint = "openings1"

    def __init__(self, *, every: int) -> None:
        self._every = every
        self._points = FacePoints()
        self._lock = threading.Lock()
        self._originals: dict[str, npt.NDArray[np.float64]] = {}

    def score(self, reference: Reference, decoded: Planes) -> dict[str, float]:
        """How much of the movement of eyes and of the mouth is there; see :func:`followed`.

        :returns: nothing for what hardly moves in the original.
        """
        with self._lock:
            original = self._originals.get(reference.digest)
            if original is None:
                original = self._openings(reference, reference.planes())
                self._originals[reference.digest] = original
            found = self._openings(reference, decoded)
        scores = map(followed, original.T, found.T)
        return {
            name: score for name, score in zip(_NAMES, scores, strict=True) if score is not None
        }

    def _openings(self, reference: Reference, planes: Planes) -> npt.NDArray[np.float64]:
        """Those of eyes and mouth in each picture that is looked at, [N, 2]; NaN without a face."""
        looked_at = range(0, reference.frames, self._every)
        openings = np.full((len(looked_at), 2), np.nan)
        for row, index in enumerate(looked_at):
            (picture,) = reference.rgb(planes, [index])
            found = self._points.openings(picture)
            if found is not None:
                openings[row] = found
        return openings


def followed(original: npt.NDArray[np.float64], decoded: npt.NDArray[np.float64]) -> float | None:
    """The share of a movement's variance that a decoded one explains, 0 to 1.

    Both are less their means: an eye that is always a little further open is none the worse. 1 is
    the same movement, 0 is as good as none.

    :param original: [N], NaN where there is no face; such pictures do not count.
    :param decoded: [N]; where it is NaN, nothing has moved.
    :returns: None if the original has too few pictures, or hardly moves.
    """
    seen = ~np.isnan(original)
    if seen.sum() < _LEAST or original[seen].std() < _MOVES:
        return None
    wanted = original[seen] - original[seen].mean()
    found = decoded[seen]
    if np.isnan(found).all():
        return 0.0
    moved = np.nan_to_num(found - np.nanmean(found))
    return float(max(0.0, 1 - ((moved - wanted) ** 2).sum() / (wanted**2).sum()))
