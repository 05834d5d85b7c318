"""The shape of pixels, put into headers that FFmpeg leaves without it.

PyAV hands the sample aspect ratio to the encoder, not to the stream. H.264, HEVC and MP4 take it
from there, but FFmpeg writes Matroska, NUT and y4m by what the stream says. Their headers are
amended on the way to the file; where positions count, they keep their length.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from fractions import Fraction
from typing import BinaryIO

import av

from gvc.bitstream import VideoHeader
from gvc.media.ebml import element, elements

#: Numerators and denominators that every encoder takes.
_MAX_TERM = 65_535

#: What fits into one byte of NUT, as wide as the zeros that FFmpeg writes.
_MAX_NUT_TERM = 127

#: What a NUT file begins with, and each header of a stream.
_NUT_FILE = b"nut/multimedia container\0"
_NUT_STREAM = bytes.fromhex("4e5311405bf2f9db")

#: A name for Matroska's track that is long enough to be replaced by what tells the shape.
_ROOM = "room for the shape of pixels".ljust(96, ".")

_TRACKS, _TRACK, _NAME, _VIDEO = 0x1654AE6B, 0xAE, 0x536E, 0xE0
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
_CRC, _VOID = 0xBF, 0xEC

#: Matroska's DisplayUnit: pixels, which is all that WebM knows; the picture's aspect ratio.
_IN_PIXELS, _AS_RATIO = 0, 3


class AmendingFile:
    """A file for PyAV that changes headers while they are written.

    :param file: where all goes; it stays open.
    :param amend: gives what to write instead of the bytes of one call.
    """

    def __init__(self, file: BinaryIO, amend: Callable[[bytes], bytes]) -> None:
        self._file = file
        self._amend = amend
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def write(self, data: bytes) -> int:
        """Write ``data``, amended; FFmpeg gives the headers whole."""
        self._file.write(self._amend(data))
        return len(data)


def shape_of(video: VideoHeader) -> Fraction:
    """Sample aspect ratio of ``video``, or the nearest one that encoders take."""
    return _limited(video.sample_aspect_ratio, _MAX_TERM)


def amending(
    file: BinaryIO, container: str, video: VideoHeader, *, title: str = ""
) -> BinaryIO | AmendingFile:
    """``file``, with the headers amended if the format needs it.

    Matroska has to be given :func:`make_room` before.

    :param container: FFmpeg's name of the format. :param title: of the video stream.
    """
    shape = shape_of(video)
    if shape == 1:
        return file
    if container == "yuv4mpegpipe":
        return AmendingFile(file, lambda data: _amend_y4m(data, shape))
    if container == "nut":
        return AmendingFile(file, lambda data: _amend_nut(data, shape))
    if container in ("matroska", "webm"):
        display = _display(container, video)
        name = element(_NAME, title.encode()) if title else b""
        return AmendingFile(file, lambda data: _amend_matroska(data, display, name))
    return file


def make_room(stream: av.VideoStream, container: str, video: VideoHeader) -> None:
    """Have FFmpeg leave space for the shape in the header of Matroska."""
    if container in ("matroska", "webm") and shape_of(video) != 1:
        stream.metadata["title"] = _ROOM + stream.metadata.get("title", "")


def _limited(shape: Fraction, most: int) -> Fraction:
    """The nearest ratio of terms from 1 to ``most``."""
    if shape > 1:
        return 1 / _limited(1 / shape, most)
    return max(shape.limit_denominator(most), Fraction(1, most))


def _amend_y4m(data: bytes, shape: Fraction) -> bytes:
    if not data.startswith(b"YUV4MPEG2 "):
        return data
    return data.replace(b" A0:0 ", b" A%d:%d " % shape.as_integer_ratio(), 1)


def _amend_nut(data: bytes, shape: Fraction) -> bytes:
    """``data`` with the shape in the header of the first stream, if it begins the file."""
    if not data.startswith(_NUT_FILE):
        return data
    length, begin = _nut_number(data, data.index(_NUT_STREAM) + len(_NUT_STREAM))
    if length > 4096:
        begin += 4  # Then NUT has a checksum of the length, too.
    end = begin + length - 4
    at = begin + _nut_shape_at(data[begin:end])
    terms = bytes(_limited(shape, _MAX_NUT_TERM).as_integer_ratio())
    header = data[begin:at] + terms + data[at + 2 : end]
    return data[:begin] + header + _nut_checksum(header) + data[end + 4 :]


def _nut_shape_at(header: bytes) -> int:
    """Where the header of a video stream has the shape."""
    at = 0
    for _ in range(2):  # The stream's number and kind.
        _, at = _nut_number(header, at)
    length, at = _nut_number(header, at)
    at += length  # The codec's name.
    for _ in range(5):  # Time base, shift and distance of pts, decode delay, flags.
        _, at = _nut_number(header, at)
    length, at = _nut_number(header, at)
    at += length  # The codec's configuration.
    for _ in range(2):  # Width and height.
        _, at = _nut_number(header, at)
    return at


def _nut_number(data: bytes, at: int) -> tuple[int, int]:
    """A number in NUT's variable width, and where it ends."""
    value = 0
    for byte in data[at : at + 10]:
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, at


def _nut_checksum(data: bytes) -> bytes:
    """CRC-32 of the polynomial 04C11DB7, highest bit first, neither seeded nor inverted."""
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = value << 1 ^ (0x104C11DB7 if value >> 31 else 0)
    return value.to_bytes(4, "big")


def _display(container: str, video: VideoHeader) -> bytes:
    """Matroska's elements for the shape of the picture; those that FFmpeg would write."""
    shape = shape_of(video)
    if container == "webm":
        unit, width, height = _IN_PIXELS, max(1, round(video.width * shape)), video.height
    else:
        unit = _AS_RATIO
        width, height = (Fraction(video.width, video.height) * shape).as_integer_ratio()
    return (
        element(_DISPLAY_WIDTH, width.to_bytes(8, "big"))
        + element(_DISPLAY_HEIGHT, height.to_bytes(8, "big"))
        + element(_DISPLAY_UNIT, bytes([unit]))
    )


def _amend_matroska(data: bytes, display: bytes, name: bytes) -> bytes:
    """``data`` with the shape in place of the track's name, if it holds the tracks.

    FFmpeg writes them twice where it can seek: at the beginning, and once more at the end.
    """
    room = data.find(_ROOM.encode())
    begin = data.rfind(_TRACKS.to_bytes(4, "big"), 0, max(0, room))
    tracks = next(elements(data[begin:]), None) if begin >= 0 else None
    if tracks is None:
        return data
    parts = [
        _amend_track(part.content, len(part.whole), display, name)
        if part.identity == _TRACK and _ROOM.encode() in part.content
        else part.whole
        for part in elements(tracks.content)
    ]
    content = b"".join(parts)
    checksum = next(elements(content))
    if checksum.identity == _CRC:
        rest = content[len(checksum.whole) :]
        value = zlib.crc32(rest).to_bytes(4, "little")
        content = checksum.whole[:-4] + value + rest
    end = begin + len(tracks.whole)
    return data[: end - len(content)] + content + data[end:]


def _amend_track(content: bytes, length: int, display: bytes, name: bytes) -> bytes:
    """A track of ``length`` bytes, with ``display`` and ``name`` for its name."""
    parts = []
    for part in elements(content):
        if part.identity == _VIDEO:
            kept = (p.whole for p in elements(part.content) if p.identity != _DISPLAY_UNIT)
            parts.append(element(_VIDEO, b"".join(kept) + display))
        else:
            parts.append(name if part.identity == _NAME else part.whole)
    track = element(_TRACK, b"".join(parts))
    filling = length - len(track) - len(element(_VOID, b""))
    return element(_TRACK, b"".join(parts) + element(_VOID, bytes(filling)))
