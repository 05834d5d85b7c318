"""Coded groups as a decoder shows them, beside their originals: what an encoder decides by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import av
import numpy as np
import numpy.typing as npt

from gvc.bitstream import Rectangle
from gvc.codec.analysed_group import AnalysedGroup
from gvc.codec.decoder import VideoDecoder
from gvc.codec.frame_distance import furthest
from gvc.codec.group_coder import CodedGroup, GroupCoder
from gvc.codec.motion_run import TimedFrame, read_runs
from gvc.codec.settings import coded_size
from gvc.media import part_to_rgb, to_rgb
from gvc.model.distance import Distance
from gvc.model.mttf import Mttf

#: RGB uint8 [H, W, 3].
_Picture = npt.NDArray[np.uint8]


class Shown:
    """Decodes groups of one stream and compares them with what was coded.

    Where only rectangles are generated, each is compared at the network's size, and so is the whole
    picture: two *views* or more. Elsewhere that is one.

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
        self._whole = self._size
        if header.canvas is not None:
            self._whole = coded_size(*header.canvas, coder.settings.size)

    def distances(
        self, frames: AnalysedGroup, coded: CodedGroup, places: Sequence[int]
    ) -> npt.NDArray[np.float32]:
        """Distance from its original of each frame at ``places``, ascending: [len(places)].

        That of the view that is furthest.
        """
        pairs = self._pairs(frames, coded, places)
        return np.array([furthest(self._distance, views) for views in pairs], np.float32)

    def blocks(
        self, frames: AnalysedGroup, coded: CodedGroup, places: Sequence[int], *, side: int
    ) -> npt.NDArray[np.float32]:
        """The same, view by view and block by block: [views, len(places), side, side].

        See :meth:`Distance.blocks`; there is one place at least.
        """
        found = [
            [self._distance.blocks([one], [other], side=side)[0] for one, other in views]
            for views in self._pairs(frames, coded, places)
        ]
        return np.stack([np.stack(view) for view in zip(*found, strict=True)])

    def changed(self, one: CodedGroup, other: CodedGroup) -> list[int]:
        """Places of the frames that a decoder animates differently in two codings of a group.

        Both have the same key frames.
        """
        pairs = zip(self._timed(one), self._timed(other), strict=True)
        return [
            place
            for place, both in enumerate(pairs)
            if not all(_alike(a, b) for a, b in zip(*both, strict=True))
        ]

    def _timed(self, coded: CodedGroup) -> Iterator[tuple[TimedFrame, ...]]:
        duration = self._coder.header.frame_duration
        return read_runs(self._coder.coding, coded.group, frame_duration=duration)

    def _pairs(
        self, frames: AnalysedGroup, coded: CodedGroup, places: Sequence[int]
    ) -> Iterator[list[tuple[_Picture, _Picture]]]:
        """Originals and decoded pictures, view by view."""
        if not places:
            return
        settings, size = self._coder.settings, self._coder.header.key_size
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
            both = frames.frames[place], frame
            views = [self._views(each, frames.rectangles) for each in both]
            yield list(zip(*views, strict=True))

    def _views(self, frame: av.VideoFrame, rectangles: Sequence[Rectangle]) -> list[_Picture]:
        colour = self._coder.header.colour
        parts = [part_to_rgb(frame, each, self._size, colour) for each in rectangles]
        return [*parts, to_rgb(frame, *self._whole)]


def _alike(one: TimedFrame, other: TimedFrame) -> bool:
    if one.code is None or other.code is None:
        return one.code is other.code
    return one.fade == other.fade and np.array_equal(one.code, other.code)
