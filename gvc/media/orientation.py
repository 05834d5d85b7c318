"""Pictures turned upright, as the display matrix of their stream says."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any, cast

import av
from av.sidedata.sidedata import Type

from gvc.media.filters import Filter, FilterChain

#: Turns an upright frame into one that no longer says how it was turned.
_FORGET: Filter = ("sidedata", "mode=delete:type=DISPLAYMATRIX")

#: How many types of side data FFmpeg may have that PyAV does not know.
_NEW_TYPES = 16

#: Takes off those.
_NEWEST = max(int(each.value) for each in cast(Iterable[Any], Type))
_FORGET_NEW: list[Filter] = [
    ("sidedata", f"mode=delete:type={number}")
    for number in range(_NEWEST + 1, _NEWEST + 1 + _NEW_TYPES)
]

#: Names of the transposing filters by whether x' runs against y, and y' against x.
_TRANSPOSE = {
    (False, False): "cclock_flip",
    (True, False): "clock",
    (False, True): "cclock",
    (True, True): "clock_flip",
}


class Upright:
    """Turns and mirrors the frames of a stream, each as its display matrix says.

    Turns are by quarters; FFmpeg's other angles, which no camera writes, go to the nearest.
    """

    def __init__(self) -> None:
        #: Whether width and height of the first frame change places; None before it.
        self._turned: bool | None = None
        self._chains: dict[tuple[Filter, ...], FilterChain] = {}
        self._strip = FilterChain(_FORGET_NEW)

    @property
    def turned(self) -> bool:
        """Whether width and height of the first frame change places."""
        return bool(self._turned)

    def turn(self, frame: av.VideoFrame) -> av.VideoFrame:
        """``frame`` upright, with its pts."""
        filters = _filters(frame, self._strip)
        if self._turned is None:
            self._turned = any(name == "transpose" for name, _ in filters)
        if not filters:
            return frame
        if filters not in self._chains:
            self._chains[filters] = FilterChain([*filters, _FORGET])
        (turned,) = self._chains[filters].push(frame)
        return turned


def _filters(frame: av.VideoFrame, strip: FilterChain) -> tuple[Filter, ...]:
    """Filters, with their arguments, that make ``frame`` upright.

    :param strip: takes off side data that PyAV does not know.

    A display matrix maps (x, y), y downwards, to x' = a x + c y and y' = b x + d y
    (libavutil/display.h).
    """
    matrix = _display_matrix(frame, strip)
    if matrix is None:
        return ()
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix)
    if abs(b) + abs(c) > abs(a) + abs(d):
        return (("transpose", _TRANSPOSE[c < 0, b < 0]),)
    mirrors = {"hflip": a < 0, "vflip": d < 0}
    return tuple((name, None) for name, wanted in mirrors.items() if wanted)


def _display_matrix(frame: av.VideoFrame, strip: FilterChain) -> bytes | None:
    """The display matrix of ``frame``, if it has one."""
    try:
        side_data = cast(Mapping[Any, Any], frame.side_data)
    except ValueError:
        # PyAV knows the types up to its time only; Exif, in the pictures of cameras, is no such.
        (stripped,) = strip.push(frame)
        side_data = cast(Mapping[Any, Any], stripped.side_data)
    return bytes(side_data[Type.DISPLAYMATRIX]) if Type.DISPLAYMATRIX in side_data else None
