"""Output files that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO, cast

from gvc.errors import MediaError

#: Bytes of the name that the name of an unfinished file begins with: some file systems take no
#: more than 143 in all.
_MOST_BYTES = 100


class AtomicFile:
    """A file written beside its final place, and moved there by :meth:`commit`.

    A symbolic link is written through: what it points to is replaced. A file that is replaced hands
    on its mode, and its owner where that is allowed. Special files (``/dev/null``, named pipes) are
    written in place.

    :raises MediaError: from every method, with the system's reason.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            #: Where the file really is; of a link, what it points to.
            self._place = Path(os.path.realpath(path)) if path.is_symlink() else path
            self._replaced = _status(self._place)
        except (OSError, ValueError) as error:
            raise self._failure(error) from error
        mode = self._replaced.st_mode if self._replaced is not None else stat.S_IFREG
        if stat.S_ISDIR(mode):
            raise MediaError("is a directory", path=path)
        if stat.S_ISLNK(mode):
            raise MediaError("is a symbolic link that points to itself", path=path)
        if stat.S_ISREG(mode):
            self._check_place()
        self._partial = self._place.with_name(_partial_name(path)) if stat.S_ISREG(mode) else None
        self._file: BinaryIO | None = None

    @property
    def file(self) -> BinaryIO:
        """The file, made when it is first asked for.

        So whoever asks where an error leads to :meth:`discard` leaves nothing, even if a signal
        comes at that moment.
        """
        if self._file is None:
            try:
                self._file = cast(BinaryIO, (self._partial or self._place).open("wb"))
            except OSError as error:
                raise self._failure(error) from error
        return self._file

    def commit(self) -> None:
        """Close the file and give it its name."""
        try:
            self.file.close()
            if self._partial is not None:
                self._hand_on_mode(self._partial)
                os.replace(self._partial, self._place)
        except OSError as error:
            self.discard()
            raise self._failure(error) from error

    def discard(self) -> None:
        """Close the file and remove it."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        if self._partial is not None:
            self._partial.unlink(missing_ok=True)

    def _check_place(self) -> None:
        """Refuse a folder that is missing, a file that must not be written, and a long name."""
        folder = self._place.parent
        if not folder.is_dir():
            raise MediaError(
                f"the folder {folder} does not exist", path=self.path, hint="make it first"
            )
        if self._replaced is not None and not os.access(self._place, os.W_OK):
            raise MediaError("cannot be written: it is read-only", path=self.path)
        # Else that shows when everything has been coded.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            if len(os.fsencode(self._place.name)) > os.pathconf(folder, "PC_NAME_MAX"):
                raise MediaError("cannot be written: the name is too long", path=self.path)

    def _hand_on_mode(self, partial: Path) -> None:
        if self._replaced is None:
            return
        with contextlib.suppress(AttributeError, OSError):
            os.chown(partial, self._replaced.st_uid, self._replaced.st_gid)
        partial.chmod(stat.S_IMODE(self._replaced.st_mode))

    def _failure(self, error: OSError | ValueError) -> MediaError:
        reason = getattr(error, "strerror", None) or str(error)
        return MediaError(f"cannot be written: {reason}", path=self.path)


def _status(path: Path) -> os.stat_result | None:
    """What is at ``path``; None if nothing is."""
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _partial_name(path: Path) -> str:
    start = os.fsdecode(os.fsencode(path.name)[:_MOST_BYTES])
    return f".{start}.{secrets.token_hex(4)}.partial"
