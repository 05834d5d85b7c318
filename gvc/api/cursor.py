"""The units of a file, from one loop over it to the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TypeAlias

from gvc.bitstream import AudioBlock, AudioPacket, BitstreamReader, Chunk, Damage, Group
from gvc.errors import GvcError

#: A piece of the file, and the unit in it if there is one; a block of sound has several.
Piece: TypeAlias = tuple["Chunk | Damage", "Group | AudioPacket | None"]


class Cursor:
    """Iterates over the units of a file, audio packets each for itself, up to its end.

    A loop may end anywhere, and the next one goes on there; at the end of the file it gives
    nothing, and after an error that error again, until :meth:`seek`.

    :param salvage: whether to go on after damage, see :meth:`BitstreamReader.salvage`.
    """

    def __init__(self, reader: BitstreamReader, *, salvage: bool) -> None:
        self._reader, self._salvage = reader, salvage
        self._pieces: Iterator[tuple[Chunk | Damage, Group | AudioBlock | None]] | None = None
        self._packets: deque[tuple[Chunk | Damage, AudioPacket]] = deque()
        self._ended = False
        self._error: GvcError | None = None

    def __iter__(self) -> Iterator[Piece]:
        return self

    def __next__(self) -> Piece:
        """The next piece.

        :raises InvalidDataError: where the file is damaged, unless that is passed over.
        """
        while not self._packets:
            chunk, unit = self._next()
            if not isinstance(unit, AudioBlock):
                return chunk, unit
            self._packets.extend((chunk, packet) for packet in unit.packets)
        return self._packets.popleft()

    def seek(self, pts: int) -> int:
        """Go on at the last group that starts at ``pts`` or before, or at the first.

        :returns: when that group starts.
        :raises InvalidDataError: if the file is not seekable, or holds no group.
        """
        found = self._reader.seek(pts)
        self._pieces, self._ended, self._error = None, False, None
        self._packets.clear()
        return found

    def _next(self) -> tuple[Chunk | Damage, Group | AudioBlock | None]:
        if self._error is not None:
            raise self._error
        if self._ended:
            raise StopIteration
        if self._pieces is None:
            self._pieces = self._reader.salvage() if self._salvage else self._reader.units()
        try:
            return next(self._pieces)
        except StopIteration:
            self._ended = True
            raise
        except GvcError as error:
            self._error = error
            raise
        except BaseException:
            # An interrupt, say: the generator is over, the file is not.
            self._pieces = None
            raise
