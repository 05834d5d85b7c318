"""A .gvc file as the bytes of a Matroska file of its decoded pictures, made where they are read."""

from __future__ import annotations

import io
import math
import os
import threading
from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from gvc.api.group_pictures import GroupPictures
from gvc.errors import MediaError, UsageError
from gvc.media.raw_matroska import CLUSTER_HEAD, LEAST_FILLING, Cue, RawMatroska, filling

if TYPE_CHECKING:
    from gvc.api.input import InputContainer

#: Slots whose sound is kept.
_SLOTS = 8

#: Read last, so that reading to the end reveals a file that is cut off.
_TAIL = filling(LEAST_FILLING)


@dataclass(frozen=True, slots=True)
class Slot:
    """The part of the file that a group takes, which depends on the index alone.

    :param starts: where its pieces begin, ascending, in bytes from its own beginning.
    :param pieces: packets of sound as bytes; numbers of pictures; at the end, zeros.
    """

    starts: list[int]
    pieces: list[bytes | int]


class DecodedFile(io.RawIOBase):
    """A read-only, seekable binary file; see :func:`gvc.as_file`.

    A group of pictures takes a *slot*: its raw pictures, each in a cluster of the same size, the
    packets of sound of its time in between, and a filling. The index says how many pictures there
    are, and in how many bytes the packets are, so that the places of all slots are known when the
    file is opened. A group is decoded when the first byte of one of its pictures is read.

    :param container: is closed with the file.
    :param conceals: whether damage is concealed.
    :param cache_bytes: most bytes of pictures that are kept.
    :raises MediaError: if the file cannot be searched.
    :raises InvalidDataError: if it holds no group, or its index is invalid.
    :raises UsageError: if ``cache_bytes`` is negative.
    """

    def __init__(self, container: InputContainer, *, conceals: bool, cache_bytes: int) -> None:
        super().__init__()
        self._container = container
        self._groups: GroupPictures | None = None
        if cache_bytes < 0:
            raise UsageError(f"cache_bytes {cache_bytes} must not be negative")
        self.name = container.name
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._position = 0
        #: Where an error was raised, since the last seek.
        self._failed: int | None = None
        self._slots: OrderedDict[int, Slot] = OrderedDict()
        groups = GroupPictures(container, conceals=conceals, cache_bytes=cache_bytes)
        self._groups = groups
        self._matroska = self._matroska_of(groups)
        video, audio = self._matroska.video, self._matroska.audio
        self._picture = CLUSTER_HEAD + self._matroska.picture_size
        sizes = [entry.frames * self._picture for entry in groups.entries]
        if audio is not None:
            # Each packet takes a byte at least besides its data, and then a cluster of its own.
            rooms = (room * (1 + CLUSTER_HEAD) + LEAST_FILLING for room in groups.region_sizes())
            sizes = [size + room for size, room in zip(sizes, rooms, strict=True)]
        places = [0, *accumulate(sizes)]
        start = groups.entries[0].pts
        self._head = self._matroska.head(
            container.metadata,
            [
                Cue(entry.pts * video.time_base, place)
                for entry, place in zip(groups.entries, places, strict=False)
            ],
            duration=max(Fraction(0), (groups.end_pts - start) * video.time_base),
            size=places[-1] + len(_TAIL),
        )
        #: Where the slots begin, and where the last one ends.
        self._places = [len(self._head) + place for place in places]
        self._size = self._places[-1] + len(_TAIL)

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position, which is returned; nothing is decoded.

        :raises UsageError: if it lies before the beginning, or ``whence`` is not 0, 1 or 2.
        """
        with self._lock:
            self._check_open()
            starts = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}
            if whence not in starts or starts[whence] + offset < 0:
                raise UsageError(f"cannot seek to {offset} from {whence}", path=self.name)
            self._position = starts[whence] + offset
            self._failed = None
            return self._position

    def readinto(self, buffer: Any) -> int:
        """Read bytes into ``buffer``; fewer where an error comes after them.

        An error is raised once: FFmpeg reads on after it, and is to find the end of the file there,
        until it seeks.

        :returns: how many; 0 at the end.
        :raises GvcError: if the part cannot be decoded, or after :func:`os.fork`.
        """
        with self._lock:
            self._check_open()
            target = memoryview(buffer).cast("B")
            done = 0
            if self._failed == self._position:
                return 0
            try:
                while done < len(target) and self._position < self._size:
                    taken = self._take(target[done:])
                    done += taken
                    self._position += taken
            except BaseException:
                if not done:
                    self._failed = self._position
                    raise
            return done

    def close(self) -> None:
        """End decoding and close the .gvc file, if it was opened here."""
        if not self.closed:
            if self._groups is not None and self._process == os.getpid():
                self._groups.stop()
            self._container.close()
        super().close()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        if self._process != os.getpid():
            raise MediaError(
                "was opened before a fork", path=self.name, hint="open it in each process"
            )

    def _take(self, target: memoryview) -> int:
        """Read some of the bytes that follow each other here."""
        position = self._position
        if position < len(self._head):
            return _copied(self._head, position, target)
        if position >= self._places[-1]:
            assert self._groups is not None
            self._groups.check_end()
            return _copied(_TAIL, position - self._places[-1], target)
        number = bisect_right(self._places, position) - 1
        slot = self._slot(number)
        position -= self._places[number]
        place = bisect_right(slot.starts, position) - 1
        position -= slot.starts[place]
        piece = slot.pieces[place]
        if isinstance(piece, bytes) and position < len(piece):
            return _copied(piece, position, target)
        if isinstance(piece, int):
            return self._take_picture(number, piece, position, target)
        # The zeros of the filling.
        count = min(len(target), self._places[number + 1] - self._position)
        target[:count] = bytes(count)
        return count

    def _take_picture(self, number: int, index: int, position: int, target: memoryview) -> int:
        assert self._groups is not None
        picture = self._groups.picture(number, index)
        if position < CLUSTER_HEAD:
            head = self._matroska.picture_head(picture.pts, key=index == 0)
            return _copied(head, position, target)
        return _copied(picture.planes, position - CLUSTER_HEAD, target)

    def _slot(self, number: int) -> Slot:
        if number in self._slots:
            self._slots.move_to_end(number)
        else:
            self._slots[number] = self._made(number)
            if len(self._slots) > _SLOTS:
                self._slots.popitem(last=False)
        return self._slots[number]

    def _made(self, number: int) -> Slot:
        """A slot: pictures and sound by their times, which for order may be guessed."""
        pieces = list(self._interleaved(number))
        sizes = [len(piece) if isinstance(piece, bytes) else self._picture for piece in pieces]
        starts = [0, *accumulate(sizes)]
        left = self._places[number + 1] - self._places[number] - starts[-1]
        if left:
            pieces.append(filling(left))
        else:
            starts.pop()
        return Slot(starts, pieces)

    def _interleaved(self, number: int) -> Iterator[bytes | int]:
        assert self._groups is not None
        entry, audio = self._groups.entries[number], self._matroska.audio
        sound = deque[tuple[Fraction, bytes]]()
        if audio is not None:
            for packet in self._groups.region(number).sound:
                whole = self._matroska.packet(packet.pts, packet.data)
                sound.append((packet.pts * audio.time_base, whole))
        ends = [*(each.pts for each in self._groups.entries[1:]), self._groups.end_pts]
        step = Fraction(max(0, ends[number] - entry.pts), entry.frames)
        for index in range(entry.frames):
            time = (entry.pts + index * step) * self._matroska.video.time_base
            while sound and sound[0][0] < time:
                yield sound.popleft()[1]
            yield index
        for _, whole in sound:
            yield whole

    def _matroska_of(self, groups: GroupPictures) -> RawMatroska:
        """How the file is written: the video begins at 0 or later, what is heard before is cut."""
        video, audio = self._container.streams.video[0].header, self._container.header.audio
        delay = max(Fraction(0), -groups.entries[0].pts * video.time_base)
        if audio is not None:
            for packet in groups.region(0).sound[:1]:
                early = math.ceil(-(packet.pts * audio.time_base + delay) * audio.sample_rate)
                audio = replace(audio, initial_padding=max(audio.initial_padding, early))
        header = self._container.header
        return RawMatroska(
            video, audio, delay, dict(header.video_metadata), dict(header.audio_metadata)
        )


def _copied(source: bytes, begin: int, target: memoryview) -> int:
    """Copy ``source`` from ``begin`` on, as far as there is room; how many bytes."""
    part = memoryview(source)[begin : begin + len(target)]
    target[: len(part)] = part
    return len(part)
