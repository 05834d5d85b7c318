"""Levels of speaker packs: arrays of small integers, most of them zero.

Where a level is other than zero, so are others of its row, and those at its place in the row
before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from gvc.entropy.binary import ONE, BinaryCoder, BinaryDecoder, BinaryEncoder
from gvc.entropy.logistic import Context
from gvc.entropy.values import magnitude_contexts, walk_bit, walk_magnitude
from gvc.errors import InvalidDataError

#: Levels are within ± this.
MAX_DIFFERENCE = 1 << 12

#: Most levels of all arrays together.
MAX_LEVELS = 1 << 19

Levels = npt.NDArray[np.int32]


def encode_differences(arrays: Iterable[Levels]) -> bytes:
    """Code arrays, int32 [rows, columns] each, within ± :data:`MAX_DIFFERENCE`."""
    coder = BinaryEncoder()
    for array in arrays:
        _walk(coder, array.tolist(), *array.shape)
    return coder.finish()


def decode_differences(data: bytes, shapes: Sequence[tuple[int, int]]) -> list[Levels]:
    """What :func:`encode_differences` was given.

    :param shapes: rows and columns of each array.
    :raises InvalidDataError: if there are too many levels, or the data are damaged.
    """
    if sum(rows * columns for rows, columns in shapes) > MAX_LEVELS:
        raise InvalidDataError("the speaker pack changes too much")
    coder = BinaryDecoder(data)
    return [np.array(_walk(coder, None, *shape), np.int32).reshape(shape) for shape in shapes]


def _walk(
    coder: BinaryCoder, wanted: list[list[int]] | None, rows: int, columns: int
) -> list[list[int]]:
    """Code one array, or, given None, find it out."""
    # By how many of the two levels before in the row, and of the three around the place in the row
    # before, are other than zero.
    zero = [[Context(1 << 14, 2, 250) for _ in range(4)] for _ in range(3)]
    sizes = magnitude_contexts()
    above = [0] * (columns + 2)
    found = list[list[int]]()
    for row in range(rows):
        given = wanted[row] if wanted is not None else None
        line, here = list[int](), [0] * (columns + 2)
        for column in range(columns):
            level = 0 if given is None else given[column]
            context = zero[here[column] + here[column - 1]][sum(above[column : column + 3])]
            if walk_bit(coder, int(level != 0), context):
                negative = coder.code(int(level < 0), ONE // 2)
                magnitude = walk_magnitude(coder, abs(level), 1, sizes)
                if magnitude > MAX_DIFFERENCE:
                    raise InvalidDataError("the speaker pack is damaged")
                level = -magnitude if negative else magnitude
                here[column + 1] = 1
            else:
                level = 0
            line.append(level)
        above = here
        found.append(line)
    return found
