"""Fractions as PyAV gives them, made Python's: the one place that knows of the difference.

PyAV gives :class:`fractions.Fraction` up to version 18, and a class of its own from 19 on.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol


class Rational(Protocol):
    """Anything with numerator and denominator: an integer, a fraction, PyAV's ``AVRational``."""

    @property
    def numerator(self) -> int:
        """What is above the line."""

    @property
    def denominator(self) -> int:
        """What is below it."""


def fraction(value: Rational) -> Fraction:
    """``value`` as Python's fraction.

    :raises ZeroDivisionError: if its denominator is 0.
    """
    return Fraction(int(value.numerator), int(value.denominator))
