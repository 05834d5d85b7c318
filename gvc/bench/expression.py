"""Whether eyes and mouth open and close as they did, and eyes look where they did.

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

#: Names of the scores, and the columns of a row of :meth:`Expression._movements` they are of.
_SCORES = {"eyes_follow": slice(0, 1), "mouth_follows": slice(1, 2), "gaze_follows": slice(2, 4)}

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
    """Compares how far eyes and mouth are open, and where irises are, by any thread.

    :param every: one picture in so many is looked at.
    :raises UnsupportedError: if nothing on this machine finds points of faces.
    """

    #: Names what is measured, for results.
    fingerprint = "expression2"

    def __init__(self, *, every: int) -> None:
        self._every = every
        self._points = FacePoints()
        self._lock = threading.Lock()
        self._originals: dict[str, npt.NDArray[np.float64]] = {}

    def score(self, reference: Reference, decoded: Planes) -> dict[str, float]:
        """How much of the movement of eyes, mouth and gaze is there; see :func:`followed`.

        :returns: nothing for what hardly moves in the original.
        """
        with self._lock:
            original = self._originals.get(reference.digest)
            if original is None:
                original = self._movements(reference, reference.planes())
                self._originals[reference.digest] = original
            found = self._movements(reference, decoded)
        scores = {
            name: followed(original[:, columns], found[:, columns])
            for name, columns in _SCORES.items()
        }
        return {name: score for name, score in scores.items() if score is not None}

    def _movements(self, reference: Reference, planes: Planes) -> npt.NDArray[np.float64]:
        """Openings of eyes and mouth, and gaze, in each picture that is looked at, [N, 4].

        Without a face a row is NaN.
        """
        looked_at = range(0, reference.frames, self._every)
        rows = np.full((len(looked_at), 4), np.nan)
        for row, index in zip(rows, looked_at, strict=True):
            (picture,) = reference.rgb(planes, [index])
            openings, gaze = self._points.openings(picture), self._points.gaze(picture)
            if openings is not None and gaze is not None:
                row[:] = *openings, *gaze
        return rows


def followed(original: npt.NDArray[np.float64], decoded: npt.NDArray[np.float64]) -> float | None:
    """The share of a movement's variance that a decoded one explains, 0 to 1.

    Both are less their means: an eye that is always a little further open is none the worse. 1 is
    the same movement, 0 is as good as none.

    :param original: [N] or [N, axes], NaN where there is no face; such pictures do not count.
    :param decoded: of the same shape; where it is NaN, nothing has moved.
    :returns: None if the original has too few pictures, or hardly moves.
    """
    original, decoded = (each.reshape(len(each), -1) for each in (original, decoded))
    seen = np.asarray(~np.isnan(original).any(axis=1))
    if seen.sum() < _LEAST:
        return None
    wanted = original[seen] - original[seen].mean(axis=0)
    if np.sqrt((wanted**2).sum(axis=1).mean()) < _MOVES:
        return None
    found = decoded[seen]
    there = np.asarray(~np.isnan(found).any(axis=1))
    if not there.any():
        return 0.0
    moved = np.zeros_like(wanted)
    moved[there] = found[there] - found[there].mean(axis=0)
    return float(max(0.0, 1 - ((moved - wanted) ** 2).sum() / (wanted**2).sum()))
