"""Opening what is read: any file by its very name, and what stands at an HTTP address."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

import av

from gvc.bitstream import SIGNATURE
from gvc.errors import InvalidDataError, MediaError, UsageError
from gvc.media.ffmpeg_log import explaining

#: Addresses that FFmpeg reads for us.
_READ = ("http", "https")

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")

#: Microseconds without a byte after which a server is given up.
_TIMEOUT = "30000000"

#: First boxes of MP4 and QuickTime: only there can an index be missing.
_BOXES = (b"ftyp", b"styp", b"mdat", b"moof", b"free", b"skip", b"wide", b"pnot", b"uuid", b"moov")


def scheme_of(name: str) -> str | None:
    """What an address begins with, ``http`` say; None if ``name`` is one of a file.

    A file that exists under that very name is a file.
    """
    match = _ADDRESS.match(name)
    if match is None or os.path.lexists(name):
        return None
    return match[1].lower()


def check_address(name: str, *, read: tuple[str, ...] = _READ) -> bool:
    """Whether ``name`` is an address that is read; False if it is the name of a file.

    :param read: schemes that are read.
    :raises UsageError: if it is an address of another kind.
    """
    scheme = scheme_of(name)
    if scheme is None:
        return False
    if scheme not in read:
        raise UsageError(
            f"{scheme}:// is not read",
            path=name,
            hint="fetch the file first, or pipe it: curl -sL URL | gvc … -",
        )
    return True


def open_media(file: str | Path | BinaryIO, name: str) -> av.container.InputContainer:
    """Open a media file with PyAV; tags that are not UTF-8 come with surrogates.

    :param file: a path, an address that begins with http or https, or a binary file object.
    :param name: for messages.
    :raises MediaError: if it cannot be opened, with FFmpeg's reason.
    :raises InvalidDataError: if it is empty, text, or a .gvc file.
    :raises UsageError: if it is an address of another kind, or no name of a file.
    """
    place: str | BinaryIO
    options: dict[str, str] = {}
    if not isinstance(file, (str, Path)):
        place = file
    elif check_address(str(file)):
        place, options = str(file), {"rw_timeout": _TIMEOUT}
    else:
        _look_at(Path(file), name)
        # "file:", since FFmpeg takes what is before a colon for a protocol; and a name is one
        # file, though it has a % or a * in it.
        place, options = f"file:{os.fspath(file)}", {"pattern_type": "none"}
    try:
        with explaining(name):
            return av.open(place, "r", container_options=options, metadata_errors="surrogateescape")
    except MediaError as error:
        if "moov" in error.cause and isinstance(file, (str, Path)) and not _is_boxes(file):
            raise InvalidDataError(
                "is not a media file that FFmpeg knows", path=name
            ) from error.__cause__
        raise


def _look_at(path: Path, name: str) -> None:
    """Refuse what FFmpeg would take for something else, by its first bytes."""
    if "\0" in os.fspath(path):
        raise UsageError("a name cannot hold a NUL")
    if not os.path.isfile(path):
        # Directories and missing files get FFmpeg's own words; pipes are not to be read twice.
        return
    try:
        with path.open("rb") as opened:
            first = opened.read(len(SIGNATURE))
    except OSError as error:
        raise MediaError(error.strerror or str(error), path=name) from error
    if not first:
        raise InvalidDataError("is empty", path=name)
    if first == SIGNATURE:
        raise InvalidDataError(
            "is a .gvc file already", path=name, hint="gvc decode makes a video of it"
        )


def _is_boxes(path: str | Path) -> bool:
    """Whether a file begins as MP4 and QuickTime do."""
    if not os.path.isfile(path):
        return True
    with open(path, "rb") as opened:
        return opened.read(8)[4:] in _BOXES
