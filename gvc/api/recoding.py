"""A stream of raw video and sound to a .gvc file, through the containers that everybody uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from gvc.api.output import OutputContainer
from gvc.api.output_audio import CopiedAudioStream, OutputAudioStream
from gvc.errors import GvcError, InvalidDataError, MediaError
from gvc.media import is_storable
from gvc.media.preparation import silent
from gvc.media.tags import tags_of_file, tags_of_stream

if TYPE_CHECKING:
    from gvc.api.byte_pipe import BytePipe

_DEFAULT_RATE = Fraction(25)


@dataclass(frozen=True, slots=True)
class Tags:
    """What a format may not tell of its pictures; None leaves what it tells.

    :param sample_aspect_ratio: width over height of a pixel.
    :param colorspace: H.273 MatrixCoefficients. :param color_range: 1 limited, 2 full.
    :param color_primaries: H.273. :param color_trc: H.273 TransferCharacteristics.
    """

    sample_aspect_ratio: Fraction | None = None
    colorspace: int | None = None
    color_range: int | None = None
    color_primaries: int | None = None
    color_trc: int | None = None

    def put_on(self, frame: av.VideoFrame) -> av.VideoFrame:
        """``frame``, with the colours that are told here."""
        for name in ("colorspace", "color_range", "color_primaries", "color_trc"):
            value = getattr(self, name)
            if value is not None:
                setattr(frame, name, value)
        return frame


def recode(source: BytePipe, output: OutputContainer, tags: Tags) -> None:
    """Encode a whole stream, and close the target.

    The target is left as it was where that fails, and where the writer of the pipe gives up.

    :param source: any format that FFmpeg reads from a pipe.
    :raises GvcError: if the stream cannot be read or the target not be written.
    """
    finished = False
    try:
        with av.open(source, "r") as container:
            _Recoding(container, output, tags).run(source)
        finished = not source.is_abandoned
        if finished:
            output.close()
    except GvcError as error:
        if error.path is not None:
            raise
        raise type(error)(error.cause, path=output.name, hint=error.hint) from error
    except (av.FFmpegError, EOFError) as error:
        if not source.is_abandoned:
            reason = getattr(error, "strerror", None) or "it is empty"
            cause = f"what was written is no video: {reason}"
            raise MediaError(cause, path=output.name) from error
    finally:
        if not finished:
            output.abort()


class _Recoding:
    """One stream of pictures, and one of sound."""

    def __init__(
        self, container: av.container.InputContainer, output: OutputContainer, tags: Tags
    ) -> None:
        self._container, self._output, self._tags = container, output, tags
        if not container.streams.video:
            raise InvalidDataError("what was written holds no video stream")
        self._source = container.streams.video[0]
        output.metadata.update(tags_of_file(container.metadata, silent))
        rate = self._source.average_rate or self._source.guessed_rate or _DEFAULT_RATE
        video = output.add_stream("gvc", rate=Fraction(rate))
        video.metadata.update(tags_of_stream(self._source.metadata, silent))
        video.time_base = Fraction(self._source.time_base or 1 / rate)
        aspect = tags.sample_aspect_ratio or self._source.sample_aspect_ratio
        video.sample_aspect_ratio = Fraction(aspect or 1)
        self._video = video
        self._sound: av.AudioStream | None = next(iter(container.streams.audio), None)
        self._audio: OutputAudioStream | CopiedAudioStream | None = None
        if self._sound is not None:
            codec = self._sound.codec_context.name
            copies = is_storable(codec) and not codec.startswith("pcm")
            self._audio = (
                output.add_stream_from_template(self._sound)
                if copies
                else output.add_stream("libopus")
            )
            self._audio.metadata.update(tags_of_stream(self._sound.metadata, silent))

    def run(self, source: BytePipe) -> None:
        """Encode all packets, unless the writer gives up."""
        streams = [self._source, *([self._sound] if self._sound is not None else [])]
        for packet in self._container.demux(streams):
            if source.is_abandoned:
                return
            if packet.stream is self._sound:
                self._hear(packet)
            else:
                for frame in _frames(packet):
                    self._output.mux(self._video.encode(self._tags.put_on(frame)))
        if isinstance(self._audio, OutputAudioStream):
            self._output.mux(self._audio.encode(None))
        self._output.mux(self._video.encode(None))

    def _hear(self, packet: av.Packet[Any]) -> None:
        if not isinstance(self._audio, OutputAudioStream):
            if packet.size:
                self._output.mux(packet)
            return
        for frame in packet.decode():
            assert isinstance(frame, av.AudioFrame)
            self._output.mux(self._audio.encode(frame))


def _frames(packet: av.Packet[Any]) -> Iterator[av.VideoFrame]:
    for frame in packet.decode():
        assert isinstance(frame, av.VideoFrame)
        yield frame
