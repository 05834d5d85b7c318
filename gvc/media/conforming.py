"""Frames conformed to the first one, where size, matrix or range change in a stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import av

from gvc.bitstream import ColourDescription
from gvc.media.filters import Filter, FilterChain
from gvc.media.picture import colour_of, is_named, rematrixed, resized, tag

#: H.273 MatrixCoefficients to names of FFmpeg's filter "colorspace".
_MATRICES = {
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    9: "bt2020nc",
}

#: Light stays as it is: only matrix and range change.
_SAME_LIGHT = "iprimaries=bt709:primaries=bt709:itrc=bt709:trc=bt709:fast=1"


class Conformer:
    """Gives all frames of a stream the size, the matrix and the range of the first.

    A matrix that frames do not name is that of the first one, if that did not name it either: a
    stream means one thing by it, though its size changes.

    :param say: told in a line what changes.
    :param threads: CPU threads; None leaves the choice to FFmpeg.
    """

    def __init__(self, *, say: Callable[[str], None], threads: int | None = None) -> None:
        self._say = say
        self._threads = threads
        self._size: tuple[int, int] | None = None
        self._colour = ColourDescription()
        self._guessed = False
        self._chains: dict[ColourDescription, FilterChain] = {}

    def conform(self, frame: av.VideoFrame) -> av.VideoFrame:
        """``frame``, or its picture as the first one would have it, with its pts."""
        size, colour = (frame.width, frame.height), colour_of(frame)
        if self._size is None:
            self._size, self._colour = size, colour
            self._guessed = not is_named(frame)
            return frame
        if self._guessed and not is_named(frame):
            colour = replace(colour, matrix=self._colour.matrix)
        if size != self._size:
            self._say("pictures change their size; scaled to the first one")
        alike = (colour.matrix, colour.full_range) == (self._colour.matrix, self._colour.full_range)
        if alike:
            return frame if size == self._size else self._scaled(frame, colour)
        self._say("pictures change their matrix or range; converted to the first ones")
        if frame.format.is_rgb:
            return self._scaled(frame, self._colour)
        return self._recoloured(self._scaled(frame, colour), colour)

    def _scaled(self, frame: av.VideoFrame, colour: ColourDescription) -> av.VideoFrame:
        assert self._size is not None
        return _with_times_of(frame, resized(frame, *self._size, colour))

    def _recoloured(self, frame: av.VideoFrame, colour: ColourDescription) -> av.VideoFrame:
        if frame.width % 2 or frame.height % 2:
            return _with_times_of(frame, rematrixed(frame, colour, self._colour))
        if colour not in self._chains:
            chain = [_filter(colour, self._colour)]
            self._chains[colour] = FilterChain(chain, threads=self._threads)
        (made,) = self._chains[colour].push(frame)
        return _with_times_of(frame, tag(made, self._colour))


def _filter(source: ColourDescription, target: ColourDescription) -> Filter:
    """What converts samples of even sizes, to half a level."""
    ranges = {False: "tv", True: "pc"}
    names = (
        f"ispace={_MATRICES[source.matrix]}:space={_MATRICES[target.matrix]}:"
        f"irange={ranges[source.full_range]}:range={ranges[target.full_range]}"
    )
    return "colorspace", f"{names}:{_SAME_LIGHT}"


def _with_times_of(frame: av.VideoFrame, made: av.VideoFrame) -> av.VideoFrame:
    made.pts = frame.pts
    if frame.time_base is not None:
        made.time_base = frame.time_base
    return made
