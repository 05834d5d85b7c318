"""Byte streams of NAL units (Annex B of H.265 and H.266) taken apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from gvc.keyframe.codec import CodedKeyFrame

#: The start code that is kept; four-byte ones carry a zero byte that no decoder needs.
_START = b"\x00\x00\x01"

_START_CODE = re.compile(rb"\x00*\x00\x00\x01")


def nal_units(stream: bytes) -> Iterator[bytes]:
    """The NAL units of a byte stream, without start codes."""
    for unit in _START_CODE.split(stream):
        unit = unit.rstrip(b"\x00")
        if unit:
            yield unit


def split_picture(
    stream: bytes,
    *,
    is_parameters: Callable[[bytes], bool],
    is_picture: Callable[[bytes], bool],
) -> CodedKeyFrame:
    """Sort the NAL units of one picture's stream; what is neither kind is left out."""
    parameters = [unit for unit in nal_units(stream) if is_parameters(unit)]
    picture = [unit for unit in nal_units(stream) if is_picture(unit)]
    return CodedKeyFrame(_join(parameters), _join(picture))


def _join(units: list[bytes]) -> bytes:
    return b"".join(_START + unit for unit in units)
