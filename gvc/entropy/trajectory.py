"""What the learned prior sees of the frames before: leaky sums and means, in integers.

This is the recurrent part of the prior. Its rates are fixed, so that it needs no training through
time; the layers behind it are trained.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gvc.entropy.logistic import STRETCH

Integers = npt.NDArray[np.int64]

#: Features of each coefficient, and of the whole frame.
FEATURES, FRAME_FEATURES = 10, 6

#: Features are within ± this.
_BOUND = 255

#: Levels themselves, in units of 1/16, are within ± this.
_LEVEL_BOUND = 1 << 24

_STRETCH = np.array(STRETCH, np.int64)


class Trajectory:
    """The levels of a group so far.

    All features are in units of 1/16 and within ± 255.

    :param first: levels of the first inter frame, int [L].
    """

    def __init__(self, first: Integers) -> None:
        zeros = np.zeros(len(first), np.int64)
        self._levels = np.clip(first * 16, -_LEVEL_BOUND, _LEVEL_BOUND)
        self._near, self._far = self._levels.copy(), self._levels.copy()
        self._change = zeros
        self._fast, self._slow = zeros.copy(), zeros.copy()
        self._busy_fast, self._busy_slow = zeros.copy(), zeros.copy()
        self._size = zeros + 8
        self._changes, self._frames = zeros.copy(), 0
        self._rate = zeros + 1600
        self._counts = [0, 0, 32, 32]

    def push(self, change: Integers) -> None:
        """Take the next frame's changes, int [L]."""
        changed = change != 0
        limited = np.clip(change, -4, 4)
        self._levels = np.clip(self._levels + change * 16, -_LEVEL_BOUND, _LEVEL_BOUND)
        self._near += (self._levels - self._near) >> 3
        self._far += (self._levels - self._far) >> 5
        self._change = limited * 16
        self._fast += limited * 16 - (self._fast >> 1)
        self._slow += limited * 16 - (self._slow >> 3)
        self._busy_fast += changed * 16 - (self._busy_fast >> 1)
        self._busy_slow += changed * 16 - (self._busy_slow >> 3)
        size = np.minimum(np.abs(change) - 1, 8) * 16
        self._size += np.where(changed, (size - self._size) >> 3, 0)
        self._changes += changed
        self._frames += 1
        self._rate += ((changed << 16) - self._rate) >> 6
        count = int(changed.sum())
        last, _, fast, slow = self._counts
        self._counts = [
            count,
            last,
            fast + ((64 * count - fast) >> 2),
            slow + ((64 * count - slow) >> 5),
        ]

    def features(self) -> Integers:
        """Of each coefficient: [L, :data:`FEATURES`]."""
        mean = ((self._changes << 16) + 40000) // (self._frames + 20)
        rows = (
            self._change,
            self._fast,
            self._slow,
            self._levels - self._near,
            self._levels - self._far,
            self._busy_fast,
            self._busy_slow,
            self._size,
            _STRETCH[np.minimum(mean, 65535) >> 4] >> 4,
            _STRETCH[np.clip(self._rate, 0, 65535) >> 4] >> 4,
        )
        return np.clip(np.stack(rows, axis=1), -_BOUND, _BOUND)

    def frame_features(self) -> Integers:
        """Of the frame as a whole: [:data:`FRAME_FEATURES`]."""
        last, before, fast, slow = self._counts
        return np.array(
            [
                16 * min(last, 8),
                16 * (last > 0),
                16 * min(before, 8),
                _logarithm(fast + 4),
                _logarithm(slow + 4),
                16 if self._frames < 4 else 0,
            ],
            np.int64,
        )


def _logarithm(value: int) -> int:
    """16 · log2(value), straight lines between powers of two."""
    length = value.bit_length()
    return 16 * (length - 1) + ((value << 4 >> (length - 1)) - 16)
