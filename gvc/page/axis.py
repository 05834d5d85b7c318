"""From quantities to places in a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gvc.page.text import clock

#: Steps between ticks of an axis, to powers of ten; those of clocks, in seconds.
_STEPS = (1, 2, 5, 10)
_CLOCK = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from ``low`` to ``high``.

    :param ticks: values that are written, with what is written.
    :param logarithmic: whether equal distances are equal ratios.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where ``value`` is, 0 to 1; what lies outside is at the end."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(max(value, low))
        return min(1.0, max(0.0, (value - low) / (high - low)))

    def value(self, place: float) -> float:
        """What lies at ``place``, 0 to 1."""
        if self.logarithmic:
            return self.low * (self.high / self.low) ** place
        return self.low + (self.high - self.low) * place


def linear_axis(greatest: float, *, ticks: int = 4, whole: bool = False) -> Axis:
    """From 0 to the next tick at or above ``greatest``.

    :param ticks: how many there are about. :param whole: whether ticks are whole numbers.
    """
    step = _step(greatest / ticks) if greatest > 0 else 1.0
    step = max(step, 1.0) if whole else step
    count = max(1, math.ceil(greatest / step - 1e-9))
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    marks = [(index * step, f"{index * step:,.{digits}f}") for index in range(1, count + 1)]
    return Axis(0.0, count * step, ((0.0, "0"), *marks))


def log_axis(values: Sequence[float]) -> Axis:
    """Around ``values``, which are positive, from one round number to another: 1, 2, 5, 10…"""
    rounds = [
        step * 10.0**power
        for power in range(math.floor(math.log10(min(values))) - 1, 13)
        for step in _STEPS[:-1]
    ]
    low = max(each for each in rounds if each <= min(values))
    high = min(each for each in rounds if each > max(values))
    marks = [each for each in rounds if low <= each <= high]
    if len(marks) > 9:
        marks = [each for each in marks if math.isclose(math.log10(each) % 1, 0, abs_tol=1e-9)]
    return Axis(low, high, tuple((each, f"{each:,g}") for each in marks), logarithmic=True)


def time_axis(seconds: float, *, ticks: int = 6) -> Axis:
    """From 0 to ``seconds``."""
    wanted = seconds / ticks
    if wanted <= 10:
        step = _step(wanted) if wanted > 0 else 1.0
    else:
        step = next((each for each in _CLOCK if each >= wanted), wanted)
    marks = [index * step for index in range(int(seconds / step + 1e-9) + 1)]
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if seconds < 60:
        return Axis(0.0, seconds or 1.0, tuple((each, f"{each:.{digits}f} s") for each in marks))
    return Axis(0.0, seconds, tuple((each, clock(each)) for each in marks))


def _step(least: float) -> float:
    """The next round number at or above ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))
