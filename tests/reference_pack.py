"""Clause 7 of docs/bitstream.md in plain Python: speaker packs, and what they make of weights.

See :mod:`reference_decoder`. Sums are exact fractions here, rounded once to float32 and once to
float16.
"""

from __future__ import annotations

import hashlib
import struct
from fractions import Fraction
from typing import Any

from reference_decoder import Fields, crc32c
from reference_numbers import Context, RangeDecoder, magnitude, magnitude_contexts, plain


def pack(data: bytes, shapes: list[tuple[int, ...]]) -> dict[str, Any]:
    """What a pack says of tensors with these ``shapes``, in the order of their names."""
    assert data[:5] == b"\x8fGVP\x01"
    assert int.from_bytes(data[-4:], "little") == crc32c(data[:-4])
    r = Fields(data[6:-4])
    base, tensors, number = r.take(16), [], -1
    for _ in range(r.u()):
        number += 1 + r.u()
        tensors.append({"number": number, "shift": r.u()})
    coder = RangeDecoder(r.data[r.at :])
    for tensor in tensors:
        rows, columns = shapes[tensor["number"]][0], 1
        for side in shapes[tensor["number"]][1:]:
            columns *= side
        tensor["levels"] = levels(coder, rows, columns)
    name = hashlib.sha256(data).digest()[:16]
    return {"weights": base, "fingerprint": name, "tensors": tensors}


def levels(coder: RangeDecoder, rows: int, columns: int) -> list[int]:
    zero = [[Context(1 << 14, 2, 250) for _ in range(4)] for _ in range(3)]
    sizes, found = magnitude_contexts(), [0] * (rows * columns)

    def some(row: int, column: int) -> int:
        inside = row >= 0 and 0 <= column < columns
        return int(inside and found[row * columns + column] != 0)

    for row in range(rows):
        for column in range(columns):
            before = some(row, column - 1) + some(row, column - 2)
            above = sum(some(row - 1, column + side) for side in (-1, 0, 1))
            if plain(coder, zero[before][above]):
                negative = coder.bit(1 << 15)
                size = magnitude(coder, 1, sizes)
                found[row * columns + column] = -size if negative else size
    return found


def adapted(value: float, level: int, shift: int) -> float:
    """One value of a tensor, float16, with its level."""
    exact = Fraction(value) + Fraction(level, 1 << shift)
    single = struct.unpack("<f", struct.pack("<f", float(exact)))[0]
    return struct.unpack("<e", struct.pack("<e", max(-1024.0, min(1024.0, single))))[0]
