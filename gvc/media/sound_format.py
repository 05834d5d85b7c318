"""Sound of any format as samples of one format."""

from __future__ import annotations

import itertools
from fractions import Fraction

import av
import av.filter
import numpy as np
from numpy.typing import NDArray

#: Samples in [-1, 1], float32 [channels, samples].
Samples = NDArray[np.float32]


class SoundFormat:
    """Converts frames to one rate and layout, by FFmpeg's rules; their format may change.

    Samples stay integers where they come as 16 bits, and are mixed as numbers with a point where
    they do not: levels of what is mixed from more channels are those of ``ffmpeg -ac 2``.

    :param rate: samples per second. :param channels: 1 or 2.
    """

    def __init__(self, *, rate: int, channels: int) -> None:
        self._rate = rate
        self._channels = channels
        self._graph: av.filter.Graph | None = None
        self._form: tuple[int, str, str, Fraction] | None = None

    def convert(self, frame: av.AudioFrame) -> list[tuple[int | None, Samples]]:
        """Samples that are ready, each block with the time at which it begins, in samples.

        A block without a time follows the one before it.

        :raises av.FFmpegError: if FFmpeg cannot convert the frame.
        """
        ready = []
        base = frame.time_base or Fraction(1, frame.sample_rate)
        form = (frame.sample_rate, frame.format.name, _layout_of(frame), base)
        if form != self._form:
            ready = self.finish()
            self._graph, self._form = self._make_graph(*form), form
        assert self._graph is not None
        self._graph.push(frame)
        return ready + self._pull()

    def finish(self) -> list[tuple[int | None, Samples]]:
        """What was held back; the next frame begins anew."""
        if self._graph is None:
            return []
        self._graph.push(None)
        ready, self._graph, self._form = self._pull(), None, None
        return ready

    def _make_graph(
        self, rate: int, sample_format: str, layout: str, time_base: Fraction
    ) -> av.filter.Graph:
        graph = av.filter.Graph()
        target = "mono" if self._channels == 1 else "stereo"
        nodes = [
            graph.add_abuffer(
                sample_rate=rate,
                format=sample_format,
                layout=layout,
                time_base=time_base,
            ),
            graph.add(
                "aformat",
                f"sample_fmts=s16|flt:sample_rates={self._rate}:channel_layouts={target}",
            ),
            graph.add("abuffersink"),
        ]
        for one, other in itertools.pairwise(nodes):
            one.link_to(other)
        graph.configure()
        return graph

    def _pull(self) -> list[tuple[int | None, Samples]]:
        assert self._graph is not None
        ready: list[tuple[int | None, Samples]] = []
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return ready
            assert isinstance(frame, av.AudioFrame)
            assert frame.time_base is not None
            begin = None if frame.pts is None else round(frame.pts * frame.time_base * self._rate)
            ready.append((begin, self._samples(frame)))

    def _samples(self, frame: av.AudioFrame) -> Samples:
        packed = frame.to_ndarray()
        scale = 32768 if packed.dtype == np.int16 else 1
        return packed.reshape(-1, self._channels).T.astype(np.float32) / np.float32(scale)


def _layout_of(frame: av.AudioFrame) -> str:
    """FFmpeg's name of a frame's layout; of the usual one where only channels are counted."""
    name = frame.layout.name
    return f"{frame.layout.nb_channels}c" if name.endswith(" channels") else name
