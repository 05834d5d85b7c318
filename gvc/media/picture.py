"""Sizes and colours of pictures, converted by libswscale.

A colour matrix that a source does not name is BT.709 for 720 lines and more, else BT.601, as
players assume; from there on it is named.
"""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from gvc.bitstream import ColourDescription, Rectangle

#: Interpolation for changes of size.
_SCALER = Interpolation.LANCZOS | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT

#: H.273 MatrixCoefficients to libswscale's names of the conversions that it knows.
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
}

#: H.273 MatrixCoefficients to K_R and K_B, of the same ones.
_LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}

#: H.273 code points: BT.709, BT.601 (525 lines), unspecified, identity (RGB).
_BT709, _BT601, _UNSPECIFIED, _IDENTITY = 1, 6, 2, 0


def colour_of(frame: av.VideoFrame) -> ColourDescription:
    """The colours of ``frame`` as its 8-bit 4:2:0 version has them; the matrix is always named."""
    matrix = frame.colorspace
    if matrix not in _MATRICES:
        matrix = _BT709 if frame.height >= 720 or matrix == _IDENTITY else _BT601
    full = frame.color_range == ColorRange.JPEG and not _is_rgb(frame)
    return ColourDescription(
        primaries=frame.color_primaries or _UNSPECIFIED,
        transfer=frame.color_trc or _UNSPECIFIED,
        matrix=int(matrix),
        full_range=full or frame.format.name.startswith("yuvj"),
    )


def is_named(frame: av.VideoFrame) -> bool:
    """Whether ``frame`` says which matrix its samples have."""
    return frame.colorspace in _MATRICES and not _is_rgb(frame)


def to_yuv420(frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """``frame`` at another size as 8-bit yuv420p, with its own matrix and range."""
    return _convert(frame, "yuv420p", width, height, colour_of(frame))


def to_rgb(frame: av.VideoFrame, width: int, height: int) -> npt.NDArray[np.uint8]:
    """``frame`` at another size as RGB, uint8 [height, width, 3]."""
    converted = _convert(frame, "rgb24", width, height, colour_of(frame))
    return np.asarray(converted.to_ndarray(), dtype=np.uint8)


def from_rgb(
    picture: npt.NDArray[np.uint8], width: int, height: int, colour: ColourDescription
) -> av.VideoFrame:
    """A frame yuv420p of the given size and colours from RGB, uint8 [H, W, 3]."""
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    return _convert(frame, "yuv420p", width, height, colour)


def from_planes(
    planes: npt.NDArray[np.uint8], width: int, height: int, colour: ColourDescription
) -> av.VideoFrame:
    """A frame yuv420p of the given size from planes that have the colours ``colour``.

    :param planes: uint8 [H·3/2, W], H and W even: lines of Y, of Cb and of Cr. Copied if their size
        is that of the frame, else scaled.
    """
    frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    if (frame.width, frame.height) == (width, height):
        return tag(frame, colour)
    return scale(frame, width, height, colour)


def part_to_rgb(
    frame: av.VideoFrame,
    rectangle: Rectangle | None,
    size: tuple[int, int],
    colour: ColourDescription,
) -> npt.NDArray[np.uint8]:
    """A part of ``frame``, or all of it, at another size as RGB: uint8 [H, W, 3].

    :param frame: 4:2:0 with the colours ``colour``. :param size: width and height of the result.
    """
    if rectangle is None:
        return to_rgb(frame, *size)
    return to_rgb(_cut(scale(frame, frame.width, frame.height, colour), rectangle), *size)


def _cut(frame: av.VideoFrame, rectangle: Rectangle) -> av.VideoFrame:
    """A part of ``frame``, which is yuv420p."""
    planes = np.asarray(frame.to_ndarray(), np.uint8)
    start = 0
    parts = []
    for half in (1, 2, 2):
        tall, wide = frame.height // half, frame.width // half
        plane = planes.reshape(-1)[start : start + tall * wide].reshape(tall, wide)
        start += tall * wide
        rows = slice(rectangle.top // half, rectangle.bottom // half)
        columns = slice(rectangle.left // half, rectangle.right // half)
        parts.append(plane[rows, columns].reshape(-1))
    cut = np.concatenate(parts).reshape(-1, rectangle.width)
    return tag(av.VideoFrame.from_ndarray(cut, format="yuv420p"), colour_of(frame))


def luma_weights(colour: ColourDescription) -> tuple[float, float]:
    """K_R and K_B of ``colour`` (H.273, table 4); BT.709's for what is not converted otherwise."""
    return _LUMA_WEIGHTS.get(colour.matrix, _LUMA_WEIGHTS[_BT709])


def scale(
    frame: av.VideoFrame, width: int, height: int, colour: ColourDescription
) -> av.VideoFrame:
    """``frame``, which has the colours ``colour``, as yuv420p of another size."""
    tag(frame, colour)
    return _convert(frame, "yuv420p", width, height, colour)


def resized(
    frame: av.VideoFrame, width: int, height: int, colour: ColourDescription
) -> av.VideoFrame:
    """A yuv420p version of ``frame``, which has the colours ``colour`` and stays as it is."""
    made = _convert(frame, "yuv420p", width, height, colour, named=False)
    return tag(copy_of(made, 0) if made is frame else made, colour)


def rematrixed(
    frame: av.VideoFrame, source: ColourDescription, target: ColourDescription
) -> av.VideoFrame:
    """``frame``, yuv420p of the colours ``source``, in those of ``target``.

    libswscale goes by RGB of 8 bits, and is up to 3 levels off.
    """
    converted = frame.reformat(
        src_colorspace=_MATRICES.get(source.matrix, Colorspace.ITU709),
        dst_colorspace=_MATRICES.get(target.matrix, Colorspace.ITU709),
        src_color_range=ColorRange.JPEG if source.full_range else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG if target.full_range else ColorRange.MPEG,
        interpolation=_SCALER,
    )
    return tag(converted, target)


def tag(frame: av.VideoFrame, colour: ColourDescription) -> av.VideoFrame:
    """Name the colours of ``frame``; its samples stay as they are."""
    frame.colorspace = colour.matrix
    frame.color_range = ColorRange.JPEG if colour.full_range else ColorRange.MPEG
    frame.color_primaries = colour.primaries
    frame.color_trc = colour.transfer
    return frame


def copy_of(frame: av.VideoFrame, pts: int) -> av.VideoFrame:
    """The same picture, in planes of 8 bits, at another time."""
    copy = av.VideoFrame(frame.width, frame.height, frame.format.name)
    for target, source in zip(copy.planes, frame.planes, strict=True):
        rows = [
            np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : plane.width]  # type: ignore[call-overload]
            for plane in (target, source)
        ]
        rows[0][:] = rows[1]
    copy.pts = pts
    if frame.time_base is not None:
        copy.time_base = frame.time_base
    copy.colorspace, copy.color_range = frame.colorspace, frame.color_range
    copy.color_primaries, copy.color_trc = frame.color_primaries, frame.color_trc
    return copy


def _convert(
    frame: av.VideoFrame,
    pixel_format: str,
    width: int,
    height: int,
    colour: ColourDescription,
    *,
    named: bool = True,
) -> av.VideoFrame:
    matrix = _MATRICES.get(colour.matrix, Colorspace.ITU709)
    yuv_range = ColorRange.JPEG if colour.full_range else ColorRange.MPEG
    to_rgb_ = pixel_format == "rgb24"
    converted = frame.reformat(
        width=width,
        height=height,
        format=pixel_format,
        src_colorspace=matrix,
        dst_colorspace=matrix,
        src_color_range=ColorRange.JPEG if _is_rgb(frame) else yuv_range,
        dst_color_range=ColorRange.JPEG if to_rgb_ else yuv_range,
        interpolation=_SCALER,
    )
    return converted if to_rgb_ or not named else tag(converted, colour)


def _is_rgb(frame: av.VideoFrame) -> bool:
    return bool(frame.format.is_rgb)
