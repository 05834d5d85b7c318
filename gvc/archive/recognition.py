"""Which files are recordings, which are none, and which look like one and cannot be read."""

from __future__ import annotations

from pathlib import Path

import av

from gvc.archive.task import reason_of
from gvc.archive.walk import Found
from gvc.errors import GvcError, InvalidDataError, MediaError
from gvc.media import AudioMode, Source, holds_video

#: Bytes of a file that say what it is.
_HEAD = 4096

#: What files of video containers begin with, and at which byte.
_SIGNATURES = (
    *((4, box) for box in (b"ftyp", b"moov", b"mdat", b"wide", b"skip", b"free", b"pnot")),
    (0, b"\x1aE\xdf\xa3"),  # Matroska, WebM
    (0, b"0&\xb2u\x8ef\xcf\x11"),  # ASF
    (0, b"FLV\x01"),
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream
    (0, b"\x00\x00\x01\xb3"),  # MPEG-1 and MPEG-2 video
    (0, b"\x06\x0e\x2b\x34"),  # MXF
    (0, b"nut/multimedia container"),
    (0, b"YUV4MPEG2"),
    (0, b".RMF"),
    (8, b"AVI "),
)

#: Brands of ISO files that are pictures or sound.
_OTHER_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1", b"M4A ", b"M4B ", b"crx "}

#: FFmpeg's formats of pictures, some of which move a little; others of them end in ``_pipe``.
_PICTURES = {"image2", "gif", "apng", "ico", "webp"}

#: FFmpeg's words where it has no reason to give.
_NO_REASON = "Invalid data found when processing input"

#: Distances between packets of MPEG transport streams: plain, of Blu-ray discs, with correction.
_PACKETS = (188, 192, 204)

#: TypeScript has the endings of transport streams.
_ALSO_OF_TEXT = {".ts", ".mts"}


def is_recording(found: Found) -> bool:
    """Whether a file is a recording, as its streams say; pictures and sound are none.

    :raises GvcError: if it looks like one, by its name or its first bytes, and cannot be read; the
        cause says why.
    """
    head = _head_of(found.source)
    if not head:
        if found.should_be_video:
            raise InvalidDataError("is empty", path=found.source)
        return False
    is_text = _is_text(head)
    named = found.should_be_video and not (is_text and found.ending in _ALSO_OF_TEXT)
    looks = named or (not is_text and _looks_like_video(head))
    try:
        if holds_video(found.source):
            return True
    except GvcError:
        # The closer look says why.
        pass
    return looks and _look_closely(found.source)


def _head_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise MediaError(error.strerror or str(error), path=path) from error


def _looks_like_video(head: bytes) -> bool:
    if head[4:8] == b"ftyp" and head[8:12] in _OTHER_BRANDS:
        return False
    if any(head.startswith(mark, place) for place, mark in _SIGNATURES):
        return True
    # Sync bytes: the first one of four packets may stand behind a time stamp of four bytes.
    return any(
        all(head[place + number * size : place + number * size + 1] == b"G" for number in range(4))
        for size in _PACKETS
        for place in (0, 4)
    )


def _is_text(head: bytes) -> bool:
    """Whether the first bytes are UTF-8 without control characters."""
    # A character may be cut off at the end.
    text = head.decode(errors="ignore")
    whole = len(text.encode()) > len(head) - 4
    return whole and all(char.isprintable() or char in "\t\n\r\f" for char in text)


def _look_closely(path: Path) -> bool:
    """What became of a file that looks like a recording, read as the encoder reads it.

    :raises GvcError: if it cannot be read.
    """
    if _holds_other_media(path):
        return False
    try:
        with Source(path, audio=AudioMode.NONE, threads=1):
            return True
    except Exception as error:
        reason = reason_of(error)
        if reason == _NO_REASON:
            raise InvalidDataError("holds no video that FFmpeg reads", path=path) from error
        raise InvalidDataError(reason, path=path) from error


def _holds_other_media(path: Path) -> bool:
    """Whether FFmpeg finds sound or pictures in a file, and nothing that moves."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            kinds = {stream.type for stream in container.streams if not _is_cover(stream)}
            covers = any(_is_cover(stream) for stream in container.streams)
            name = container.format.name
    except (av.FFmpegError, OSError, ValueError):
        return False
    is_picture = name in _PICTURES or name.endswith("_pipe")
    return is_picture or ("video" not in kinds and ("audio" in kinds or covers))


def _is_cover(stream: av.stream.Stream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)
