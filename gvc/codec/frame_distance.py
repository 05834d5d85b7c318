"""How far a decoded frame is from its original: compared as encoders compare."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import av
import numpy as np
import numpy.typing as npt

from gvc.bitstream import Rectangle, VideoHeader
from gvc.codec.settings import coded_size
from gvc.media import part_to_rgb, to_rgb, to_yuv420
from gvc.model.distance import Distance

_Picture = npt.NDArray[np.uint8]


def frame_distance(
    distance: Distance,
    original: av.VideoFrame,
    decoded: av.VideoFrame,
    *,
    header: VideoHeader,
    rectangles: Sequence[Rectangle],
) -> float:
    """The distance between two frames of the same size, at the size that is coded.

    With a canvas, they are compared as a whole and around each head, and what is furthest counts.

    :param header: of the stream that was decoded. :param rectangles: of the frame's group.
    """
    return furthest(distance, _views(original, decoded, header, rectangles))


def furthest(distance: Distance, views: Iterable[tuple[_Picture, _Picture]]) -> float:
    """The distance between two pictures, RGB uint8 [H, W, 3], of the views that are furthest."""
    return max(float(distance.distance([one], [other])[0]) for one, other in views)


def _views(
    original: av.VideoFrame,
    decoded: av.VideoFrame,
    header: VideoHeader,
    rectangles: Sequence[Rectangle],
) -> Iterator[tuple[_Picture, _Picture]]:
    size = header.coded_width, header.coded_height
    whole = size
    if header.canvas is not None:
        whole = coded_size(*header.canvas, round(math.sqrt(size[0] * size[1])))
    yield to_rgb(original, *whole), to_rgb(decoded, *whole)
    if rectangles and header.canvas is not None:
        # Rectangles are of the canvas, which is not quite as large as the source.
        kept = [to_yuv420(frame, *header.canvas) for frame in (original, decoded)]
        for rectangle in rectangles:
            one, other = (part_to_rgb(each, rectangle, size, header.colour) for each in kept)
            yield one, other
