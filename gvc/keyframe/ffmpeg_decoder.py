"""Single pictures through FFmpeg's decoders, inside PyAV."""

from __future__ import annotations

import av

from gvc.errors import InvalidDataError, KeyFrameError
from gvc.keyframe.codec import KeyFrameDecoder

#: Larger pictures are refused before any memory is taken for them.
_MAX_PIXELS = 2048 * 2048

#: What key frames decode to; VVenC codes 8-bit pictures with 10 bits inside.
_PIXEL_FORMATS = ("yuv420p", "yuvj420p", "yuv420p10le")


class FFmpegDecoder(KeyFrameDecoder):
    """Decodes pictures of one codec with FFmpeg's native decoder.

    :param codec: FFmpeg's name of the codec.
    :param parameters: parameter sets, given to the decoder before each picture.
    """

    def __init__(self, codec: str, parameters: bytes) -> None:
        self._codec = codec
        self._parameters = parameters

    def decode(self, data: bytes) -> av.VideoFrame:
        """See :class:`KeyFrameDecoder`."""
        # A decoder of its own for each picture: nothing of one can leak into another.
        try:
            context = av.CodecContext.create(self._codec, "r")
        except av.FFmpegError as error:
            raise KeyFrameError(f"this FFmpeg cannot decode {self._codec}") from error
        assert isinstance(context, av.VideoCodecContext)
        context.thread_count = 1
        context.options = {"max_pixels": str(_MAX_PIXELS), "err_detect": "explode"}
        try:
            frames = context.decode(av.Packet(self._parameters + data)) + context.decode(None)
        except av.FFmpegError as error:
            raise InvalidDataError(f"damaged key frame: {error.strerror}") from error
        if len(frames) != 1 or frames[0].is_corrupt:
            raise InvalidDataError("damaged key frame: not one picture")
        if frames[0].format.name not in _PIXEL_FORMATS:
            raise InvalidDataError(f"key frame in pixel format {frames[0].format.name}")
        return frames[0]
