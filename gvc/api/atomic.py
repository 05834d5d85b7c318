"""Output files that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import BinaryIO, cast

from gvc.errors import MediaError


class AtomicFile:
    """A file written beside its final place, and moved there by :meth:`commit`.

    Special files (``/dev/null``, named pipes) are written in place.

    :raises MediaError: from every method, with the system's reason.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        special = path.exists() and not path.is_file()
        if path.is_dir():
            raise MediaError("is a directory", path=path)
        name = f".{path.name[:200]}.{secrets.token_hex(4)}.partial"
        self._partial = None if special else path.with_name(name)
        self._file: BinaryIO | None = None

    @property
    def file(self) -> BinaryIO:
        """The file, made when it is first asked for.

        So whoever asks where an error leads to :meth:`discard` leaves nothing, even if a signal
        comes at that moment.
        """
        if self._file is None:
            try:
                self._file = cast(BinaryIO, (self._partial or self.path).open("wb"))
            except OSError as error:
                raise self._failure(error) from error
        return self._file

    def commit(self) -> None:
        """Close the file and give it its name."""
        try:
            self.file.close()
            if self._partial is not None:
                os.replace(self._partial, self.path)
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

    def _failure(self, error: OSError) -> MediaError:
        return MediaError(f"cannot be written: {error.strerror or error}", path=self.path)
