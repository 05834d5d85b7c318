"""Still pictures written: one frame as PNG or JPEG."""

from __future__ import annotations

from fractions import Fraction
from typing import BinaryIO

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace

from gvc.bitstream import AudioPacket, VideoHeader
from gvc.errors import UsageError
from gvc.media.ffmpeg_log import explaining
from gvc.media.picture import to_rgb

#: FFmpeg's encoders of stills with the pixel formats that they take. JPEG is BT.601 in full range.
_PIXEL_FORMATS = {"png": "rgb24", "mjpeg": "yuvj420p"}

#: JPEG's quantiser on FFmpeg's scale from 1 to 31; 2 is visually lossless.
JPEG_QUALITY = 2


def is_still(container: str) -> bool:
    """Whether ``container``, as :func:`gvc.media.format_of` gives it, is a still picture."""
    return container in _PIXEL_FORMATS


class StillSink:
    """A still picture that is written; what :class:`gvc.media.Sink` is for videos.

    :param file: a binary file object. :param codec: ``png`` or ``mjpeg``.
    :param video: the stream that the frame comes from. :param name: of the file, for messages.
    """

    def __init__(self, file: BinaryIO, *, codec: str, video: VideoHeader, name: str) -> None:
        self._file = file
        self._codec = codec
        self._shape = video.sample_aspect_ratio.limit_denominator(0xFFFF)
        self._name = name
        self._written = False

    def write_video(self, frame: av.VideoFrame) -> None:
        """Write the frame.

        :raises UsageError: if it is the second one.
        :raises MediaError: if FFmpeg cannot code it, with its reason.
        """
        if self._written:
            raise UsageError(
                f"{self._name}: one picture cannot hold a video",
                hint=f"gvc decode IN - | ffmpeg -i - -frames:v 1 {self._name} takes the first",
            )
        self._written = True
        picture = to_rgb(frame, frame.width, frame.height)
        self._file.write(
            still_picture(picture, codec=self._codec, shape=self._shape, name=self._name)
        )

    def write_audio(self, packet: AudioPacket) -> None:
        """Pass over sound, of which a picture has none."""

    def close(self) -> None:
        """Nothing is left to do; the file object stays open."""


def still_picture(
    picture: npt.NDArray[np.uint8],
    *,
    codec: str,
    shape: Fraction = Fraction(1),
    quality: int = JPEG_QUALITY,
    name: str = "<picture>",
) -> bytes:
    """A picture as a file of its own.

    :param picture: RGB, uint8 [H, W, 3]. :param codec: ``png`` or ``mjpeg``.
    :param shape: width over height of a pixel.
    :param quality: of JPEG, on FFmpeg's scale from 1, the best, to 31.
    :param name: of the file, for messages.
    :raises MediaError: if FFmpeg cannot code it, with its reason.
    """
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.height, encoder.width = picture.shape[:2]
    encoder.pix_fmt = _PIXEL_FORMATS[codec]
    encoder.time_base = Fraction(1, 25)
    encoder.sample_aspect_ratio = shape
    encoder.qmin = encoder.qmax = quality
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    if codec == "mjpeg":
        frame = frame.reformat(
            format=encoder.pix_fmt,
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.JPEG,
        )
    with explaining(name):
        return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))
