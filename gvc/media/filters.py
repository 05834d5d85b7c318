"""Frames through a chain of FFmpeg's filters."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import av
import av.filter

#: A filter's name and its arguments, as FFmpeg writes them.
Filter = tuple[str, str | None]


class FilterChain:
    """Runs frames through filters one behind the other; they start anew where frames change.

    A change is one of size, pixel format, matrix or range.

    :param filters: at least one. :param threads: CPU threads; None leaves the choice to FFmpeg.
    """

    def __init__(self, filters: Sequence[Filter], *, threads: int | None = None) -> None:
        self._filters = tuple(filters)
        self._threads = threads or 0
        self._graph: av.filter.Graph | None = None
        self._format: tuple[object, ...] | None = None
        self._time_base: Fraction | None = None

    def push(self, frame: av.VideoFrame) -> list[av.VideoFrame]:
        """Frames that are ready with this one, all in its time base; a filter may hold some back.

        :raises av.FFmpegError: if a filter cannot take it.
        """
        ready: list[av.VideoFrame] = []
        size = frame.width, frame.height
        form = (*size, frame.format.name, frame.colorspace, frame.color_range, frame.time_base)
        if self._graph is None or form != self._format:
            ready += self.finish()
            self._graph, self._format = self._make_graph(frame), form
        self._time_base = frame.time_base
        self._graph.push(frame)
        return ready + self._pull()

    def finish(self) -> list[av.VideoFrame]:
        """The frames that were held back."""
        if self._graph is None:
            return []
        self._graph.push(None)
        ready, self._graph = self._pull(), None
        return ready

    def _pull(self) -> list[av.VideoFrame]:
        assert self._graph is not None
        ready: list[av.VideoFrame] = []
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return ready
            assert isinstance(frame, av.VideoFrame)
            # Filters may have a time base of their own.
            if frame.pts is not None and frame.time_base and self._time_base:
                frame.pts = round(frame.pts * frame.time_base / self._time_base)
            if self._time_base:
                frame.time_base = self._time_base
            ready.append(frame)

    def _make_graph(self, frame: av.VideoFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        graph.threads = self._threads
        nodes = [
            graph.add_buffer(
                width=frame.width,
                height=frame.height,
                format=frame.format,
                time_base=frame.time_base or Fraction(1, 25),
            ),
            *(graph.add(name, arguments) for name, arguments in self._filters),
            graph.add("buffersink"),
        ]
        for one, other in itertools.pairwise(nodes):
            one.link_to(other)
        graph.configure()
        return graph
