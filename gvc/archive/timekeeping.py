"""Times of packets added up, across gaps and places where they begin anew."""

from __future__ import annotations

#: Seconds by which times may go back before that is a new beginning, as for ffmpeg.
_BACK = 0.1

#: Seconds by which times may jump forwards before that is one, in formats whose times may: ffmpeg's
#: dts_delta_threshold.
_FORWARD = 10.0

#: Seconds without sound that are a gap.
GAP = 0.1


class Timekeeper:
    """Adds up the times of a stream's packets; takes the same memory however many there are.

    All times are seconds.

    :param discontinuous: whether the format is one whose times may jump, so that a long jump
        forwards is a new beginning and no gap.
    :param gap: what is longer than this between two packets counts as a gap; None where packets
        are not in the order in which they are shown.
    """

    def __init__(self, *, discontinuous: bool, gap: float | None = None) -> None:
        self._discontinuous, self._gap = discontinuous, gap
        self._last: float | None = None
        self._lasted = 0.0
        self._first = self._end = self._gaps = 0.0
        self._open = False
        #: Seconds of all pieces that are over, without gaps.
        self._sum = 0.0
        self._gaps_before = 0.0
        self._start: float | None = None
        #: How often times began anew, and how far they jumped forwards there.
        self.joins, self.jumps = 0, 0.0

    @property
    def expected(self) -> float | None:
        """When the next packet is decoded, if all goes on as it did."""
        return None if self._last is None else self._last + self._lasted

    def begins_anew(self, decoded: float) -> bool:
        """Whether times begin anew with a packet; the piece before it is over then.

        :param decoded: when it is decoded.
        """
        expected, last = self.expected, self._last
        self._last = decoded
        if last is None or expected is None:
            return False
        jump = decoded - expected
        forward = self._discontinuous and jump > _FORWARD
        if not forward and decoded >= last - _BACK:
            return False
        self.joins += 1
        self.jumps += max(0.0, jump)
        self._close()
        return True

    def lasts(self, duration: float) -> None:
        """How long the packet lasts that came last."""
        self._lasted = duration

    def show(self, start: float, end: float) -> None:
        """Something is shown, or heard, of the piece that is open."""
        if not self._open:
            self._open = True
            self._first, self._end = start, end
            return
        if self._gap is not None and start - self._end > self._gap:
            self._gaps += start - self._end
        self._first, self._end = min(self._first, start), max(self._end, end)

    @property
    def start(self) -> float | None:
        """When the first piece begins; None if there is nothing."""
        if self._start is not None:
            return self._start
        return self._first if self._open else None

    @property
    def end(self) -> float:
        """When the last piece ends."""
        return self._end

    @property
    def gaps(self) -> float:
        """Seconds of all gaps inside of pieces."""
        return self._gaps_before + self._gaps

    @property
    def seconds(self) -> float:
        """Of all pieces, their gaps left out."""
        return self._sum + (self._end - self._first - self._gaps if self._open else 0.0)

    def _close(self) -> None:
        if not self._open:
            return
        if self._start is None:
            self._start = self._first
        self._sum, self._gaps_before = self.seconds, self.gaps
        self._open, self._gaps = False, 0.0
