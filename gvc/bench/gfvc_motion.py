"""How the public software of generative face video coding codes motion, as a reference for rates.

The scheme, written anew: levels are predicted by those of the frame before, residuals become
exponential Golomb codes of order 0, and the bits of these go through a binary arithmetic coder with
one adaptive probability, which starts anew in each frame. Each frame is a whole number of bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt


def code_group(levels: npt.NDArray[np.int32]) -> list[bytes]:
    """The frames of a group, each coded.

    :param levels: of the inter frames in order, int32 [N, L].
    """
    before = np.zeros_like(levels[:1])
    residuals = np.diff(levels, axis=0, prepend=before)
    return [_code_bits(_golomb(row.tolist())) for row in residuals]


def _golomb(residuals: list[int]) -> Iterator[int]:
    """Bits of the residuals in exponential Golomb code: 0, 1, −1, 2, −2… are 0, 1, 2, 3, 4…."""
    for value in residuals:
        number = (2 * value - 1 if value > 0 else -2 * value) + 1
        length = number.bit_length()
        yield from [0] * (length - 1)
        yield from (number >> place & 1 for place in reversed(range(length)))


def _code_bits(bits: Iterator[int]) -> bytes:
    """Arithmetic code with exact fractions, cut after the first byte that tells it from others.

    Nothing is lost to rounding, nor for lengths or an end-of-frame symbol: real coders need more.
    """
    low, width, whole = 0, 1, 1
    counts = [1, 1]
    for bit in bits:
        total = sum(counts)
        low = low * total + (counts[0] * width if bit else 0)
        width *= counts[bit]
        whole *= total
        counts[bit] += 1
    length = 0
    while True:
        # The first multiple of 256^-length that is not below the interval, and the one after.
        scale = 256**length
        point = -(-low * scale // whole)
        if (point + 1) * whole <= (low + width) * scale:
            return point.to_bytes(length, "big")
        length += 1
