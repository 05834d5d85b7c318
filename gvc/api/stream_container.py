"""The streams of a container, by number and by type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, Literal, TypeVar, overload

from gvc.errors import UsageError

_Video = TypeVar("_Video")
_Audio = TypeVar("_Audio")

#: Types of streams that PyAV has names for; a .gvc file holds the first two.
_TYPES = ("video", "audio", "subtitles", "data", "attachments")


class StreamIndexError(UsageError, IndexError):
    """There is no stream of that number."""


class StreamContainer(Sequence["_Video | _Audio"], Generic[_Video, _Audio]):
    """All streams in order, as PyAV's class of that name.

    :param streams: which the container may add to.
    """

    def __init__(self, streams: Sequence[_Video | _Audio] = ()) -> None:
        self._streams: list[Any] = list(streams)

    def __len__(self) -> int:
        return len(self._streams)

    def __iter__(self) -> Iterator[_Video | _Audio]:
        return iter(self._streams)

    @overload
    def __getitem__(self, index: int) -> _Video | _Audio: ...

    @overload
    def __getitem__(self, index: slice) -> list[_Video | _Audio]: ...

    def __getitem__(self, index: int | slice) -> _Video | _Audio | list[_Video | _Audio]:
        if isinstance(index, slice):
            return self._streams[index]
        return self._numbered("stream", self._streams, index)

    def __repr__(self) -> str:
        return f"StreamContainer({self._streams!r})"

    @property
    def video(self) -> tuple[_Video, ...]:
        """The video streams; a .gvc file has one."""
        return tuple(stream for stream in self._streams if stream.type == "video")

    @property
    def audio(self) -> tuple[_Audio, ...]:
        """The audio streams; a .gvc file has one or none."""
        return tuple(stream for stream in self._streams if stream.type == "audio")

    @property
    def subtitles(self) -> tuple[()]:
        """None: a .gvc file holds no subtitles."""
        return ()

    @property
    def data(self) -> tuple[()]:
        """None: a .gvc file holds no other data."""
        return ()

    @property
    def attachments(self) -> tuple[()]:
        """None: a .gvc file holds no attachments."""
        return ()

    def get(self, *args: Any, **kwargs: Any) -> list[_Video | _Audio]:
        """Streams that are chosen, as ``StreamContainer.get`` of PyAV does; all if none is.

        >>> import gvc
        >>> container = gvc.open("examples/portrait.gvc")
        >>> container.streams.get(0) == container.streams.get(video=0) == container.streams.get()
        True
        >>> container.close()

        :param args: numbers of streams, streams of this container, lists of both, or a dictionary
            from types to numbers. None is passed over.
        :param kwargs: ``video=0``, ``audio=(0,)``; ``streams=0`` counts all streams.
        :raises StreamIndexError: if there is no such stream; it is an IndexError, too.
        :raises UsageError: if an argument says no stream.
        """
        chosen = [stream for each in (*args, kwargs) for stream in self._selected(each)]
        return chosen or list(self._streams)

    def best(
        self,
        kind: Literal["video", "audio", "subtitle", "data", "attachment"],
        /,
        related: object = None,
    ) -> _Video | _Audio | None:
        """The stream of a type that a player would choose, None if there is none.

        :param related: for likeness with PyAV: a file has one stream of a type.
        :raises UsageError: if there is no such type.
        """
        if kind not in ("video", "audio", "subtitle", "data", "attachment"):
            raise UsageError(f"there is no type of streams {kind!r}", hint="video or audio")
        return next((stream for stream in self._streams if stream.type == kind), None)

    def _selected(self, what: Any) -> Iterator[Any]:
        if what is None:
            return
        if any(what is stream for stream in self._streams):
            yield what
        elif isinstance(what, int):
            yield self._numbered("stream", self._streams, what)
        elif isinstance(what, dict):
            for kind, numbers in what.items():
                yield from self._of_type(kind, numbers)
        elif isinstance(what, (tuple, list, StreamContainer)):
            for each in what:
                yield from self._selected(each)
        elif hasattr(what, "time_base"):
            raise UsageError("the stream belongs to another container")
        else:
            raise UsageError(f"{what!r} says no stream", hint="a number, a stream, or video=0")

    def _of_type(self, kind: str, numbers: Any) -> Iterator[Any]:
        if kind not in ("streams", *_TYPES):
            raise UsageError(f"there is no type of streams {kind!r}", hint="video or audio")
        if numbers is None:
            return
        streams = self._streams if kind == "streams" else getattr(self, kind)
        for number in numbers if isinstance(numbers, (tuple, list)) else [numbers]:
            yield self._numbered(f"{kind} stream", streams, number)

    @staticmethod
    def _numbered(name: str, streams: Sequence[Any], number: int) -> Any:
        if not isinstance(number, int):
            raise UsageError(f"{number!r} is not the number of a stream")
        try:
            return streams[number]
        except IndexError:
            raise StreamIndexError(f"there is no {name} {number}") from None

    def _append(self, stream: Any) -> None:
        self._streams.append(stream)
