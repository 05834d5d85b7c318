"""Pictures turned upright, as the display matrix of their stream says."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping
from typing import Any, cast

import av
import av.filter
from av.sidedata.sidedata import Type

#: Turns an upright frame into one that no longer says how it was turned.
_FORGET = ("sidedata", "mode=delete:type=DISPLAYMATRIX")

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
        self._filters = _filters(frame)
        self._format: tuple[int, int, str] | None = None
        self._graph: av.filter.Graph | None = None

    @property
    def turned(self) -> bool:
        """Whether width and height change places."""
        return any(name == "transpose" for name, _ in self._filters)

    def turn(self, frame: av.VideoFrame) -> av.VideoFrame:
        """``frame`` upright, with its pts."""
        if not self._filters:
            return frame
        form = (frame.width, frame.height, frame.format.name)
        if self._graph is None or form != self._format:
            self._graph, self._format = self._make_graph(frame), form
        self._graph.push(frame)
        turned = self._graph.pull()
        assert isinstance(turned, av.VideoFrame)
        return turned

    def _make_graph(self, frame: av.VideoFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        nodes = [
            graph.add_buffer(
                width=frame.width,
                height=frame.height,
                format=frame.format,
                time_base=frame.time_base,
            ),
            *(graph.add(name, arguments) for name, arguments in (*self._filters, _FORGET)),
            graph.add("buffersink"),
        ]
        for one, other in itertools.pairwise(nodes):
            one.link_to(other)
        graph.configure()
        return graph


def _filters(frame: av.VideoFrame) -> list[tuple[str, str | None]]:
    """Filters, with their arguments, that make ``frame`` upright.

    A display matrix maps (x, y), y downwards, to x' = a x + c y and y' = b x + d y
    (libavutil/display.h).
    """
    side_data = cast(Mapping[Any, Any], frame.side_data)
    if Type.DISPLAYMATRIX not in side_data:
        return []
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(side_data[Type.DISPLAYMATRIX]))
    if abs(b) + abs(c) > abs(a) + abs(d):
        return [("transpose", _TRANSPOSE[c < 0, b < 0])]
    mirrors = {"hflip": a < 0, "vflip": d < 0}
    return [(name, None) for name, wanted in mirrors.items() if wanted]
