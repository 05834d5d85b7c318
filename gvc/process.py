"""The process that uses gvc: what a fork leaves behind, and what must not cross it.

May import :mod:`gvc.errors`.

A child that was forked has the memory of its parent, but none of its threads: a pool of threads,
torch's own among them, waits there for ever. And it shares the position of its parent's files.
"""

from __future__ import annotations

import gc
import os
from typing import NoReturn

from gvc.errors import UsageError

#: The process that imported gvc.
_IMPORTED_IN = os.getpid()

if hasattr(os, "register_at_fork"):
    # FFmpeg's codecs wait, as they are freed, for threads that a child does not have: what it
    # inherits, it had better not collect.
    os.register_at_fork(after_in_child=gc.freeze)


def is_forked() -> bool:
    """Whether this process was forked after gvc had been imported."""
    return os.getpid() != _IMPORTED_IN


class Owner:
    """The process that opened something, which no other process may use.

    :param what: it is, for messages. :param name: of its file.
    """

    def __init__(self, what: str, name: str) -> None:
        self._what, self._name = what, name
        self._process = os.getpid()

    @property
    def is_here(self) -> bool:
        """Whether this is that process."""
        return os.getpid() == self._process

    def check(self) -> None:
        """Make sure that this is that process.

        :raises UsageError: if it is one that was forked from it.
        """
        if not self.is_here:
            raise UsageError(
                f"{self._what} was opened before this process was forked",
                path=self._name,
                hint="open the file in each process",
            )

    def refuse_copy(self) -> NoReturn:
        """Answer whoever pickles or copies it.

        :raises UsageError: always.
        """
        raise UsageError(
            f"{self._what} cannot be pickled or copied",
            path=self._name,
            hint="hand on the name of the file, and open it there",
        )
