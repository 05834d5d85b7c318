"""Sound kept to its timeline: gaps, overlaps and clocks that drift."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from gvc.media.sound_format import Samples

#: Blocks that must agree that sound is early or late. A single one may have a time that is not
#: exact, as where somebody noted when it arrived.
_AGREEING = 5

#: Seconds off from which on there is a gap or an overlap; what is less is a clock that drifts.
_HARD = 0.010

#: Seconds off that stay: rounding to milliseconds is less. Drift is corrected down to half of it.
_SOFT = 0.002

#: Seconds in which drift is corrected, and the most by which sound is stretched for it.
_CORRECTION = 0.1
_STRETCH = 0.06

#: Longest gap in seconds that is filled with silence; a longer one stays a gap.
_FILLED = 1.0


class SoundTimeline:
    """Makes one stretch of samples of blocks with times, so that each is heard when it should be.

    Gaps become silence, and what overlaps is cut, from 10 ms on; where a clock drifts, sound is
    stretched by as much. Gaps of more than a second stay: samples after them have a later time.

    :param rate: samples per second. :param channels: of each block.
    """

    def __init__(self, *, rate: int, channels: int) -> None:
        self._rate = rate
        self._channels = channels
        self._waiting: deque[tuple[int, Samples]] = deque()
        #: When the block after those that wait begins, where it does not say.
        self._next = 0
        #: When the next sample is heard.
        self._position: int | None = None

    def push(self, begin: int | None, samples: Samples) -> Iterator[tuple[int, Samples]]:
        """Take a block; gives blocks that are ready, each with the time at which it is heard.

        :param begin: when it begins, in samples; None if it follows the one before.
        :param samples: [channels, samples].
        """
        begin = self._next if begin is None else begin
        self._next = begin + samples.shape[1]
        self._waiting.append((begin, samples))
        while len(self._waiting) >= _AGREEING:
            yield from self._place()

    def finish(self) -> Iterator[tuple[int, Samples]]:
        """The blocks that are left."""
        while self._waiting:
            yield from self._place()

    def _place(self) -> Iterator[tuple[int, Samples]]:
        """Give the block that waits longest."""
        late = self._lateness()
        begin, samples = self._waiting.popleft()
        if self._position is None or late > _FILLED * self._rate:
            self._position = begin
        elif late >= _HARD * self._rate:
            yield from self._given(np.zeros((self._channels, late), np.float32))
        elif late <= -_HARD * self._rate:
            samples = samples[:, -late:]
        elif abs(late) > _SOFT * self._rate:
            samples = self._stretched(samples, late)
        yield from self._given(samples)

    def _given(self, samples: Samples) -> Iterator[tuple[int, Samples]]:
        assert self._position is not None
        if samples.shape[1]:
            yield self._position, samples
        self._position += samples.shape[1]

    def _lateness(self) -> int:
        """By how many samples all blocks that wait come too late at least, too early if negative.

        0 where they do not agree.
        """
        if self._position is None:
            return 0
        expected, off = self._position, []
        for begin, samples in self._waiting:
            off.append(begin - expected)
            expected += samples.shape[1]
        return max(0, min(off)) + min(0, max(off))

    def _stretched(self, samples: Samples, late: int) -> Samples:
        """A block made longer, where it is late, or shorter."""
        length = samples.shape[1]
        excess = abs(late) - _SOFT / 2 * self._rate
        share = min(excess / (_CORRECTION * self._rate), _STRETCH)
        wanted = length + round(length * share) * (1 if late > 0 else -1)
        if wanted == length or wanted < 2:
            return samples
        places = np.linspace(0, length - 1, wanted)
        stretched = [np.interp(places, np.arange(length), channel) for channel in samples]
        return np.array(stretched, dtype=np.float32)
