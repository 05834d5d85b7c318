"""Byte streams of NAL units (Annex B of H.265 and H.266) taken apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from gvc.errors import KeyFrameError
from gvc.keyframe.codec import CodedPictures

#: The start code that is kept; four-byte ones carry a zero byte that no decoder needs.
_START = b"\x00\x00\x01"

_START_CODE = re.compile(rb"\x00*\x00\x00\x01")


def nal_units(stream: bytes) -> Iterator[bytes]:
    """The NAL units of a byte stream, without start codes."""
    for unit in _START_CODE.split(stream):
        unit = unit.rstrip(b"\x00")
        if unit:
            yield unit


def split_pictures(
    streams: Iterable[bytes],
    *,
    is_parameters: Callable[[bytes], bool],
    is_picture: Callable[[bytes], bool],
) -> CodedPictures:
    """Sort the NAL units of some pictures' streams; what is neither kind is left out.

    :raises KeyFrameError: if parameter sets change on the way.
    """
    parameters: list[bytes] = []
    pictures = []
    for stream in streams:
        units = list(nal_units(stream))
        sets = [unit for unit in units if is_parameters(unit)]
        if parameters and sets not in ([], parameters):
            raise KeyFrameError("the key-frame encoder changed its parameter sets on the way")
        parameters = parameters or sets
        pictures.append(_join(unit for unit in units if is_picture(unit)))
    return CodedPictures(_join(parameters), tuple(pictures))


def _join(units: Iterable[bytes]) -> bytes:
    return b"".join(_START + unit for unit in units)
