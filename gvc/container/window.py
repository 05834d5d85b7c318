"""A file read forwards, of which some bytes can be looked at before they are read."""

from __future__ import annotations

from typing import BinaryIO

#: Files are read in pieces of this size, so that memory grows with what really arrives.
_PIECE = 1 << 20


class Window:
    """Bytes of a file, in order; never seeks.

    :param file: a binary file object with ``read``.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ahead = bytearray()
        self._ended = False

    def read(self, length: int) -> bytes:
        """The next ``length`` bytes: fewer only at the end of the file."""
        start = bytes(self._ahead[:length])
        del self._ahead[:length]
        return start + self._from_file(length - len(start))

    def look(self, length: int) -> bytearray:
        """Bytes from here on, at least ``length`` if there are so many; they stay to be read.

        :returns: not to be changed, and good until the next call of any method.
        """
        missing = length - len(self._ahead)
        if missing > 0 and not self._ended:
            arrived = self._from_file(missing)
            self._ended = len(arrived) < missing
            self._ahead += arrived
        return self._ahead

    def clear(self) -> None:
        """Forget what was looked at: the file has been sought."""
        self._ahead.clear()
        self._ended = False

    def _from_file(self, length: int) -> bytes:
        pieces = []
        while length:
            piece = self._file.read(min(length, _PIECE))
            if not piece:
                break
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)
