"""Binary decisions through constriction's range coder."""

from __future__ import annotations

import functools
from typing import Protocol

import constriction
import numpy as np

from gvc.errors import InvalidDataError

_Bernoulli = constriction.stream.model.Bernoulli

#: Probabilities are multiples of 2^-16.
ONE = 1 << 16

#: How far a probability stays away from 0 and 1, in those units.
_MARGIN = 24

#: Parts into which the range is divided before a probability is applied.
_PARTS_BITS = 24

_STATE = 1 << 64


class BinaryCoder(Protocol):
    """Codes decisions when it encodes; finds them out when it decodes."""

    def code(self, bit: int, probability: int) -> int:
        """Code a decision whose probability of 1 is about ``probability``·2^-16; returns it.

        Probabilities are limited to 24 … 2^16 − 24. A decoder passes over ``bit``.
        """


class BinaryEncoder:
    """Writes decisions."""

    def __init__(self) -> None:
        self._bits: list[int] = []
        self._probabilities: list[int] = []

    def code(self, bit: int, probability: int) -> int:
        """See :class:`BinaryCoder`."""
        self._bits.append(bit)
        self._probabilities.append(min(max(probability, _MARGIN), ONE - _MARGIN))
        return bit

    def finish(self) -> bytes:
        """The words of the range coder, big-endian, without what a decoder need not see."""
        coder = constriction.stream.queue.RangeEncoder()
        probabilities = np.array(self._probabilities, np.float64) / ONE
        coder.encode(np.array(self._bits, np.int32), _Bernoulli(perfect=False), probabilities)
        words = coder.get_compressed().astype(">u4").tobytes()
        return _shortest(words, *self._interval())

    def _interval(self) -> tuple[int, int, int]:
        """Words that are settled, and the interval of the two behind them: low and width."""
        settled, low, width = 0, 0, _STATE - 1
        for bit, probability in zip(self._bits, self._probabilities, strict=True):
            parts = 1 << _PARTS_BITS
            bound = ((ONE - probability) * (parts - 2) >> 16) + 1
            unit = width >> _PARTS_BITS
            if bit:
                low = (low + bound * unit) % _STATE
                width = (parts - bound) * unit
            else:
                width = bound * unit
            if width < 1 << 32:
                settled, low, width = settled + 1, (low << 32) % _STATE, width << 32
        return settled, low, width


def _shortest(words: bytes, settled: int, low: int, width: int) -> bytes:
    """The shortest bytes that, with zeros behind them, name a point of the last interval."""
    whole = 4 * settled + 8
    point = int.from_bytes(words.ljust(whole, b"\0"), "big")
    below = (point - low) % _STATE
    for bits in range(64, -1, -8):
        rest = point % (1 << bits)
        for rounded in (point - rest, point - rest + (1 << bits)):
            if -below <= rounded - point < width - below and not rounded >> 8 * whole:
                return rounded.to_bytes(whole, "big").rstrip(b"\0")
    return words


class BinaryDecoder:
    """Reads decisions; behind the end of the data are zeros."""

    def __init__(self, data: bytes) -> None:
        padded = data + bytes(-len(data) % 4)
        self._coder = constriction.stream.queue.RangeDecoder(
            np.frombuffer(padded, dtype=">u4").astype(np.uint32)
        )

    def code(self, bit: int, probability: int) -> int:
        """See :class:`BinaryCoder`.

        :raises InvalidDataError: if the data cannot come from an encoder.
        """
        try:
            return int(self._coder.decode(_model(min(max(probability, _MARGIN), ONE - _MARGIN))))
        except AssertionError as error:
            raise InvalidDataError("damaged motion codes") from error


@functools.cache
def _model(probability: int) -> constriction.stream.model.Bernoulli:
    return _Bernoulli(probability / ONE, perfect=False)
