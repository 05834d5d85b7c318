"""Pictures of high dynamic range made standard, which is all that the networks have seen.

What is as bright as white on paper, 203 cd/m² (ITU-R BT.2408), becomes the white of BT.709, and
what is darker keeps its look; what is brighter is clipped. So faces stay as bright as they were
meant, where an operator that makes room for lamps and windows would darken them.
"""

from __future__ import annotations

import av

from gvc.media.filters import Filter, FilterChain

#: Transfer characteristics (H.273) of high dynamic range, with their usual names.
_TRANSFERS = {16: "PQ", 18: "HLG"}

_UNSPECIFIED = 2

#: Colorimetric: nothing but what is beyond the range changes.
_TO_BT709 = (
    "out_transfer=bt709:out_primaries=bt709:out_color_matrix=bt709:intent=relative_colorimetric"
)


def transfer_of(frame: av.VideoFrame) -> str | None:
    """PQ or HLG, if ``frame`` has a high dynamic range."""
    return _TRANSFERS.get(frame.color_trc)


class StandardRange:
    """Makes BT.709 of the frames that say that they have a high dynamic range.

    :param threads: CPU threads; None leaves the choice to FFmpeg.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads
        self._chains: dict[Filter, FilterChain] = {}

    def convert(self, frame: av.VideoFrame) -> av.VideoFrame:
        """``frame`` in BT.709, in its own pixel format; one of standard range as it is."""
        if transfer_of(frame) is None:
            return frame
        scale = ("scale", _arguments(frame))
        if scale not in self._chains:
            self._chains[scale] = FilterChain([scale], threads=self._threads)
        (converted,) = self._chains[scale].push(frame)
        return converted


def _arguments(frame: av.VideoFrame) -> str:
    """Arguments of FFmpeg's scale; what ``frame`` does not name is BT.2020, as BT.2100 has it."""
    named = [_TO_BT709]
    if frame.color_primaries == _UNSPECIFIED:
        named.append("in_primaries=bt2020")
    if frame.colorspace == _UNSPECIFIED:
        named.append("in_color_matrix=bt2020")
    return ":".join(named)
