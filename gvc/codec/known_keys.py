"""Which key frames of earlier groups those of the next one are predicted from.

What stood still since then costs next to nothing: in a recording of a minute the room, and most of
the person.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt

from gvc.bitstream import MAX_REFERENCES
from gvc.keyframe import CodedReference
from gvc.media import to_rgb

#: Side of the thumbnails by which key frames are compared.
_SIDE = 32

#: Pictures that differ by more than this on average, of 255, are not tried: another place.
_UNLIKE = 40.0


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key frame of an earlier group.

    :param pts: of the first frame of its group. :param coded: the key frame.
    """

    pts: int
    coded: CodedReference


class KnownKeys:
    """The key frames that decoders have at hand, as groups are coded in order.

    :param reach: for how long one may be used, in the stream's time base.
    """

    def __init__(self, reach: int) -> None:
        self._reach = reach
        self._keys: list[tuple[KnownKey, npt.NDArray[np.float32]]] = []

    def add(self, key: KnownKey | None) -> None:
        """Take the first key frame of a group that is predicted from no other, once."""
        if key is None or any(key.pts == other.pts for other, _ in self._keys):
            return
        self._keys = [*self._keys, (key, _thumbnail(key.coded.picture))][-MAX_REFERENCES:]

    def like(self, picture: av.VideoFrame, *, pts: int) -> KnownKey | None:
        """The key frame that is most like a picture of a group that begins at ``pts``, or None."""
        thumbnail = _thumbnail(picture)
        near = [
            (difference, -key.pts, key)
            for key, other in self._keys
            if 0 < pts - key.pts < self._reach
            and (difference := _difference(other, thumbnail)) <= _UNLIKE
        ]
        return min(near, key=lambda each: each[:2])[2] if near else None


def alike(one: av.VideoFrame, other: av.VideoFrame) -> bool:
    """Whether it may pay to predict one of two pictures from the other."""
    return _difference(_thumbnail(one), _thumbnail(other)) <= _UNLIKE


def _difference(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    return float(np.abs(one - other).mean())


def _thumbnail(picture: av.VideoFrame) -> npt.NDArray[np.float32]:
    return to_rgb(picture, _SIDE, _SIDE).astype(np.float32)
