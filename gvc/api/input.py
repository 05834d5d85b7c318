"""Reading a .gvc file."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from gvc.api.cursor import Cursor
from gvc.api.file_object import File, path_of
from gvc.api.input_file import MICRO, InputFile
from gvc.api.limits import DecodeLimits, Meter, OnError, on_error_named
from gvc.api.packet import Packet
from gvc.api.streams import AudioStream, StreamContainer, VideoStream
from gvc.bitstream import AudioPacket, Damage, Group
from gvc.codec.settings import decoded_header, precision_named
from gvc.errors import GvcError, InvalidDataError, MediaError, UsageError

if TYPE_CHECKING:
    import av

    from gvc.api.audio import AudioDecoder
    from gvc.api.concealment import Loss
    from gvc.api.playback import ConcealingPlayback, Playback
    from gvc.codec.decoder import VideoDecoder

_NO_LIMITS = DecodeLimits()


class InputContainer(InputFile):
    """A .gvc file that is read; a context manager. Made by :func:`gvc.open`.

    One process uses it, the one that opened it. Loops over it go on where the one before ended:
    ``next(container.decode(video=0))`` gives one frame after the other. At the end of the file a
    loop gives nothing; :meth:`seek` goes back.

    :param file: a path, or a binary file object, which need not be seekable.
    :param size: decode pictures at a reduced size: the side of the square of equal area, see
        :func:`gvc.codec.settings.decoded_header`. None decodes them at the source's size.
    :param weights: a weights file, or a folder of them, besides those that ship.
    :param packs: a speaker pack, or a folder of them, where the file was made with one; the folder
        of the file itself is looked at, too.
    :param device: where the network runs, ``cpu`` or ``cuda``.
    :param threads: CPU threads; torch itself then gets one (``torch.set_num_threads``), and
        pictures do not depend on the number. None leaves the choice to the libraries.
    :param precision: how pictures are computed, see :class:`gvc.codec.settings.Precision`.
    :param on_error: what to do where the file is damaged, see :class:`gvc.api.limits.OnError`;
        a damaged header is an error always.
    :param limits: what the file may ask for.
    :raises MediaError: if the file cannot be opened.
    :raises InvalidDataError, UnsupportedError: if it is not a .gvc file that this version reads.
    :raises LimitError: if it is beyond ``limits``.
    :raises UsageError: if ``size`` is out of range, there is no such precision, or ``file`` is no
        file that can be read.
    """

    def __init__(
        self,
        file: File,
        *,
        size: int | None = None,
        weights: Path | None = None,
        packs: Path | None = None,
        device: str = "cpu",
        threads: int | None = None,
        precision: str = "auto",
        on_error: str = "stop",
        limits: DecodeLimits = _NO_LIMITS,
    ) -> None:
        self._precision = precision_named(precision)
        self._conceals = on_error_named(on_error) is OnError.CONCEAL
        self._size, self._limits = size, limits
        self._weights, self._device, self._threads = weights, device, threads
        #: pts of the group that was sought, None at the beginning of the file.
        self._sought: int | None = None
        #: What was lost of a damaged file, as far as it was read.
        self.losses: list[Loss] = []
        super().__init__(file, salvage=self._conceals)
        path = path_of(file)
        self._pack_places = [place for place in (packs, path and path.parent) if place is not None]
        self._cursor = Cursor(self._reader, salvage=self._conceals)
        try:
            decoded = decoded_header(self.header.video, size)
            limits.check_header(self.header.video, decoded)
            if limits.max_frames is not None or limits.max_seconds is not None:
                limits.check_index(self.header.video, self.index)
        except BaseException as error:
            self.close()
            raise self._located(error) from error
        streams: list[VideoStream | AudioStream] = [VideoStream(self, decoded)]
        if self.header.audio is not None:
            streams.append(AudioStream(self, self.header.audio))
        self.streams = StreamContainer(streams)

    def __repr__(self) -> str:
        return f"<gvc.InputContainer {self.name!r}>"

    @property
    def threads(self) -> int | None:
        """CPU threads of the decoder; None leaves the choice to the libraries.

        :raises UsageError: where it is set to less than 1, or once frames have been decoded.
        """
        return self._threads

    @threads.setter
    def threads(self, value: int | None) -> None:
        if "video_decoder" in self.__dict__:
            raise UsageError("the number of threads cannot be set once frames have been decoded")
        if value is not None and (not isinstance(value, int) or value < 1):
            raise UsageError(f"number of threads {value!r} is out of range")
        self._threads = value

    def chapters(self) -> list[Any]:
        """Empty: a .gvc file holds no chapters."""
        return []

    def demux(self, *args: Any, **kwargs: Any) -> Iterator[Packet]:
        """Packets in file order.

        There are no empty packets at the end, which PyAV gives to flush decoders: no frame is held
        back here.

        :param args: streams, as :meth:`gvc.api.stream_container.StreamContainer.get` takes them:
            ``demux(0)``, ``demux(stream)``, ``demux(video=0)``; none means all.
        :raises InvalidDataError: where the file is damaged, after all packets before that place;
            with ``on_error="conceal"`` what is damaged is left out.
        :raises UsageError: if there is no such stream.
        """
        self._check()
        return self._packets({stream.type: stream for stream in self.streams.get(*args, **kwargs)})

    def _packets(self, streams: dict[Any, VideoStream | AudioStream]) -> Iterator[Packet]:
        try:
            for piece, unit in self._cursor:
                self._check()
                if isinstance(piece, Damage):
                    self._lose(piece)
                elif isinstance(unit, Group) and "video" in streams:
                    self._meter.take(unit)
                    yield Packet(streams["video"], unit, piece.offset)
                elif isinstance(unit, AudioPacket) and "audio" in streams:
                    yield Packet(streams["audio"], unit, piece.offset)
        except GvcError as error:
            raise self._located(error) from error

    def _lose(self, damage: Damage) -> None:
        from gvc.api.concealment import Loss

        self.losses.append(Loss("video", damage.start, damage.end, damage.cause))

    def play(
        self, *, video: int | None = None, audio: int | None = None
    ) -> Iterator[av.VideoFrame | AudioPacket]:
        """Video frames, decoded, and audio packets, as they are, in file order.

        With ``on_error="conceal"`` there are frames for the time of lost groups, too: the last good
        picture, in the beginning the first one. :attr:`losses` tells of them.

        :param video: 0 for the video stream; :param audio: 0 for the audio stream. Neither means
            both.
        :raises InvalidDataError: where the file is damaged, or if no picture can be decoded.
        :raises LimitError: where it is beyond the limits.
        """
        self._check()
        return self._play(_kinds(video, audio))

    def _play(self, kinds: set[str]) -> Iterator[av.VideoFrame | AudioPacket]:
        playback = self._playback
        try:
            for unit in playback.play(kinds):
                yield unit
                self._check()
        except GvcError as error:
            raise self._located(error) from error

    @overload
    def decode(self, *, video: int) -> Iterator[av.VideoFrame]: ...

    @overload
    def decode(self, *, audio: int) -> Iterator[av.AudioFrame]: ...

    @overload
    def decode(self, *args: VideoStream) -> Iterator[av.VideoFrame]: ...

    @overload
    def decode(self, *args: AudioStream) -> Iterator[av.AudioFrame]: ...

    @overload
    def decode(self, *args: Any, **kwargs: Any) -> Iterator[av.VideoFrame | av.AudioFrame]: ...

    def decode(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Frames in file order, one by one; errors as for :meth:`play`.

        :param args: streams, as for :meth:`demux`: ``decode(video=0)``, ``decode(stream)``.
        """
        self._check()
        return self._frames({stream.type for stream in self.streams.get(*args, **kwargs)})

    def _frames(self, kinds: set[str]) -> Iterator[av.VideoFrame | av.AudioFrame]:
        for unit in self._play(kinds):
            if isinstance(unit, AudioPacket):
                yield from self._heard(unit)
            else:
                yield unit

    def _heard(self, packet: AudioPacket) -> Iterator[av.AudioFrame]:
        try:
            yield from self.audio_decoder.decode(packet)
        except GvcError as error:
            # A gap in the sound: frames behind it have their own times.
            if not (self._conceals and isinstance(error, InvalidDataError)):
                raise self._located(error) from error

    def decode_group(self, group: Group) -> list[av.VideoFrame]:
        """All frames of a group of this file.

        :raises InvalidDataError: if its data is damaged.
        """
        self._check()
        try:
            return list(self.video_decoder.decode(group))
        except GvcError as error:
            raise self._located(error) from error

    def decode_sound(self, packet: AudioPacket) -> list[av.AudioFrame]:
        """All frames of an audio packet of this file, which are decoded in order.

        :raises InvalidDataError: if its data is damaged.
        """
        self._check()
        return list(self._heard(packet))

    def seek(
        self,
        offset: int,
        *,
        backward: bool = True,
        any_frame: bool = False,
        stream: VideoStream | AudioStream | None = None,
    ) -> None:
        """Go on reading at the group of pictures that holds a time.

        :param offset: in ``stream.time_base``, or in microseconds without a stream.
        :param backward: False goes to the next group that starts at ``offset`` or later.
        :param any_frame: accepted for likeness with PyAV; reading always starts at a key frame,
            because inter frames need theirs.
        :raises MediaError: if the file is not seekable.
        :raises UsageError: if ``offset`` is no integer, or the stream is of another container.
        """
        self._check()
        if not isinstance(offset, int):
            raise UsageError(f"a place to seek is an integer, and not {offset!r}")
        if stream is not None:
            (stream,) = self.streams.get(stream)
        unit = stream.time_base if stream is not None else Fraction(1, MICRO)
        pts = int(offset * unit / self.header.video.time_base)
        if self.index is None:
            raise MediaError("cannot seek in a pipe", path=self.name)
        if not backward:
            pts = next((entry.pts for entry in self.index.groups if entry.pts >= pts), pts)
        try:
            self._sought = self._cursor.seek(pts)
        except GvcError as error:
            raise self._located(error) from error
        self.__dict__.pop("_playback", None)
        self.__dict__.pop("_meter", None)
        if "audio_decoder" in self.__dict__:
            self.audio_decoder.flush()

    def close(self) -> None:
        """Close the file, if it was opened here; nothing can be read any more."""
        self.__dict__.pop("_playback", None)
        super().close()

    @cached_property
    def _meter(self) -> Meter:
        """What holds the pass from the beginning, or the place that was sought, to its limits."""
        return Meter(self._limits, self.header.video)

    @cached_property
    def _playback(self) -> Playback | ConcealingPlayback:
        """The pass from there on."""
        from gvc.api.playback import ConcealingPlayback, Playback

        playback = Playback(self._cursor, self._reader, lambda: self.video_decoder, self._meter)
        if not self._conceals:
            return playback
        return ConcealingPlayback(playback, begin=self._sought, say=self.losses.append)

    @cached_property
    def video_decoder(self) -> VideoDecoder:
        """The decoder of the video stream, made when it is first needed."""
        from gvc.codec.decoder import VideoDecoder

        try:
            return VideoDecoder(
                self.header.video,
                size=self._size,
                extra_weights=self._weights,
                pack=self.embedded_pack,
                pack_places=self._pack_places,
                device=self._device,
                threads=self._threads,
                precision=self._precision,
            )
        except GvcError as error:
            raise self._located(error) from error

    @cached_property
    def audio_decoder(self) -> AudioDecoder:
        """The decoder of the audio stream, made when it is first needed."""
        from gvc.api.audio import AudioDecoder

        if self.header.audio is None:
            raise UsageError("the file has no audio", path=self.name)
        try:
            return AudioDecoder(self.header.audio)
        except GvcError as error:
            raise self._located(error) from error


def _kinds(video: int | None, audio: int | None) -> set[str]:
    for name, number in (("video", video), ("audio", audio)):
        if number not in (None, 0):
            raise UsageError(f"there is no {name} stream {number}")
    chosen = {name for name, number in (("video", video), ("audio", audio)) if number is not None}
    return chosen or {"video", "audio"}
