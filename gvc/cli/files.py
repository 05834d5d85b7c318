"""Arguments that name files, ``-`` for the standard streams among them."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gvc.api.atomic import AtomicFile
from gvc.errors import GvcError, MediaError, UsageError

#: What stands for standard input or output.
STANDARD = "-"

#: Errors that only writing meets; Python does not say which file they are about.
_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def readable(name: str) -> Path | BinaryIO:
    """What ``name`` means as a source: a file, or standard input.

    :raises UsageError: if it is standard input, and that is closed; or an address.
    """
    if name != STANDARD:
        _check_address(name, read=())
        return Path(name)
    if sys.stdin is None:
        raise UsageError("standard input is closed")
    return sys.stdin.buffer


def readable_media(name: str) -> str | Path | BinaryIO:
    """The same, of commands that read with FFmpeg: an address of http or https, too."""
    if "://" in name and _check_address(name):
        return name
    return readable(name)


def _check_address(name: str, **read: tuple[str, ...]) -> bool:
    if "://" not in name:
        return False
    # Loads FFmpeg, which commands that only look at bytes do without.
    from gvc.media.address import check_address

    return check_address(name, **read)


@contextlib.contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """What ``name`` means as a source, open; errors in what it holds name it.

    :raises UsageError: if it is standard input, and that is closed.
    :raises MediaError: if it cannot be opened.
    """
    with contextlib.ExitStack() as stack:
        source = readable(name)
        if isinstance(source, Path):
            try:
                source = stack.enter_context(source.open("rb"))
            except OSError as error:
                raise MediaError(error.strerror or str(error), path=name) from error
        try:
            yield source
        except GvcError as error:
            if error.path is not None:
                raise
            shown = "<stdin>" if name == STANDARD else name
            raise type(error)(error.cause, path=shown, hint=error.hint) from error


@contextlib.contextmanager
def writable(
    name: str, *, source: str, overwrite: bool, endings: tuple[str, ...]
) -> Iterator[BinaryIO]:
    """What ``name`` means as a target: a file that takes its name when all went well.

    :param source: what is read, which must be another file.
    :param overwrite: whether an existing file may be replaced.
    :param endings: of names, ``.gvc`` say, that what is written has. Another one is refused where
        it is that of another format; a name without any format's is not.
    :raises UsageError: if it must not be written.
    :raises MediaError: if it cannot be written.
    """
    if name == STANDARD:
        if sys.stdout is None:
            raise UsageError("standard output is closed")
        if sys.stdout.isatty():
            raise UsageError("will not write this to a terminal", hint="give a file, or a pipe")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if "://" in name and not os.path.lexists(name):
        raise UsageError("is an address: it is not written", path=name, hint="write to a file")
    path = Path(name)
    if path.suffix.lower() not in endings and not path.is_dir():
        _check_ending(path, endings)
    if source != STANDARD and path.exists() and Path(source).exists() and path.samefile(source):
        raise UsageError("output is the same file as input", path=path)
    if path.is_file() and not overwrite:
        raise UsageError("exists already", path=path, hint="-y replaces it")
    target = AtomicFile(path)
    try:
        yield target.file
    except OSError as error:
        target.discard()
        if error.errno in _WRITING:
            raise MediaError(f"cannot be written: {error.strerror}", path=path) from error
        raise
    except BaseException:
        target.discard()
        raise
    target.commit()


def _check_ending(path: Path, endings: tuple[str, ...]) -> None:
    from gvc.media.formats import names_a_format

    if names_a_format(path):
        raise UsageError(
            f"{path.suffix} is the ending of another format",
            path=path,
            hint=f"this command writes {', '.join(endings)}",
        )
