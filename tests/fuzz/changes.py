"""Small random changes of bytes."""

from __future__ import annotations

import random
from collections.abc import Callable

from gvc.container.varint import decode_varint, encode_varint
from gvc.errors import InvalidDataError

#: Changes some bytes.
Change = Callable[[bytes], bytes]

#: Integers at which something may begin or end.
EDGES = sorted({0, *((1 << k) + d for k in (0, 1, 4, 7, 8, 12, 14, 16, 20, 23, 25, 26, 31, 32, 33,
                                           60, 61, 62, 63) for d in (-1, 0, 1)
                     if (1 << k) + d < 1 << 63)})  # fmt: skip


def change_bytes(data: bytes, chance: random.Random) -> bytes:
    """Flip, set, insert, remove or copy a few bytes, or replace an integer of variable length."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        place = _place(len(changed), chance)
        length = chance.choice((1, 1, 2, 4, 8, 32))
        kind = chance.randrange(7)
        if kind == 0 and changed:
            changed[place] ^= 1 << chance.randrange(8)
        elif kind == 1 and changed:
            changed[place] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
        elif kind == 2:
            changed[place:place] = chance.randbytes(length)
        elif kind == 3:
            del changed[place : place + length]
        elif kind == 4 and changed:
            start = chance.randrange(len(changed))
            changed[place:place] = changed[start : start + length]
        else:
            _replace_integer(changed, place, chance)
    return bytes(changed)


def cut(data: bytes, chance: random.Random) -> bytes:
    """The first bytes."""
    return data[: chance.randrange(len(data) + 1)]


def _place(length: int, chance: random.Random) -> int:
    """Somewhere; half of the time near the beginning, where most fields are."""
    if not length:
        return 0
    return chance.randrange(min(length, 24) if chance.random() < 0.5 else length)


def _replace_integer(data: bytearray, place: int, chance: random.Random) -> None:
    try:
        value, end = decode_varint(data, place)
    except InvalidDataError:
        value, end = 0, place
    if chance.random() < 0.5:
        value = chance.choice(EDGES)
    else:
        value = min(max(0, value + chance.randint(-3, 3)), (1 << 63) - 1)
    data[place:end] = encode_varint(value)
