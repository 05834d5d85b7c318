"""Signed integers as binary decisions: is it zero? its sign; its magnitude."""

from __future__ import annotations

from collections.abc import Sequence

from gvc.entropy.binary import ONE, BinaryCoder
from gvc.entropy.logistic import Context
from gvc.errors import InvalidDataError

#: Most bits of a number in exponential Golomb code, its leading one left out.
_MAX_BITS = 40


#: Steps of a magnitude that have contexts of their own.
_UNARY = 12


def walk_golomb(coder: BinaryCoder, wanted: int, lengths: Sequence[Context]) -> int:
    """A number from 0, in exponential Golomb code of order 0.

    Its length, in unary, is under ``lengths``, of which the last serves all further decisions; the
    bit behind the leading one has even odds like those that follow.

    :raises InvalidDataError: if a decoder finds a number beyond 2^41.
    """
    bits = 0
    while True:
        context = lengths[min(bits, len(lengths) - 1)]
        more = coder.code(int((wanted + 1) >> (bits + 1) > 0), context.probability)
        context.update(more)
        if not more:
            break
        bits += 1
        if bits > _MAX_BITS:
            raise InvalidDataError("damaged motion codes: a number is out of range")
    value = 1
    for position in reversed(range(bits)):
        value = 2 * value + coder.code(((wanted + 1) >> position) & 1, ONE // 2)
    return value - 1


def walk_signed(
    coder: BinaryCoder, wanted: int, zero: Context, sign: Context, lengths: Sequence[Context]
) -> int:
    """A signed number: is it other than 0? is it negative? its magnitude less 1."""
    if not walk_bit(coder, int(wanted != 0), zero):
        return 0
    negative = walk_bit(coder, int(wanted < 0), sign)
    magnitude = 1 + walk_golomb(coder, abs(wanted) - 1, lengths)
    return -magnitude if negative else magnitude


def walk_bit(coder: BinaryCoder, bit: int, context: Context) -> int:
    """A decision under one context, which learns it."""
    bit = coder.code(bit, context.probability)
    context.update(bit)
    return bit


def sign_class(value: int) -> int:
    """0 for zero, 1 for positive, 2 for negative."""
    return 0 if value == 0 else 1 if value > 0 else 2


def walk_magnitude(coder: BinaryCoder, wanted: int, least: int, contexts: Sequence[Context]) -> int:
    """A magnitude of at least ``least``: in unary under twelve contexts, then Golomb's code."""
    magnitude = least
    for context in contexts[:_UNARY]:
        if not walk_bit(coder, int(wanted > magnitude), context):
            return magnitude
        magnitude += 1
    return magnitude + walk_golomb(coder, wanted - magnitude, contexts[_UNARY:])


def magnitude_contexts() -> list[Context]:
    """The contexts for :func:`walk_magnitude`."""
    return [Context(ONE // 4, 4) for _ in range(_UNARY + 8)]


def walk_unpredicted(coder: BinaryCoder, wanted: Sequence[int]) -> list[int]:
    """Numbers of which nothing is known: lengths of magnitudes under contexts, then their bits."""
    lengths = [Context(15 << 12, 2) for _ in range(20)]
    found = []
    for level in wanted:
        magnitude = walk_golomb(coder, abs(level), lengths)
        negative = magnitude and coder.code(int(level < 0), ONE // 2)
        found.append(-magnitude if negative else magnitude)
    return found
