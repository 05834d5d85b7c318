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

#: Names of the transposing filters by whether x' runs against y, and y' against x.
_TRANSPOSE = {
    (False, False): "cclock_flip",
    (True, False): "clock",
    (False, True): "cclock",
    (True, True): "clock_flip",
}


class Upright:
    """Turns and mirrors the frames of a stream, all as the display matrix of the first says.

    Turns are by quarters; FFmpeg's other angles, which no camera writes, go to the nearest.
    """

    def __init__(self, frame: av.VideoFrame) -> None:
        filters = _filters(frame)
        #: Whether width and height change places.
        self.turned = any(name == "transpose" for name, _ in filters)
        self._chain = FilterChain([*filters, _FORGET]) if filters else None

    def turn(self, frame: av.VideoFrame) -> av.VideoFrame:
        """``frame`` upright, with its pts."""
        if self._chain is None:
            return frame
        (turned,) = self._chain.push(frame)
        return turned


def _filters(frame: av.VideoFrame) -> list[Filter]:
    """Filters, with their arguments, that make ``frame`` upright.

    A display matrix maps (x, y), y downwards, to x' = a x + c y and y' = b x + d y
    (libavutil/display.h).
    """
    matrix = _display_matrix(frame)
    if matrix is None:
        return []
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix)
    if abs(b) + abs(c) > abs(a) + abs(d):
        return [("transpose", _TRANSPOSE[c < 0, b < 0])]
    mirrors = {"hflip": a < 0, "vflip": d < 0}
    return [(name, None) for name, wanted in mirrors.items() if wanted]


def _display_matrix(frame: av.VideoFrame) -> bytes | None:
    """The display matrix of ``frame``, if it has one."""
    try:
        side_data = cast(Mapping[Any, Any], frame.side_data)
    except ValueError:
        # PyAV knows the types up to its time only; Exif, in the pictures of cameras, is no such.
        side_data = cast(Mapping[Any, Any], _without_new_side_data(frame).side_data)
    return bytes(side_data[Type.DISPLAYMATRIX]) if Type.DISPLAYMATRIX in side_data else None


def _without_new_side_data(frame: av.VideoFrame) -> av.VideoFrame:
    newest = max(int(each.value) for each in cast(Iterable[Any], Type))
    types = range(newest + 1, newest + 1 + _NEW_TYPES)
    chain = FilterChain([("sidedata", f"mode=delete:type={number}") for number in types])
    (stripped,) = chain.push(frame)
    return stripped
