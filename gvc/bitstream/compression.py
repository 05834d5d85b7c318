"""Headers in few bytes: deflate with a dictionary of what headers say as a rule.

Names, a fingerprint, parameter sets of the key-frame codec: nearly all of a header is the same in
all files, and in a short one it would be a tenth of all bytes.
"""

from __future__ import annotations

import zlib
from functools import cache
from importlib import resources

from gvc.errors import InvalidDataError, UnsupportedError

#: Number of the newest dictionary; all older ones stay readable.
_NEWEST = 5

#: Numbers of those that headers are written with: the one that makes the shortest.
_WRITTEN = 2, 3, 4

#: Most bytes of a header.
MAX_HEADER = 1 << 20


def compress(data: bytes, *, newest: bool = False) -> bytes:
    """The number of the dictionary, and ``data`` as a raw deflate stream (RFC 1951).

    :param newest: whether it may be one that readers of files that are not compact need not know.
    """
    numbers = (*_WRITTEN, _NEWEST) if newest else _WRITTEN
    return min((_compressed(data, number) for number in numbers), key=len)


def decompress(data: bytes) -> bytes:
    """What :func:`compress` was given.

    :raises InvalidDataError: if it is damaged or longer than :data:`MAX_HEADER`.
    :raises UnsupportedError: if the dictionary is not known.
    """
    if not data:
        raise InvalidDataError("the header is empty")
    if not 1 <= data[0] <= _NEWEST:
        raise UnsupportedError("made by a newer version of gvc", hint="update gvc")
    decoder = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=_dictionary(data[0]))
    try:
        header = decoder.decompress(data[1:], MAX_HEADER)
    except zlib.error as error:
        raise InvalidDataError("the header is damaged") from error
    if not decoder.eof:
        raise InvalidDataError("the header is cut off or too long")
    return header


def _compressed(data: bytes, number: int) -> bytes:
    coder = zlib.compressobj(9, wbits=-zlib.MAX_WBITS, zdict=_dictionary(number))
    return bytes([number]) + coder.compress(data) + coder.flush()


@cache
def _dictionary(number: int) -> bytes:
    return resources.files(__package__).joinpath(f"header-{number}.bin").read_bytes()
