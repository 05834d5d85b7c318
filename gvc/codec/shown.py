"""Coded groups as a decoder shows them, beside their originals: what an encoder decides by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gvc.codec.decoder import VideoDecoder
from gvc.codec.group_coder import AnalysedGroup, CodedGroup, GroupCoder
from gvc.codec.motion_run import TimedFrame, read_run
from gvc.media import to_rgb
from gvc.model.distance import Distance
from gvc.model.mttf import Mttf

#: RGB uint8 [H, W, 3].
_Picture = npt.NDArray[np.uint8]


class Shown:
    """Decodes groups of one stream and compares them with what was coded.

    :param coder: what codes them.
    :param network: what decodes them, see :func:`gvc.codec.networks.for_decoding`.
    :param distance: what compares.
    """

    def __init__(self, coder: GroupCoder, network: Mttf, distance: Distance) -> None:
        self._coder = coder
        self._network = network
        self._distance = distance
        header = coder.header
        self._size = header.coded_width, header.coded_height

    def distances(
        self, frames: AnalysedGroup, coded: CodedGroup, places: Sequence[int]
    ) -> npt.NDArray[np.float32]:
        """Distance from its original of each frame at ``places``, ascending: [len(places)]."""
        pairs = self._pairs(frames, coded, places)
        found = [self._distance.distance([one], [other]) for one, other in pairs]
        return np.concatenate([np.empty(0, np.float32), *found])

    def blocks(
        self, frames: AnalysedGroup, coded: CodedGroup, places: Sequence[int], *, side: int
    ) -> npt.NDArray[np.float32]:
        """The same, block by block: [len(places), side, side], see :meth:`Distance.blocks`."""
        pairs = self._pairs(frames, coded, places)
        found = [self._distance.blocks([one], [other], side=side) for one, other in pairs]
        return np.concatenate([np.empty((0, side, side), np.float32), *found])

    def changed(self, one: CodedGroup, other: CodedGroup) -> list[int]:
        """Places of the frames that a decoder animates differently in two codings of a group.

        Both have the same key frames.
        """
        pairs = zip(self._timed(one), self._timed(other), strict=True)
        return [place for place, (a, b) in enumerate(pairs) if not _alike(a, b)]

    def _timed(self, coded: CodedGroup) -> Iterator[TimedFrame]:
        duration = self._coder.header.frame_duration
        return read_run(self._coder.coding, coded.group, frame_duration=duration)

    def _pairs(
        self, frames: AnalysedGroup, coded: CodedGroup, places: Sequence[int]
    ) -> Iterator[tuple[_Picture, _Picture]]:
        """Originals and decoded pictures."""
        if not places:
            return
        settings, size = self._coder.settings, self._size
        header = replace(
            self._coder.header, width=size[0], height=size[1], key_parameters=coded.parameters
        )
        decoder = VideoDecoder(
            header,
            device=settings.device,
            threads=settings.threads,
            network=self._network,
            coding=self._coder.coding,
        )
        wanted = frozenset(frames.pts[place] for place in places)
        decoded = decoder.decode(coded.group, only=wanted)
        for place, frame in zip(places, decoded, strict=True):
            yield to_rgb(frames.frames[place], *size), to_rgb(frame, *size)


def _alike(one: TimedFrame, other: TimedFrame) -> bool:
    if one.code is None or other.code is None:
        return one.code is other.code
    return one.fade == other.fade and np.array_equal(one.code, other.code)
