"""Pictures of single groups, by number, whatever was read before."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from gvc.bitstream import AudioPacket, Group, GroupEntry
from gvc.errors import GvcError, InvalidDataError, KeyFrameError, MediaError

if TYPE_CHECKING:
    import av

    from gvc.api.input import InputContainer


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    :param pts: in the video's time base. :param planes: lines of Y, of Cb and of Cr, no padding.
    """

    pts: int
    planes: bytes


@dataclass(frozen=True, slots=True)
class Region:
    """What the file holds from the beginning of a group to that of the next.

    :param sound: the packets in it. :param group: None where it is damaged, and that is concealed.
    """

    sound: tuple[AudioPacket, ...]
    group: Group | None


class GroupPictures:
    """Decodes the groups of a file one by one, in any order.

    What comes out depends on the file alone, not on what was asked for before: a damaged group, if
    that is concealed, repeats the last picture of the last good group before it.

    :param container: has an index. :param conceals: whether damage is concealed.
    :param cache_bytes: most bytes of pictures that are kept, but for one picture.
    :raises MediaError: if the file cannot be searched.
    :raises InvalidDataError: if it holds no group, or its index is invalid.
    """

    def __init__(self, container: InputContainer, *, conceals: bool, cache_bytes: int) -> None:
        if container.index is None:
            raise MediaError(
                "cannot be searched, as a pipe",
                path=container.name,
                hint="store it as a file first, or read it with gvc.open",
            )
        self.entries: tuple[GroupEntry, ...] = container.index.groups
        self.end_pts: int = container.index.end_pts
        self._container, self._conceals = container, conceals
        self._check_entries()
        self._kept: OrderedDict[tuple[int, int], Picture] = OrderedDict()
        self._room = cache_bytes
        #: The group that is being decoded, and how many of its pictures have come out.
        self._running: tuple[int, Iterator[Picture]] | None = None
        self._passed = 0
        #: Last picture of the group that was decoded last, None where it is lost.
        self._last: tuple[int, Picture | None] | None = None

    def region_sizes(self) -> list[int]:
        """Bytes of the file that each group takes, with the sound before it; the last, to the end.

        :raises MediaError: if the file cannot be searched.
        """
        size = self._container.size
        assert size is not None
        offsets = [*(entry.offset for entry in self.entries), size]
        return [max(0, end - begin) for begin, end in pairwise(offsets)]

    def region(self, number: int) -> Region:
        """Group ``number``, undecoded, and the sound of its time.

        :raises InvalidDataError: if it is damaged, unless that is concealed.
        """
        last = number + 1 == len(self.entries)
        end = None if last else self.entries[number + 1].offset
        sound: list[AudioPacket] = []
        group = None
        for packet in self._packets_of(number, to_the_end=last):
            if end is not None and self._container.position > end:
                break
            if isinstance(packet, AudioPacket):
                sound.append(packet)
            elif packet.pts == self.entries[number].pts:
                group = packet
                if not last:
                    break
        if group is None and not self._conceals:
            raise self._invalid("the index says of a group where none is")
        return Region(tuple(sound), group)

    def check_end(self) -> None:
        """Read the file from its last group to its end.

        :raises InvalidDataError: if it is cut off or damaged there, unless that is concealed.
        """
        for _ in self._packets_of(len(self.entries) - 1, to_the_end=True, tail=True):
            pass

    def picture(self, number: int, index: int) -> Picture:
        """Picture ``index`` of group ``number``.

        :raises InvalidDataError: if the group is damaged, unless that is concealed; then, if the
            file has no good picture at all.
        """
        found = self._kept.get((number, index))
        if found is not None:
            self._kept.move_to_end((number, index))
            return found
        if self._running is None or self._running[0] != number or self._passed > index:
            self.stop()
            self._running = number, self._pictures(number)
        try:
            while self._passed <= index:
                picture = next(self._running[1])
                self._keep((number, self._passed), picture)
                self._passed += 1
        except BaseException:
            # What has failed once is to fail in the same way again.
            self.stop()
            raise
        return picture

    def stop(self) -> None:
        """End the decoding of a group, with its threads; what was kept stays."""
        if self._running is not None:
            self._running[1].close()  # type: ignore[attr-defined]
        self._running, self._passed = None, 0

    def _keep(self, place: tuple[int, int], picture: Picture) -> None:
        self._kept[place] = picture
        most = max(1, self._room // len(picture.planes))
        while len(self._kept) > most:
            self._kept.popitem(last=False)

    def _pictures(self, number: int) -> Iterator[Picture]:
        """All pictures of a group, as many as the index says."""
        entry, last, shown = self.entries[number], None, 0
        for last in self._good(number):
            yield last
            shown += 1
        if shown < entry.frames:
            held = last or self._before(number) or self._after(number)
            if held is None:
                raise self._invalid("no picture can be decoded")
            yield from self._held(number, held, entry.frames - shown, partly=last is not None)
        self._last = number, last

    def _good(self, number: int) -> Iterator[Picture]:
        """The pictures of a group that can be decoded."""
        group, entry = self.region(number).group, self.entries[number]
        if group is None:
            return
        try:
            if group.frames != entry.frames:
                raise InvalidDataError("the index says another number of frames than a group")
            for frame in self._container.video_decoder.decode(group):
                assert frame.pts is not None
                yield Picture(frame.pts, _planes(frame))
        except GvcError as error:
            if not (self._conceals and isinstance(error, (InvalidDataError, KeyFrameError))):
                raise self._located(error) from error

    def _held(
        self, number: int, picture: Picture, count: int, *, partly: bool
    ) -> Iterator[Picture]:
        """``picture`` again and again, for the rest of the time of a group."""
        begin = self.entries[number].pts
        if partly:
            begin = picture.pts + self._container.header.video.frame_duration
        starts = [*(entry.pts for entry in self.entries), self.end_pts]
        length = max(starts[number + 1] - begin, count)
        for place in range(count):
            yield Picture(begin + length * place // count, picture.planes)

    def _before(self, number: int) -> Picture | None:
        """The last good picture before a group."""
        for earlier in range(number - 1, -1, -1):
            if self._last is None or self._last[0] != earlier:
                good = deque(self._good(earlier), maxlen=1)
                self._last = earlier, good[0] if good else None
            if self._last[1] is not None:
                return self._last[1]
        return None

    def _after(self, number: int) -> Picture | None:
        """The first good picture after the beginning of a group."""
        for later in range(number + 1, len(self.entries)):
            good = self._good(later)
            first = next(good, None)
            good.close()  # type: ignore[attr-defined]
            if first is not None:
                return first
        return None

    def _packets_of(
        self, number: int, *, to_the_end: bool, tail: bool = False
    ) -> Iterator[Group | AudioPacket]:
        """Units from the beginning of a group on.

        :param to_the_end: whether the file is read to its end, which may be damaged; :param tail:
            whether that is an error then.
        """
        container = self._container
        try:
            container.seek(self.entries[number].pts, stream=container.streams.video[0])
            for packet in container.demux():
                if isinstance(packet.unit, (Group, AudioPacket)):
                    yield packet.unit
        except InvalidDataError as error:
            if tail or not to_the_end:
                raise self._located(error) from error
        except GvcError as error:
            raise self._located(error) from error
        finally:
            # Each pass over a damaged place would add to them.
            container.losses.clear()

    def _check_entries(self) -> None:
        if not self.entries:
            raise self._invalid("holds no group of pictures")
        for one, other in pairwise(self.entries):
            if one.pts >= other.pts or one.offset >= other.offset:
                raise self._invalid("the index is not in order")

    def _invalid(self, cause: str) -> InvalidDataError:
        return InvalidDataError(cause, path=self._container.name)

    def _located(self, error: GvcError) -> GvcError:
        if error.path is not None:
            return error
        return type(error)(error.cause, path=self._container.name, hint=error.hint)


def _planes(frame: av.VideoFrame) -> bytes:
    """The samples of ``frame``, 8-bit 4:2:0, without what pads its lines."""
    parts = []
    for plane in frame.planes:
        lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        parts.append(lines[: plane.height, : plane.width].tobytes())
    return b"".join(parts)
