"""Bytes from one thread to another, a bounded number at a time."""

from __future__ import annotations

import threading

#: Most bytes that wait, but for those of one call.
_ROOM = 1 << 22


class BytePipe:
    """A pipe between two threads, whose reading end is a binary file for PyAV."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting = bytearray()
        self._ended = self._abandoned = self._unread = False

    @property
    def is_abandoned(self) -> bool:
        """Whether the writer has given up."""
        return self._abandoned

    def write(self, data: bytes) -> bool:
        """Pass bytes on, as soon as there is room; False if nobody reads any more."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < _ROOM or self._unread)
            if self._unread:
                return False
            self._waiting += data
            self._changed.notify_all()
            return True

    def close_writer(self) -> None:
        """Say that nothing follows."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Give up: the reader gets nothing more, and is to look at :attr:`is_abandoned`."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def close_reader(self) -> None:
        """Say that nobody reads any more."""
        with self._changed:
            self._unread = True
            self._waiting.clear()
            self._changed.notify_all()

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes, as soon as there are some; none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended or self._abandoned)
            if self._abandoned:
                return b""
            data = bytes(self._waiting[:size])
            del self._waiting[:size]
            self._changed.notify_all()
            return data
