"""HEVC key frames: x265 inside PyAV. Larger than VVC, but coded in a moment."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av

from gvc.bitstream import ColourDescription
from gvc.errors import KeyFrameError
from gvc.keyframe.annexb import split_pictures
from gvc.keyframe.codec import (
    CodedPictures,
    KeyFrameCodec,
    KeyFrameDecoder,
    KeyFrameEncoder,
)
from gvc.keyframe.ffmpeg_decoder import FFmpegDecoder
from gvc.keyframe.picture_size import hevc_size

#: x265 goes no higher.
_MAX_QP = 51

#: Pictures in order, each predicted from up to three before it.
_IN_ORDER = "bframes=0:ref=3:keyint=-1:no-scenecut=1"


class HevcCodec(KeyFrameCodec):
    """HEVC (H.265)."""

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
        return _X265(width, height, qp, colour, preset or "slow")

    def decoder(self, parameters: bytes, *, size: tuple[int, int] | None = None) -> KeyFrameDecoder:
        """See :class:`KeyFrameCodec`."""
        return FFmpegDecoder("hevc", parameters, read_size=hevc_size, size=size)


def _nal_type(unit: bytes) -> int:
    return unit[0] >> 1 & 0x3F


class _X265(KeyFrameEncoder):
    def __init__(
        self, width: int, height: int, qp: int, colour: ColourDescription, preset: str
    ) -> None:
        self._size = width, height
        self._qp = qp
        self._range = "full" if colour.full_range else "limited"
        self._preset = preset

    def encode(
        self,
        pictures: Sequence[av.VideoFrame],
        *,
        inter: bool = True,
        first_qp: int | None = None,
    ) -> CodedPictures:
        """See :class:`KeyFrameEncoder`."""
        finer = 0 if first_qp is None else self._qp - first_qp
        structure = f"{_IN_ORDER}:ipratio={2 ** (finer / 6)}" if inter else "keyint=1:ipratio=1"
        return split_pictures(
            self._packets(pictures, self._qp, structure),
            is_parameters=lambda unit: _nal_type(unit) in (32, 33, 34),
            is_picture=lambda unit: _nal_type(unit) < 32,
        )

    def encode_video(self, pictures: Sequence[av.VideoFrame], *, qp: int) -> bytes:
        """See :class:`KeyFrameEncoder`."""
        return b"".join(self._packets(pictures, qp, "keyint=-1:no-scenecut=1"))

    def _packets(self, pictures: Sequence[av.VideoFrame], qp: int, structure: str) -> list[bytes]:
        qp = min(qp, _MAX_QP)
        try:
            context = av.CodecContext.create("libx265", "w")
            assert isinstance(context, av.VideoCodecContext)
            context.width, context.height = self._size
            context.pix_fmt = "yuv420p"
            context.time_base = Fraction(1)
            context.options = {
                "preset": self._preset,
                "x265-params": f"qp={qp}:{structure}:range={self._range}:log-level=none"
                ":frame-threads=1:info=0",
            }
            packets = []
            for index, picture in enumerate(pictures):
                picture.pts = index
                picture.time_base = Fraction(1)
                packets += context.encode(picture)
            packets += context.encode(None)
        except av.FFmpegError as error:
            raise KeyFrameError(f"x265 failed: {error.strerror}") from error
        return [bytes(packet) for packet in packets]
