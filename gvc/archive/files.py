"""What an archive does to files: hashes, and names that are given so that a crash loses none."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Collection
from pathlib import Path

#: What names of files that are not whole yet end in; all of them begin with a dot.
_PARTIAL = ".gvc-partial"

#: What a full disk says, or a spent quota.
_FULL = (errno.ENOSPC, errno.EDQUOT)

#: The same in words.
FULL = os.strerror(errno.ENOSPC)


def hash_of(path: Path) -> str:
    """BLAKE2b of a file's bytes, 64 hexadecimal digits.

    :raises OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def stamp_of(path: Path) -> tuple[int, int]:
    """Size and time of the last change in nanoseconds: what changes with a file's bytes.

    :raises OSError: if it is not there.
    """
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def new_token() -> str:
    """What names of files that are not whole yet can have in common; nobody else's have it."""
    return secrets.token_hex(8)


def partial_in(folder: Path, token: str) -> Path:
    """A name in ``folder`` for a file that is not whole yet, used by nobody."""
    return folder / f".{token}-{secrets.token_hex(4)}{_PARTIAL}"


def remove_partials(folder: Path, token: str = "", *, keep: Collection[Path | None] = ()) -> None:
    """Remove what was left in ``folder`` by whoever did not come to the end.

    :param token: only files of these are removed. :param keep: files that stay.
    """
    with contextlib.suppress(OSError):
        for path in list(folder.iterdir()):
            name = path.name
            partial = name.startswith(f".{token}") and name.endswith(_PARTIAL)
            if partial and path not in keep:
                path.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they stay even if the power fails.

    :raises OSError: if that cannot be done.
    """
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        sync_folder(each.parent)


def give_name(partial: Path, target: Path) -> None:
    """Give a file that is whole, and on disk, its name, in place of what has that name.

    :raises OSError: if that cannot be done.
    """
    os.replace(partial, target)
    sync_folder(target.parent)


def sync(path: Path) -> None:
    """Return when the bytes of a file are on disk.

    :raises OSError: if they are not.
    """
    _sync(path, os.O_RDONLY)


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are on disk, where the file system can say so."""
    with contextlib.suppress(OSError):
        _sync(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says that a disk is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if says_full(str(error)):
            return True
        error = error.__cause__
    return False


def says_full(text: str) -> bool:
    """Whether a program, or SQLite, says that a disk is full."""
    return FULL in text or "disk is full" in text


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
