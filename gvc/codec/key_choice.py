"""Which frame of a group becomes its key frame.

All other frames are animated from it, so it should be like all of them: half way of a turning head,
eyes open, the mouth as it is most of the time. Motion codes say what a frame is like, in units in
which differences hurt pictures alike, and they are known before any key frame is.
"""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt

from gvc.media import to_yuv420

#: Most candidates of a group.
MAX_CANDIDATES = 64


class KeyCandidates:
    """Frames of one group that may become its key frame: evenly spread, however long it gets."""

    def __init__(self) -> None:
        self._pictures: dict[int, av.VideoFrame] = {}
        self._stride = 1

    def offer(self, index: int, frame: av.VideoFrame, size: tuple[int, int]) -> None:
        """Take the next frame of the group, number ``index`` of it.

        :param size: width and height at which key frames are coded.
        """
        if index % self._stride:
            return
        if len(self._pictures) == MAX_CANDIDATES:
            self._stride *= 2
            self._pictures = {
                number: picture
                for number, picture in self._pictures.items()
                if number % self._stride == 0
            }
            if index % self._stride:
                return
        self._pictures[index] = to_yuv420(frame, *size)

    def choose(self, codes: npt.NDArray[np.float32]) -> tuple[int, av.VideoFrame]:
        """The candidate whose motion code is closest to those of all frames, on average.

        :param codes: of all frames of the group, [N, 2·N_F] in units of the coder's spread.
        :returns: its number, and its picture as a key-frame codec takes it. The other candidates
            are dropped.
        """
        best = min(
            self._pictures,
            key=lambda index: float(np.linalg.norm(codes - codes[index], axis=1).mean()),
        )
        picture = self._pictures[best]
        self._pictures = {}
        return best, picture
