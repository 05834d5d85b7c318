"""Pictures through FFmpeg's decoders, inside PyAV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import av

from gvc.errors import InvalidDataError, KeyFrameError
from gvc.keyframe.codec import KeyFrameDecoder
from gvc.keyframe.picture_size import SizeReader, sizes_in

#: Larger pictures are refused where nobody says how large they are to be.
_MAX_PIXELS = 1 << 23

#: Coded pictures may be larger than shown ones by less than this in each direction.
_SIZE_UNIT = 64

#: What key frames decode to; VVenC codes 8-bit pictures with 10 bits inside.
_PIXEL_FORMATS = ("yuv420p", "yuvj420p", "yuv420p10le")


class FFmpegDecoder(KeyFrameDecoder):
    """Decodes pictures of one codec with FFmpeg's native decoder.

    :param codec: FFmpeg's name of the codec.
    :param parameters: parameter sets, given to the decoder before the pictures of each group.
    :param read_size: reads the size of pictures in its parameter sets.
    :param size: width and height of the pictures: larger ones are refused before any memory is
        taken for them.
    """

    def __init__(
        self,
        codec: str,
        parameters: bytes,
        *,
        read_size: SizeReader,
        size: tuple[int, int] | None,
    ) -> None:
        self._codec = codec
        self._parameters = parameters
        self._read_size = read_size
        self._max_pixels = _MAX_PIXELS
        if size is not None:
            width, height = (side + -side % _SIZE_UNIT for side in size)
            self._max_pixels = width * height

    def decode(self, pictures: Sequence[bytes]) -> list[av.VideoFrame]:
        """See :class:`KeyFrameDecoder`."""
        units = [self._parameters + pictures[0], *pictures[1:]]
        for unit in units:
            self._check_size(unit)
        frames = list(self._decoded([av.Packet(unit) for unit in units]))
        if len(frames) != len(pictures):
            raise InvalidDataError("damaged key frame: not one picture")
        return frames

    def decode_video(self, stream: bytes) -> Iterator[av.VideoFrame]:
        """See :class:`KeyFrameDecoder`."""
        self._check_size(stream)
        parser = self._context()
        yield from self._decoded([*parser.parse(stream), *parser.parse(None)])

    def _check_size(self, stream: bytes) -> None:
        for width, height in sizes_in(stream, self._read_size):
            if width * height > self._max_pixels:
                raise InvalidDataError(f"key frame of {width}×{height} is larger than it may be")

    def _decoded(self, packets: Sequence[av.Packet[Any]]) -> Iterator[av.VideoFrame]:
        # A decoder of its own for each group: nothing of one can leak into another.
        context = self._context()
        for packet in (*packets, None):
            try:
                frames = context.decode(packet)
            except av.FFmpegError as error:
                raise InvalidDataError(f"damaged key frame: {error.strerror}") from error
            for frame in frames:
                if frame.is_corrupt:
                    raise InvalidDataError("damaged key frame: not one picture")
                if frame.format.name not in _PIXEL_FORMATS:
                    raise InvalidDataError(f"key frame in pixel format {frame.format.name}")
                yield frame

    def _context(self) -> av.VideoCodecContext:
        try:
            context = av.CodecContext.create(self._codec, "r")
        except av.FFmpegError as error:
            raise KeyFrameError(f"this FFmpeg cannot decode {self._codec}") from error
        assert isinstance(context, av.VideoCodecContext)
        context.thread_count = 1
        context.options = {"max_pixels": str(self._max_pixels), "err_detect": "explode"}
        return context
