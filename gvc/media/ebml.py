"""Elements of EBML, of which Matroska and WebM are made (RFC 8794)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Element(NamedTuple):
    """An element that was read.

    :param identity: of it, with the marker bits, as specifications write it.
    :param content: without the head. :param whole: with it, as it was read.
    """

    identity: int
    content: bytes
    whole: bytes


def element(identity: int, content: bytes) -> bytes:
    """An element; lengths of eight bytes are never wrong."""
    name = identity.to_bytes((identity.bit_length() + 7) // 8, "big")
    return name + (len(content) | 1 << 56).to_bytes(8, "big") + content


def elements(data: bytes) -> Iterator[Element]:
    """The elements that follow each other in ``data``, up to one that is not whole."""
    begin = 0
    while begin < len(data):
        length_at = begin + _width(data[begin])
        if length_at >= len(data):
            return
        content_at = length_at + _width(data[length_at])
        coded = int.from_bytes(data[length_at:content_at], "big")
        end = content_at + coded % (1 << 7 * (content_at - length_at))
        if end > len(data):
            return
        identity = int.from_bytes(data[begin:length_at], "big")
        yield Element(identity, data[content_at:end], data[begin:end])
        begin = end


def _width(first: int) -> int:
    """Bytes of a number of variable width that begins with the byte ``first``."""
    return 9 - first.bit_length()
