"""Writing a .gvc file."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias, overload

import av

from gvc.api.descriptions import FORMAT, ContainerFormat
from gvc.api.file_object import File, path_of
from gvc.api.muxer import Muxer
from gvc.api.options import encoder_settings
from gvc.api.output_audio import CopiedAudioStream, OutputAudioStream
from gvc.api.output_copy import CopiedVideoStream
from gvc.api.output_video import OutputVideoStream
from gvc.api.packet import Packet
from gvc.api.stream_container import StreamContainer
from gvc.api.streams import AudioStream, VideoStream
from gvc.api.unfinished import Closable, Unfinished, abandon
from gvc.bitstream import AudioHeader, Group
from gvc.codec.settings import EncoderSettings
from gvc.errors import MediaError, UsageError

if TYPE_CHECKING:
    from gvc.api.packet import Written

#: A demultiplexed packet of PyAV.
AvPacket: TypeAlias = "av.Packet[Any]"

#: Codec names that :meth:`OutputContainer.add_stream` takes for audio.
_AUDIO_CODECS = ("libopus", "opus")

#: Arguments of a video stream that are no attributes of it.
_SPECIAL = ("planner", "faces", "prepared")

#: Frames per second where nobody says how many.
_DEFAULT_RATE = 25


class OutputContainer:
    """A .gvc file that is written; a context manager. Made by :func:`gvc.open`.

    A path gets its file when the container is closed without an error; until then, what is written
    stands beside it under another name. A container that is never closed leaves nothing. One
    process uses it, the one that opened it.

    :param file: a path, or a binary file object, which is never sought and not closed.
    :param options: of the encoder, by the names of the command line, or all of its settings.
    :param packs: a speaker pack, as the option ``pack``.
    :raises MediaError: if the file cannot be written.
    :raises UsageError: if an option is unknown or out of range.
    """

    format: ContainerFormat = FORMAT
    default_video_codec = "gvc"
    default_audio_codec = "libopus"
    supported_codecs = frozenset({"gvc", "libopus", "opus"})

    def __init__(
        self,
        file: File,
        *,
        options: Mapping[str, str] | EncoderSettings | None = None,
        weights: Path | None = None,
        packs: Path | None = None,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        self.options: dict[str, str] = {}
        if isinstance(options, EncoderSettings):
            self._settings = options
        else:
            base = EncoderSettings(weights=weights, pack=packs, device=device, threads=threads)
            self.options = dict(options or {})
            self._settings = encoder_settings(base, self.options)
        self.metadata: dict[str, str] = {}
        self.streams = StreamContainer[
            OutputVideoStream | CopiedVideoStream, OutputAudioStream | CopiedAudioStream
        ]()
        #: The file object that was given; None for a path.
        self.file = None if path_of(file) is not None else file
        self._closed = False
        self._unfinished = Unfinished(file)
        self._finalizer = weakref.finalize(self, abandon, self._unfinished)
        self.name = self._unfinished.name
        try:
            with self._reporting():
                self._muxer = Muxer(self._unfinished.file)
                self._unfinished.settle()
        except BaseException:
            self.abort()
            raise

    def __repr__(self) -> str:
        return f"<gvc.OutputContainer {self.name!r}>"

    @property
    def closed(self) -> bool:
        """Whether it was closed, or given up."""
        return self._closed

    @property
    def position(self) -> int:
        """Bytes written so far."""
        return self._muxer.position

    @overload
    def add_stream(
        self,
        codec_name: Literal["gvc"] = "gvc",
        rate: float | Fraction | None = None,
        options: Mapping[str, str] | None = None,
        **attributes: Any,
    ) -> OutputVideoStream: ...

    @overload
    def add_stream(
        self,
        codec_name: Literal["libopus", "opus"],
        rate: int | None = None,
        options: Mapping[str, str] | None = None,
        **attributes: Any,
    ) -> OutputAudioStream: ...

    @overload
    def add_stream(
        self,
        codec_name: str,
        rate: float | Fraction | None = None,
        options: Mapping[str, str] | None = None,
        **attributes: Any,
    ) -> OutputVideoStream | OutputAudioStream: ...

    def add_stream(
        self,
        codec_name: str = "gvc",
        rate: Any = None,
        options: Mapping[str, str] | None = None,
        **attributes: Any,
    ) -> OutputVideoStream | OutputAudioStream:
        """Add the video stream (``"gvc"``) or an audio stream (``"libopus"``).

        :param rate: frames per second of video, 25 by default; samples per second of audio.
        :param options: of the encoder of video, over those of the container.
        :param attributes: of the stream: ``width``, ``height``, ``pix_fmt``, ``bit_rate``,
            ``gop_size``, ``time_base``, ``sample_aspect_ratio``, ``thread_count``; of audio
            ``bit_rate``, ``layout``. Of video also ``planner``, ``faces`` and ``prepared``, see
            :class:`~gvc.api.output_video.OutputVideoStream`.
        :raises UsageError: if there is such a stream already, the codec is another one, an
            attribute is unknown, or a value is out of range.
        """
        stream: OutputVideoStream | OutputAudioStream
        self._check_addable("video" if codec_name == "gvc" else "audio")
        if codec_name == "gvc":
            special = {name: attributes.pop(name) for name in _SPECIAL if name in attributes}
            stream = OutputVideoStream(
                self, _DEFAULT_RATE if rate is None else rate, self._settings, **special
            )
            if options:
                stream.options = options
        elif codec_name in _AUDIO_CODECS:
            if options:
                raise UsageError("sound has no options", hint="bit_rate, layout")
            stream = OutputAudioStream(self, rate)
        else:
            raise UsageError(f"codec {codec_name!r} cannot be stored", hint="gvc or libopus")
        stream.configure(attributes)
        self.streams._append(stream)
        return stream

    @overload
    def add_stream_from_template(self, template: VideoStream) -> CopiedVideoStream: ...

    @overload
    def add_stream_from_template(
        self, template: av.AudioStream | AudioStream | AudioHeader
    ) -> CopiedAudioStream: ...

    def add_stream_from_template(self, template: Any) -> CopiedVideoStream | CopiedAudioStream:
        """Add a stream whose packets are those of ``template``, unchanged.

        :param template: an audio stream of PyAV, or a stream of a .gvc file; set
            ``packet.stream`` of its packets to the stream that is returned, or write them as they
            are.
        :raises UsageError: if there is a stream of that type already, or it is another one.
        :raises UnsupportedError: if its packets cannot be stored.
        """
        stream: CopiedVideoStream | CopiedAudioStream
        if isinstance(template, VideoStream):
            self._check_addable("video")
            stream = CopiedVideoStream(self, template)
        elif isinstance(template, (AudioStream, AudioHeader, av.AudioStream)):
            self._check_addable("audio")
            stream = CopiedAudioStream(self, template)
        else:
            raise UsageError(
                f"a stream cannot be made from {type(template).__name__}",
                hint="an audio stream, or a video stream of a .gvc file",
            )
        self.streams._append(stream)
        return stream

    def mux(self, packets: Packet | AvPacket | Iterable[Packet | AvPacket]) -> None:
        """Write packets; those of PyAV belong to the stream made from their template.

        :raises UsageError: if there is no stream for them, or they are out of order.
        :raises MediaError: if the file cannot be written.
        """
        self.check_open()
        if isinstance(packets, (Packet, av.Packet)):
            packets = [packets]
        elif not isinstance(packets, Iterable):
            raise UsageError(f"{type(packets).__name__} is no packet")
        for packet in packets:
            self.mux_one(packet)

    def mux_one(self, packet: Packet | AvPacket) -> None:
        """Write one packet; as :meth:`mux`."""
        self.check_open()
        if not isinstance(packet, (Packet, av.Packet)):
            raise UsageError(f"{type(packet).__name__} is no packet")
        stream = self._stream_of(packet)
        with self._reporting():
            if isinstance(stream, CopiedAudioStream) and (unit := stream.stored(packet)):
                self._muxer.write_audio(unit)
            elif isinstance(packet, Packet) and isinstance(packet.unit, Group):
                self._write_group(packet, stream)
            elif isinstance(packet, Packet) and isinstance(stream, OutputAudioStream):
                self._muxer.write_audio(stream.in_order(packet))

    def close(self) -> None:
        """Finish the file; streams that were not flushed are.

        :raises InvalidDataError: if it has no picture.
        :raises GvcError: if the last frames cannot be coded.
        :raises MediaError: if it cannot be written.
        """
        if self._closed:
            return
        self._unfinished.owner.check()
        try:
            for stream in sorted(self.streams, key=lambda each: each.type):
                self.mux(stream.encode(None))
            with self._reporting():
                self._muxer.close()
        except BaseException:
            self.abort()
            raise
        self._closed = True
        self._finalizer.detach()
        self._unfinished.commit()

    def abort(self) -> None:
        """Give up: a path that was to be written is left as it was."""
        self._closed = True
        self._finalizer.detach()
        if self._unfinished.owner.is_here:
            self._unfinished.discard()

    def check_open(self) -> None:
        """Make sure that it is open, in this process.

        :raises UsageError: if not.
        """
        self._unfinished.owner.check()
        if self._closed:
            raise UsageError("the container is closed", path=self.name)

    def release_later(self, worker: Closable) -> None:
        """Close ``worker`` with this container, or when it is forgotten."""
        self._unfinished.add(worker)

    def __enter__(self) -> OutputContainer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()

    def __reduce__(self) -> NoReturn:
        self._unfinished.owner.refuse_copy()

    def _check_addable(self, kind: str) -> None:
        self.check_open()
        if any(other.type == kind for other in self.streams):
            raise UsageError(f"a .gvc file holds one {kind} stream")
        if self._muxer.has_header:
            raise UsageError("streams cannot be added once packets have been written")

    def _stream_of(self, packet: Packet | AvPacket) -> Written:
        """The stream of this container that takes ``packet``.

        :raises UsageError: if there is none.
        """
        owner = packet.stream
        for stream in self.streams:
            if isinstance(stream, (OutputVideoStream, OutputAudioStream)):
                if isinstance(packet, Packet) and stream is owner is packet.origin:
                    return stream
            elif stream is owner or stream.template is owner:
                return stream
            elif isinstance(packet, av.Packet) and isinstance(stream, CopiedAudioStream):
                # It says what is wrong with those of other streams.
                return stream
        raise UsageError(
            "there is no stream for this packet",
            hint="add_stream_from_template makes one, packet.stream names it",
        )

    def _write_group(self, packet: Packet, stream: Written) -> None:
        group = packet.unit
        assert isinstance(group, Group)
        assert isinstance(stream, (OutputVideoStream, CopiedVideoStream))
        self._muxer.check_group(group)
        if isinstance(stream, CopiedVideoStream):
            stream.check(packet)
        if not self._muxer.has_header:
            self._write_header(stream)
        end = packet.origin.duration_of(group) + group.pts
        self._muxer.write_group(group, end_pts=end)
        self._unfinished.settle()

    def _write_header(self, stream: OutputVideoStream | CopiedVideoStream) -> None:
        source = stream.encoder if isinstance(stream, OutputVideoStream) else stream
        sound = next(iter(self.streams.audio), None)
        of_sound = {} if sound is None else sound.metadata
        for tags in (self.metadata, stream.metadata, of_sound):
            for tag in (item for pair in tags.items() for item in pair):
                if not isinstance(tag, str):
                    raise UsageError(f"metadata {tag!r} is no text")
        self._muxer.write_header(
            source.header,
            None if sound is None else sound.header,
            self.metadata,
            pack=source.embedded_pack,
            video_metadata=stream.metadata,
            audio_metadata=of_sound,
        )

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        """Name file and reason where a path cannot be written."""
        try:
            yield
        except OSError as error:
            if isinstance(error, MediaError) or not self._unfinished.is_path:
                raise
            reason = error.strerror or error
            raise MediaError(f"cannot be written: {reason}", path=self.name) from error
