"""The size of pictures as sequence parameter sets say it, before a decoder sees them.

Decoders take memory for all that belongs to a picture before they ask whether it may be that large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gvc.errors import InvalidDataError
from gvc.keyframe.annexb import nal_units

#: The first bytes of a parameter set hold the size, whatever its optional parts are.
_ENOUGH = 512

#: Reads the size in a NAL unit; None if that is no sequence parameter set.
SizeReader = Callable[[bytes], tuple[int, int] | None]


def sizes_in(stream: bytes, read_size: SizeReader) -> Iterator[tuple[int, int]]:
    """Width and height in all sequence parameter sets of a byte stream.

    :raises InvalidDataError: if one is damaged.
    """
    for unit in nal_units(stream):
        size = read_size(unit[:_ENOUGH])
        if size is not None:
            yield size


def hevc_size(unit: bytes) -> tuple[int, int] | None:
    """Width and height in luma samples (H.265, 7.3.2.2)."""
    if unit[0] >> 1 & 0x3F != 33:
        return None
    bits = _Bits(unit[2:])
    bits.skip(4)
    layers = bits.take(3)
    # Nesting; general profile and level.
    bits.skip(1 + 96)
    present = [(bits.take(1), bits.take(1)) for _ in range(8 if layers else 0)]
    for profile, level in present[:layers]:
        bits.skip(88 * profile + 8 * level)
    bits.golomb()
    if bits.golomb() == 3:
        bits.skip(1)
    return bits.golomb(), bits.golomb()


def vvc_size(unit: bytes) -> tuple[int, int] | None:
    """The greatest width and height in luma samples (H.266, 7.3.2.4)."""
    if len(unit) < 2 or unit[1] >> 3 != 15:
        return None
    bits = _Bits(unit[2:])
    bits.skip(8)
    layers = bits.take(3)
    bits.skip(4)
    if bits.take(1):
        _skip_vvc_profile(bits, layers)
    bits.skip(1)
    if bits.take(1):
        bits.skip(1)
    return bits.golomb(), bits.golomb()


def _skip_vvc_profile(bits: _Bits, layers: int) -> None:
    """Pass over profile_tier_level (H.266, 7.3.3)."""
    bits.skip(8 + 8 + 2)
    if bits.take(1):
        bits.skip(71)
        bits.skip(bits.take(8))
    bits.align()
    present = [bits.take(1) for _ in range(layers)]
    bits.align()
    bits.skip(8 * sum(present))
    bits.skip(32 * bits.take(8))


class _Bits:
    """The bits of a NAL unit behind its header, most significant first.

    :raises InvalidDataError: from every method, if it ends before.
    """

    def __init__(self, data: bytes) -> None:
        payload = data.replace(b"\0\0\3", b"\0\0")
        self._length = 8 * len(payload)
        self._value = int.from_bytes(payload, "big")
        self._at = 0

    def take(self, count: int) -> int:
        self.skip(count)
        return self._value >> (self._length - self._at) & ((1 << count) - 1)

    def skip(self, count: int) -> None:
        self._at += count
        if self._at > self._length:
            raise InvalidDataError("damaged key frame: a parameter set is cut off")

    def align(self) -> None:
        self.skip(-self._at % 8)

    def golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros | self.take(zeros)) - 1
