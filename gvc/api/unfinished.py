"""What a container that is written holds until it is closed, and leaves if it never is: nothing."""

from __future__ import annotations

import contextlib
import warnings
from typing import BinaryIO, Protocol

from gvc.api.atomic import AtomicFile
from gvc.api.file_object import File, name_of, path_of, to_write
from gvc.process import Owner


class Closable(Protocol):
    """Something with threads, say."""

    def close(self) -> None:
        """Release it."""


class Unfinished:
    """A file that is being written, and what works on it.

    :param file: a path, which gets its file when all is well, or a binary file object.
    :raises MediaError: if the file cannot be written.
    :raises UsageError: if it is no file that can be written.
    """

    def __init__(self, file: File) -> None:
        self.name = name_of(file)
        self.owner = Owner("the container", self.name)
        path = path_of(file)
        self._target = AtomicFile(path) if path is not None else None
        self._file: BinaryIO | None = None
        self._own = False
        if self._target is None:
            self._file, self._own = to_write(file)
        self._workers: list[Closable] = []

    @property
    def is_path(self) -> bool:
        """Whether it is a path that gets its file at the end."""
        return self._target is not None

    @property
    def file(self) -> BinaryIO:
        """Where to write."""
        if self._target is not None:
            return self._target.file
        assert self._file is not None
        return self._file

    def add(self, worker: Closable) -> None:
        """Something to release at the end."""
        self._workers.append(worker)

    def settle(self) -> None:
        """Hand on what was written to a path: a process that is forked would write it once more."""
        if self._target is not None:
            self._target.file.flush()

    def release(self) -> None:
        """Release what works on it; may be called more than once."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.close()

    def commit(self) -> None:
        """Give the file its name.

        :raises MediaError: if that fails.
        """
        self.release()
        if self._target is not None:
            self._target.commit()
        else:
            flush = getattr(self._file, "flush", None)
            if flush is not None:
                flush()
            self._close_own()

    def discard(self) -> None:
        """Leave nothing of it."""
        try:
            self.release()
        finally:
            if self._target is not None:
                self._target.discard()
            self._close_own()

    def _close_own(self) -> None:
        if self._own and self._file is not None:
            self._own = False
            self._file.close()


def abandon(unfinished: Unfinished) -> None:
    """Clear away what somebody forgot to close, unless that is another process's."""
    if not unfinished.owner.is_here:
        return
    # In one of its own threads it cannot wait for that.
    with contextlib.suppress(RuntimeError):
        unfinished.discard()
    warnings.warn(
        f"{unfinished.name}: was never closed, and is not written", ResourceWarning, stacklevel=2
    )
