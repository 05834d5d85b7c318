"""Pictures of callers as frames of our own: arrays, tensors, and frames that they keep."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import numpy.typing as npt

from gvc.errors import MediaError, UsageError
from gvc.media.filters import FilterChain

_SHAPES = "numpy: uint8 [height, width, 3]; torch: uint8 [3, height, width]; both RGB"


class OwnFrames:
    """Makes frames that nobody else has: neither their samples nor their times are shared."""

    def __init__(self) -> None:
        self._copier = FilterChain([("copy", None)])

    def of(self, picture: Any) -> av.VideoFrame:
        """A frame with a copy of a picture.

        :param picture: a frame of any format, or RGB as a numpy array, uint8 [H, W, 3], or as a
            torch tensor, uint8 [3, H, W], which has no time.
        :raises UsageError: if it is none of these.
        :raises MediaError: if FFmpeg cannot copy it.
        """
        if not isinstance(picture, av.VideoFrame):
            return av.VideoFrame.from_ndarray(_array_of(picture), format="rgb24")
        if not picture.width or not picture.height:
            raise UsageError("a frame without pixels cannot be coded")
        try:
            (copy,) = self._copier.push(picture)
        except (av.FFmpegError, ValueError) as error:
            name = picture.format.name
            reason = getattr(error, "strerror", None) or error
            raise MediaError(f"a frame {name} cannot be copied: {reason}") from error
        # Filters name the matrix and the range of RGB, and have a unit of time in any case.
        copy.colorspace, copy.color_range = picture.colorspace, picture.color_range
        copy.color_primaries, copy.color_trc = picture.color_primaries, picture.color_trc
        copy.pts = picture.pts
        if picture.time_base:
            copy.time_base = picture.time_base
        return copy


def _array_of(picture: Any) -> npt.NDArray[np.uint8]:
    """A picture as RGB uint8 [H, W, 3]."""
    if type(picture).__module__.split(".")[0] == "torch" and hasattr(picture, "detach"):
        array = picture.detach().cpu().numpy()
        if array.ndim != 3 or array.shape[0] != 3:
            raise UsageError(f"a tensor {list(array.shape)} is no picture", hint=_SHAPES)
        array = array.transpose(1, 2, 0)
    elif isinstance(picture, np.ndarray):
        array = picture
        if array.ndim != 3 or array.shape[2] != 3:
            raise UsageError(f"an array {list(array.shape)} is no picture", hint=_SHAPES)
    else:
        raise UsageError(f"{type(picture).__name__} is no picture", hint=f"a frame; {_SHAPES}")
    if array.dtype != np.uint8:
        raise UsageError(f"pictures of {array.dtype} cannot be coded", hint=_SHAPES)
    if not array.size:
        raise UsageError("a picture without pixels cannot be coded")
    return np.ascontiguousarray(array)
