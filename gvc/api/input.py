"""Reading a .gvc file."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from gvc.api.limits import DecodeLimits, Meter, OnError, on_error_named
from gvc.api.packet import Packet
from gvc.api.streams import AudioStream, StreamContainer, VideoStream
from gvc.bitstream import AudioBlock, AudioPacket, BitstreamReader, Damage, FileHeader, Group, Index
from gvc.codec.settings import decoded_header, precision_named
from gvc.errors import GvcError, InvalidDataError, MediaError, UsageError

if TYPE_CHECKING:
    import av

    from gvc.api.audio import AudioDecoder
    from gvc.api.concealment import Loss
    from gvc.codec.decoder import VideoDecoder

#: Microseconds a second, FFmpeg's AV_TIME_BASE.
_MICRO = 1_000_000

_NO_LIMITS = DecodeLimits()


class InputContainer:
    """A .gvc file that is read; a context manager. Made by :func:`gvc.open`.

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
    :raises UsageError: if ``size`` is out of range, or there is no such precision.
    """

    format = "gvc"

    def __init__(
        self,
        file: str | Path | BinaryIO,
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
        self.name = _name_of(file)
        self._own = isinstance(file, (str, Path))
        self._file: BinaryIO = _open(file) if isinstance(file, (str, Path)) else file
        self._size, self._precision = size, precision_named(precision)
        self._conceals = on_error_named(on_error) is OnError.CONCEAL
        self._limits = limits
        #: pts of the group that was sought, None at the beginning of the file.
        self._sought: int | None = None
        #: What was lost of a damaged file, as far as it was read.
        self.losses: list[Loss] = []
        self._pack_places = [packs] if packs is not None else []
        if isinstance(file, (str, Path)):
            self._pack_places.append(Path(file).parent)
        self._weights, self._device, self._threads = weights, device, threads
        try:
            self._reader = BitstreamReader(self._file, salvage=self._conceals)
            self.header: FileHeader = self._reader.header
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

    @property
    def metadata(self) -> dict[str, str]:
        """Title, date and so on, as the source had them."""
        return dict(self.header.metadata)

    @property
    def embedded_pack(self) -> bytes | None:
        """The speaker pack that the file holds; None if it holds none."""
        return self._reader.pack

    @cached_property
    def index(self) -> Index | None:
        """Where the groups are; None where the file cannot be searched.

        :raises InvalidDataError: if the file holds one that is none.
        """
        try:
            return self._reader.index
        except GvcError as error:
            raise self._located(error) from error

    @property
    def start_time(self) -> int | None:
        """Presentation time of the first frame in microseconds, None if unknown."""
        if self.index is None or not self.index.groups:
            return None
        return round(self.index.groups[0].pts * self.header.video.time_base * _MICRO)

    @property
    def duration(self) -> int | None:
        """Duration of the video in microseconds, None if unknown."""
        if self.index is None or not self.index.groups:
            return None
        start = self.index.groups[0].pts
        # A damaged index may say that the end comes first.
        return max(0, round((self.index.end_pts - start) * self.header.video.time_base * _MICRO))

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._reader.position

    @property
    def size(self) -> int | None:
        """Bytes of the file, None if it cannot be searched."""
        if not self._file.seekable():
            return None
        here = self._file.tell()
        end = self._file.seek(0, 2)
        self._file.seek(here)
        return end

    @property
    def bit_rate(self) -> int | None:
        """Bits a second over all streams, None if unknown."""
        if not self.duration or self.size is None:
            return None
        return round(self.size * 8 * _MICRO / self.duration)

    def demux(self, *, video: int | None = None, audio: int | None = None) -> Iterator[Packet]:
        """Packets in file order.

        :param video: 0 for packets of the video stream; :param audio: 0 for those of the audio
            stream. Neither means both.
        :raises InvalidDataError: where the file is damaged, after all packets before that place;
            with ``on_error="conceal"`` what is damaged is left out.
        """
        kinds = _kinds(video, audio)
        meter = Meter(self._limits, self.header.video)
        try:
            for unit in self._salvaged() if self._conceals else self._reader:
                if isinstance(unit, Group):
                    if "video" in kinds:
                        meter.take(unit)
                        yield Packet(self.streams.video[0], unit)
                elif "audio" in kinds and self.streams.audio:
                    for packet in unit.packets:
                        yield Packet(self.streams.audio[0], packet)
        except GvcError as error:
            raise self._located(error) from error

    def _salvaged(self) -> Iterator[Group | AudioBlock]:
        from gvc.api.concealment import Loss

        for piece, unit in self._reader.salvage():
            if isinstance(piece, Damage):
                self.losses.append(Loss("video", piece.start, piece.end, piece.cause))
            elif unit is not None:
                yield unit

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
        from gvc.api.playback import Playback

        kinds = _kinds(video, audio)
        playback = Playback(
            self._reader,
            (lambda: self.video_decoder) if "video" in kinds else None,
            "audio" in kinds and bool(self.streams.audio),
            Meter(self._limits, self.header.video),
        )
        try:
            if self._conceals:
                yield from playback.concealing(begin=self._sought, say=self.losses.append)
            else:
                yield from playback.straight()
        except GvcError as error:
            raise self._located(error) from error

    def decode(
        self, *, video: int | None = None, audio: int | None = None
    ) -> Iterator[av.VideoFrame | av.AudioFrame]:
        """Frames in file order, one by one; parameters and errors as for :meth:`play`."""
        for unit in self.play(video=video, audio=audio):
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
        """
        unit = stream.time_base if stream is not None else Fraction(1, _MICRO)
        pts = int(offset * unit / self.header.video.time_base)
        if self.index is None:
            raise MediaError("cannot seek in a pipe", path=self.name)
        if not backward:
            pts = next((entry.pts for entry in self.index.groups if entry.pts >= pts), pts)
        self._sought = self._reader.seek(pts)

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
        return AudioDecoder(self.header.audio)

    def close(self) -> None:
        """Close the file, if it was opened here."""
        if self._own:
            self._file.close()

    def __enter__(self) -> InputContainer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _located(self, error: BaseException) -> BaseException:
        """The same error, naming this file unless it names one already."""
        if isinstance(error, GvcError) and error.path is None:
            return type(error)(error.cause, path=self.name, hint=error.hint)
        return error


def _name_of(file: str | Path | BinaryIO) -> str:
    if isinstance(file, (str, Path)):
        return str(file)
    return str(getattr(file, "name", "<stream>"))


def _open(path: str | Path) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise MediaError(error.strerror or str(error), path=path) from error


def _kinds(video: int | None, audio: int | None) -> set[str]:
    for name, number in (("video", video), ("audio", audio)):
        if number not in (None, 0):
            raise UsageError(f"there is no {name} stream {number}")
    chosen = {name for name, number in (("video", video), ("audio", audio)) if number is not None}
    return chosen or {"video", "audio"}
