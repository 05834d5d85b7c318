"""Whole chunks among damaged bytes, found in bounded time."""

from __future__ import annotations

import re
from collections.abc import Iterable

import google_crc32c

from gvc.container.chunk import CHECKSUM_BYTES, MAX_PAYLOAD
from gvc.container.varint import MAX_BYTES, decode_varint
from gvc.container.window import Window
from gvc.errors import InvalidDataError, TruncatedDataError

#: Bytes of a chunk's type and length, at most.
_HEAD = 1 + MAX_BYTES

#: Bytes that are searched at a time.
_BLOCK = 1 << 16

#: Bytes whose checksum may be computed in vain, for each byte that is passed; and at first, and
#: how many of these are kept for chunks that follow a whole one. Lengths that lie could otherwise
#: make each byte of a file cost as much as all of it.
_VAIN = 512
_RESERVE = 1 << 27
_AT_FIRST = 2 * _RESERVE


class ChunkSearch:
    """Looks for whole chunks in what is ahead in a file.

    :param window: the file.
    :param kinds: types of chunks that are looked for.
    """

    def __init__(self, window: Window, kinds: Iterable[int]) -> None:
        self._window = window
        self._starts = re.compile(b"[" + b"".join(re.escape(bytes([k])) for k in kinds) + b"]")
        self._allowance = _AT_FIRST

    def passed(self, length: int) -> None:
        """Take notice that reading goes on ``length`` bytes further."""
        self._allowance += _VAIN * length

    def claimed(self) -> int:
        """Bytes of the chunk that seems to begin here; 0 if none can.

        More than there are if the file ends within its first bytes.
        """
        return _claimed(self._window.look(_HEAD)[:_HEAD])

    def is_whole(self, size: int) -> bool:
        """Whether a chunk of ``size`` bytes begins here whose checksum is right."""
        return self._sum_fits(0, size, self._allowance)

    def find(self, room: int | None) -> tuple[int, bool]:
        """Look through the next bytes.

        :param room: in how many bytes a chunk has to end; None if that is not known.
        :returns: how many bytes to pass, and whether a whole chunk begins behind them.
        """
        length = min(_BLOCK, room or _BLOCK)
        block = bytes(self._window.look(length + _HEAD)[: length + _HEAD])
        length = min(length, len(block))
        for match in self._starts.finditer(block, 0, length):
            at = match.start()
            size = _claimed(block[at : at + _HEAD])
            if not size or (room is not None and at + size > room):
                continue
            if self._sum_fits(at, size, self._allowance - _RESERVE):
                return at, True
        return length, False

    def _sum_fits(self, at: int, size: int, allowance: int) -> bool:
        if size > allowance:
            return False
        ahead = self._window.look(at + size)
        end = at + size - CHECKSUM_BYTES
        if end <= at or len(ahead) < at + size:
            return False
        checksum = google_crc32c.value(bytes(ahead[at : min(at + _BLOCK, end)]))
        for start in range(at + _BLOCK, end, _BLOCK):
            checksum = google_crc32c.extend(
                checksum, bytes(ahead[start : min(start + _BLOCK, end)])
            )
        if checksum == int.from_bytes(ahead[end : at + size], "little"):
            return True
        self._allowance -= size
        return False


def _claimed(head: bytes | bytearray) -> int:
    """The size of a chunk that begins with ``head``; see :meth:`ChunkSearch.claimed`."""
    if len(head) > 1 and head[1] < 0x80:
        return 2 + head[1] + CHECKSUM_BYTES
    try:
        length, position = decode_varint(head, 1)
    except TruncatedDataError:
        return len(head) + 1
    except InvalidDataError:
        return 0
    return position + length + CHECKSUM_BYTES if length <= MAX_PAYLOAD else 0
