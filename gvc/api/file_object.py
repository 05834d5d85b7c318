"""What the argument ``file`` stands for: a path of any kind, or a binary file object."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from gvc.errors import MediaError, UsageError

#: A path, or a binary file object: one with ``read`` is enough to read, with ``write`` to write.
File: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes] | BinaryIO"


def path_of(file: File) -> Path | None:
    """The path that ``file`` is, None if it is a file object.

    An open file is one also where it has a path (:mod:`fsspec` has such files).

    :raises UsageError: if it is neither, or an address.
    """
    if hasattr(file, "read") or hasattr(file, "write"):
        return None
    if isinstance(file, (str, bytes, os.PathLike)):
        if not os.fspath(file):
            raise UsageError("the name of the file is empty")
        name = os.fsdecode(file)
        if "://" in name and not os.path.lexists(name):
            raise UsageError(
                "is an address, and not a file", path=name, hint="fsspec.open gives a file object"
            )
        return Path(name)
    if hasattr(file, "open"):
        return None
    raise UsageError(f"{type(file).__name__} is neither a path nor a binary file object")


def name_of(file: File) -> str:
    """What messages call ``file``."""
    path = path_of(file)
    if path is not None:
        return str(path)
    for attribute in ("name", "path"):
        name = getattr(file, attribute, None)
        if isinstance(name, str) and name:
            return name
    return "<stream>"


def to_read(file: File) -> tuple[BinaryIO, bool]:
    """A file to read from, and whether it was opened here and is to be closed.

    :raises MediaError: if it cannot be opened.
    :raises UsageError: if it cannot be read, or is open in text mode.
    """
    path = path_of(file)
    if path is not None:
        try:
            return path.open("rb"), True
        except (OSError, ValueError) as error:
            raise MediaError(getattr(error, "strerror", None) or str(error), path=path) from error
    opened, own = _opened(file)
    _check(opened, "read", "readable", name_of(file))
    whole = all(hasattr(opened, name) for name in ("seekable", "seek", "tell"))
    return (opened if whole else cast(BinaryIO, _Readable(opened))), own


def to_write(file: File) -> tuple[BinaryIO, bool]:
    """A file object to write to, and whether it was opened here and is to be closed.

    :raises UsageError: if it cannot be written, or is open in text mode.
    """
    opened, own = _opened(file)
    _check(opened, "write", "writable", name_of(file))
    return (cast(BinaryIO, _Whole(opened)) if isinstance(opened, io.RawIOBase) else opened), own


def _opened(file: Any) -> tuple[BinaryIO, bool]:
    """``file`` itself, or what it opens: fsspec's ``OpenFile`` is not a file yet."""
    if hasattr(file, "read") or hasattr(file, "write"):
        return file, False
    return file.open(), True


def _check(file: Any, method: str, question: str, name: str) -> None:
    verb = "read" if method == "read" else "written"
    if isinstance(file, io.TextIOBase):
        raise UsageError("is open in text mode", path=name, hint="open it in binary mode")
    if getattr(file, "closed", False):
        raise UsageError("is closed already", path=name)
    able = getattr(file, question, None)
    if not hasattr(file, method) or (callable(able) and not able()):
        raise UsageError(f"is not a file that can be {verb}", path=name)


class _Readable:
    """An object that has no more than ``read``, as a file: one that cannot be searched."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._seeks = hasattr(file, "seek") and hasattr(file, "tell")

    def read(self, size: int = -1) -> bytes:
        return cast(bytes, self._file.read(size))

    def seekable(self) -> bool:
        able = getattr(self._file, "seekable", None)
        return bool(self._seeks and (able is None or able()))

    def seek(self, offset: int, whence: int = 0) -> int:
        self._file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return cast(int, self._file.tell())


class _Whole:
    """A raw file, which may write less than it is given, as one that writes all of it."""

    def __init__(self, file: io.RawIOBase) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) or 0 :]
        return len(data)

    def flush(self) -> None:
        self._file.flush()
