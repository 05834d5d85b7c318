"""Audio packets of a .gvc file to audio frames."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av

from gvc.bitstream import AudioHeader, AudioPacket
from gvc.errors import InvalidDataError, UnsupportedError
from gvc.media import is_storable


class AudioDecoder:
    """Decodes the packets of one audio stream, in order, with FFmpeg's decoder.

    :raises UnsupportedError: if no file holds such a codec, or this build of FFmpeg has no decoder.
    :raises InvalidDataError: if there is no such channel layout.
    """

    def __init__(self, header: AudioHeader) -> None:
        # The name is any text that a file says, and FFmpeg has decoders for nearly everything.
        if not is_storable(header.codec):
            raise UnsupportedError(f"audio codec {header.codec!r} is not known")
        try:
            context = av.CodecContext.create(header.codec, "r")
        except (av.FFmpegError, ValueError) as error:
            raise UnsupportedError(f"no decoder for audio codec {header.codec!r}") from error
        assert isinstance(context, av.AudioCodecContext)
        context.sample_rate = header.sample_rate
        try:
            context.layout = header.layout
        except ValueError as error:
            raise InvalidDataError(f"there is no channel layout {header.layout!r}") from error
        context.extradata = header.extradata
        self._context = context
        self._time_base: Fraction = header.time_base
        self._usual_duration = header.frame_size
        self._begun = False

    @property
    def codec(self) -> av.Codec:
        """FFmpeg's decoder."""
        return self._context.codec

    @property
    def format(self) -> av.AudioFormat:
        """Sample format of what comes out.

        :raises InvalidDataError: if the decoder's configuration is damaged.
        """
        try:
            self._context.open(strict=False)
        except av.FFmpegError as error:
            raise InvalidDataError(f"damaged configuration of sound: {error.strerror}") from error
        return self._context.format

    def flush(self) -> None:
        """Forget the packets so far: those to come are from elsewhere in the file."""
        if self._context.is_open:
            self._context.flush_buffers()

    def decode(self, packet: AudioPacket) -> Iterator[av.AudioFrame]:
        """Frames of one packet.

        :raises InvalidDataError: if FFmpeg cannot decode it.
        """
        data = av.Packet(packet.data)
        data.pts = data.dts = packet.pts
        data.time_base = self._time_base
        try:
            for frame in self._context.decode(data):
                yield self._begin(frame, packet)
        except av.FFmpegError as error:
            raise InvalidDataError(f"damaged audio packet: {error.strerror}") from error

    def _begin(self, frame: av.AudioFrame, packet: AudioPacket) -> av.AudioFrame:
        """``frame`` as it is; the first one later by the samples that a decoder leaves out."""
        if not self._begun and frame.pts is not None and frame.time_base:
            lasts = (packet.duration or self._usual_duration) * self._time_base
            left_out = lasts - Fraction(frame.samples, frame.sample_rate)
            frame.pts += max(0, round(left_out / frame.time_base))
        self._begun = True
        return frame
