"""Binary decisions with adaptive probabilities, through constriction's range coder."""

from __future__ import annotations

from typing import Protocol

import constriction
import numpy as np

from gvc.errors import InvalidDataError

_Bernoulli = constriction.stream.model.Bernoulli

#: Probabilities are multiples of 2^-16.
_ONE = 1 << 16

#: How far a probability stays away from 0 and 1, in those units.
_MARGIN = 24

#: After this many decisions a probability follows the newest ones by a fixed share.
_LIMIT = 60


class Context:
    """The probability of a 1 in one kind of decision, estimated from those before.

    ``probability`` is in units of 2^-16. Each decision moves it towards what was decided by
    ⌊distance / (count + 1.5)⌋, so that it is the mean of all decisions at first and of about the
    last 60 later. ``count`` begins above 0 where experience is built in.
    """

    __slots__ = ("count", "probability")

    def __init__(self, probability: int = _ONE // 2, count: int = 0) -> None:
        self.probability = probability
        self.count = count

    def update(self, bit: int) -> None:
        """Take a decision into account."""
        distance = (_ONE if bit else 0) - self.probability
        self.probability += 2 * distance // (2 * self.count + 3)
        if self.count < _LIMIT:
            self.count += 1


def mixed(one: Context, other: Context) -> int:
    """The mean of two estimates, the surer one counting more, in units of 2^-16."""
    weight, rest = one.count + 1, other.count + 1
    mean = (weight * one.probability + rest * other.probability) // (weight + rest)
    return min(max(mean, _MARGIN), _ONE - _MARGIN)


class BinaryCoder(Protocol):
    """Codes decisions when it encodes; finds them out when it decodes."""

    def code(self, bit: int, probability: int) -> int:
        """Code a decision whose probability of 1 is ``probability``·2^-16; returns it.

        A decoder passes over ``bit``.
        """


class BinaryEncoder:
    """Writes decisions."""

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()

    def code(self, bit: int, probability: int) -> int:
        """See :class:`BinaryCoder`."""
        self._coder.encode(bit, _Bernoulli(probability / _ONE, perfect=False))
        return bit

    def finish(self) -> bytes:
        """All words of the range coder, each little-endian."""
        return self._coder.get_compressed().astype("<u4").tobytes()


class BinaryDecoder:
    """Reads decisions.

    :raises InvalidDataError: if the data cannot come from an encoder.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) % 4:
            raise InvalidDataError("motion codes are not whole words")
        self._coder = constriction.stream.queue.RangeDecoder(
            np.frombuffer(data, dtype="<u4").astype(np.uint32)
        )

    def code(self, bit: int, probability: int) -> int:
        """See :class:`BinaryCoder`."""
        try:
            return int(self._coder.decode(_Bernoulli(probability / _ONE, perfect=False)))
        except AssertionError as error:
            raise InvalidDataError("damaged motion codes") from error
