"""One run at a time on one archive."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

from gvc.errors import MediaError

#: Name of the file that is locked; it stays, and says who had it last.
LOCK_NAME = "manifest.lock"


def who() -> str:
    """This process, as others know it: ``host:process``."""
    return f"{socket.gethostname()}:{os.getpid()}"


class ArchiveLock:
    """Keeps other runs away while it is held; a context manager.

    The system holds it for this process (``flock``, on NFS a lock of the server), so it is free as
    soon as the process is gone, however that came.

    :raises MediaError: if another run has it, the file system knows no locks, or the file cannot be
        written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK_NAME
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise MediaError(f"cannot be written: {error.strerror}", path=path) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(self._file, 500).decode(errors="replace").strip()
            os.close(self._file)
            raise MediaError(
                f"is in use by another run{f' ({owner})' if owner else ''}",
                path=folder,
                hint="wait for it, or stop it",
            ) from error
        except OSError as error:
            os.close(self._file)
            raise MediaError(f"cannot be locked: {error.strerror}", path=path) from error
        os.truncate(self._file, 0)
        os.write(self._file, f"{who()}\n".encode())

    def close(self) -> None:
        """Let others have it."""
        os.close(self._file)

    def __enter__(self) -> ArchiveLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
