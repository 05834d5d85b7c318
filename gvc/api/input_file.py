"""A .gvc file that is open: what its header and its index say of it."""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import BinaryIO, NoReturn, Self

from gvc.api.descriptions import FORMAT, ContainerFormat
from gvc.api.file_object import File, name_of, path_of, to_read
from gvc.api.streams import StreamContainer
from gvc.bitstream import BitstreamReader, FileHeader, Index
from gvc.errors import GvcError, UsageError
from gvc.process import Owner

#: Microseconds of a second, FFmpeg's AV_TIME_BASE.
MICRO = 1_000_000


class InputFile:
    """A .gvc file that is open for reading, in the process that opened it.

    :param file: a path, or a binary file object, which need not be seekable.
    :param salvage: whether to make do with what is whole of a damaged file.
    :raises MediaError: if the file cannot be opened.
    :raises InvalidDataError, UnsupportedError: if it is not a .gvc file that this version reads.
    :raises UsageError: if ``file`` is no file that can be read.
    """

    format: ContainerFormat = FORMAT
    streams: StreamContainer

    def __init__(self, file: File, *, salvage: bool = False) -> None:
        self.name = name_of(file)
        path = path_of(file)
        #: The file object that was given; None for a path.
        self.file: BinaryIO | None = None if path is not None else file  # type: ignore[assignment]
        self._owner = Owner("the container", self.name)
        self._closed = False
        self._file, self._own = to_read(file)
        try:
            self._reader = BitstreamReader(self._file, salvage=salvage)
        except BaseException as error:
            self.close()
            raise self._located(error) from error
        self.header: FileHeader = self._reader.header

    @property
    def metadata(self) -> dict[str, str]:
        """Title, date and so on, as the source had them."""
        return dict(self.header.metadata)

    @property
    def options(self) -> dict[str, str]:
        """Empty: what is asked of a decoder are arguments of :func:`gvc.open`."""
        return {}

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    @property
    def embedded_pack(self) -> bytes | None:
        """The speaker pack that the file holds; None if it holds none."""
        return self._reader.pack

    @cached_property
    def index(self) -> Index | None:
        """Where the groups are; None where the file cannot be searched.

        :raises InvalidDataError: if the file holds one that is none.
        """
        self._check()
        try:
            return self._reader.index
        except GvcError as error:
            raise self._located(error) from error

    @cached_property
    def sound_span(self) -> tuple[int, int] | None:
        """When the sound begins and ends, in its time base; None if that is not known."""
        self._check()
        return self._reader.sound_span() if self.header.audio is not None else None

    @property
    def start_time(self) -> int | None:
        """Presentation time of the first frame in microseconds, None if unknown."""
        start = self.streams.video[0].start_time
        return None if start is None else round(start * self.header.video.time_base * MICRO)

    @property
    def duration(self) -> int | None:
        """Duration of the video in microseconds, None if unknown."""
        length = self.streams.video[0].duration
        return None if length is None else round(length * self.header.video.time_base * MICRO)

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._reader.position

    @property
    def size(self) -> int | None:
        """Bytes of the file, None if it cannot be searched."""
        self._check()
        if not self._file.seekable():
            return None
        here = self._file.tell()
        end = self._file.seek(0, 2)
        self._file.seek(here)
        return end

    @property
    def bit_rate(self) -> int | None:
        """Bits per second over all streams, None if unknown."""
        if not self.duration or self.size is None:
            return None
        return round(self.size * 8 * MICRO / self.duration)

    def close(self) -> None:
        """Close the file, if it was opened here; nothing can be read any more."""
        self._closed = True
        if self._own:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def refuse_copy(self) -> NoReturn:
        """Answer whoever pickles or copies it, a stream of it, or a packet.

        :raises UsageError: always.
        """
        self._owner.refuse_copy()

    def __reduce__(self) -> NoReturn:
        self.refuse_copy()

    def _check(self) -> None:
        """Make sure that it is open, in this process."""
        self._owner.check()
        if self._closed:
            raise UsageError("the container is closed", path=self.name)

    def _located(self, error: BaseException) -> BaseException:
        """The same error, naming this file unless it names one already."""
        if isinstance(error, GvcError) and error.path is None:
            return type(error)(error.cause, path=self.name, hint=error.hint)
        return error
