"""Audio packets of a .gvc file to audio frames."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av

from gvc.bitstream import AudioHeader, AudioPacket
from gvc.errors import InvalidDataError, UnsupportedError


class AudioDecoder:
    """Decodes the packets of one audio stream, in order, with FFmpeg's decoder.

    :raises UnsupportedError: if this build of FFmpeg has no such decoder.
    """

    def __init__(self, header: AudioHeader) -> None:
        try:
            context = av.CodecContext.create(header.codec, "r")
        except av.FFmpegError as error:
            raise UnsupportedError(f"no decoder for audio codec {header.codec!r}") from error
        assert isinstance(context, av.AudioCodecContext)
        context.sample_rate = header.sample_rate
        context.layout = header.layout
        context.extradata = header.extradata
        self._context = context
        self._time_base: Fraction = header.time_base

    def decode(self, packet: AudioPacket) -> Iterator[av.AudioFrame]:
        """Frames of one packet.

        :raises InvalidDataError: if FFmpeg cannot decode it.
        """
        data = av.Packet(packet.data)
        data.pts = data.dts = packet.pts
        data.time_base = self._time_base
        try:
            yield from self._context.decode(data)
        except av.FFmpegError as error:
            raise InvalidDataError(f"damaged audio packet: {error.strerror}") from error
