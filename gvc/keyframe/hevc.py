"""HEVC key frames: x265 inside PyAV. Larger than VVC, but coded in a moment."""

from __future__ import annotations

from fractions import Fraction

import av

from gvc.bitstream import ColourDescription
from gvc.errors import KeyFrameError
from gvc.keyframe.annexb import split_picture
from gvc.keyframe.codec import CodedKeyFrame, KeyFrameCodec, KeyFrameDecoder, KeyFrameEncoder
from gvc.keyframe.ffmpeg_decoder import FFmpegDecoder

#: x265 goes no higher.
_MAX_QP = 51


class HevcCodec(KeyFrameCodec):
    """HEVC (H.265), intra pictures."""

    name = "hevc"

    def encoder(
        self,
        *,
        width: int,
        height: int,
        qp: int,
        colour: ColourDescription,
        preset: str | None = None,
    ) -> KeyFrameEncoder:
        """See :class:`KeyFrameCodec`; presets are x265's, ``slow`` by default."""
        return _X265(width, height, min(qp, _MAX_QP), colour, preset or "slow")

    def decoder(self, parameters: bytes) -> KeyFrameDecoder:
        """See :class:`KeyFrameCodec`."""
        return FFmpegDecoder("hevc", parameters)


def _nal_type(unit: bytes) -> int:
    return unit[0] >> 1 & 0x3F


class _X265(KeyFrameEncoder):
    def __init__(
        self, width: int, height: int, qp: int, colour: ColourDescription, preset: str
    ) -> None:
        range_ = "full" if colour.full_range else "limited"
        self._size = width, height
        self._options = {
            "preset": preset,
            "x265-params": f"qp={qp}:keyint=1:range={range_}:log-level=none:frame-threads=1:info=0",
        }

    def push(self, frame: av.VideoFrame) -> list[CodedKeyFrame]:
        """See :class:`KeyFrameEncoder`; each picture comes back at once."""
        try:
            context = av.CodecContext.create("libx265", "w")
            assert isinstance(context, av.VideoCodecContext)
            context.width, context.height = self._size
            context.pix_fmt = "yuv420p"
            context.time_base = Fraction(1)
            context.options = self._options
            packets = context.encode(frame) + context.encode(None)
        except av.FFmpegError as error:
            raise KeyFrameError(f"x265 failed: {error.strerror}") from error
        return [
            split_picture(
                b"".join(bytes(packet) for packet in packets),
                is_parameters=lambda unit: _nal_type(unit) in (32, 33, 34),
                is_picture=lambda unit: _nal_type(unit) < 32,
            )
        ]

    def finish(self) -> list[CodedKeyFrame]:
        """See :class:`KeyFrameEncoder`."""
        return []

    def close(self) -> None:
        """See :class:`KeyFrameEncoder`; nothing outlives a picture."""
