"""``gvc.as_file``: .gvc files for whatever reads and writes videos through PyAV.

Reading, PyAV sees a Matroska file; the file for writing takes NUT or any other format that FFmpeg
reads from a pipe. Of the formats that hold raw video at places known beforehand, Matroska is the
one that tells FFmpeg the matrix, range and shape of pixels (NUT, AVI and y4m do not, and HD came
out in the colours of BT.601), has times of its own for each picture (AVI has none), and needs no
table of all pictures and packets at the beginning (MP4 does). See docs/pyav-file.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, overload

from gvc.api.limits import DecodeLimits, OnError, on_error_named
from gvc.api.open import open as gvc_open
from gvc.errors import UsageError

if TYPE_CHECKING:
    from gvc.api.decoded_file import DecodedFile
    from gvc.api.encoded_file import EncodedFile

#: Bytes of decoded pictures that a file keeps: 86 of 1080p, all of most groups of 512² and less.
CACHE_BYTES = 1 << 28


@overload
def as_file(
    file: str | Path | BinaryIO,
    mode: Literal["r"] = "r",
    *,
    size: int | None = None,
    weights: Path | None = None,
    packs: Path | None = None,
    device: str = "cpu",
    threads: int | None = None,
    precision: str = "auto",
    on_error: str = "stop",
    limits: DecodeLimits | None = None,
    cache_bytes: int = CACHE_BYTES,
) -> DecodedFile: ...


@overload
def as_file(
    file: str | Path | BinaryIO,
    mode: Literal["w"],
    *,
    options: Mapping[str, str] | None = None,
    weights: Path | None = None,
    packs: Path | None = None,
    device: str = "cpu",
    threads: int | None = None,
    sample_aspect_ratio: Fraction | None = None,
    colorspace: int | None = None,
    color_range: int | None = None,
    color_primaries: int | None = None,
    color_trc: int | None = None,
) -> EncodedFile: ...


def as_file(
    file: str | Path | BinaryIO,
    mode: Literal["r", "w"] = "r",
    *,
    options: Mapping[str, str] | None = None,
    size: int | None = None,
    weights: Path | None = None,
    packs: Path | None = None,
    device: str = "cpu",
    threads: int | None = None,
    precision: str = "auto",
    on_error: str = "stop",
    limits: DecodeLimits | None = None,
    cache_bytes: int = CACHE_BYTES,
    sample_aspect_ratio: Fraction | None = None,
    colorspace: int | None = None,
    color_range: int | None = None,
    color_primaries: int | None = None,
    color_trc: int | None = None,
) -> DecodedFile | EncodedFile:
    """Open a .gvc file as a binary file object that PyAV, and what is built on it, understands.

    >>> import av, gvc
    >>> with gvc.as_file("examples/portrait.gvc", size=64) as file, av.open(file) as container:
    ...     frame = next(container.decode(video=0))
    ...     print(container.format.name, frame.width, frame.height, frame.format.name)
    matroska,webm 64 64 yuv420p

    **Reading.** The bytes are a Matroska file of raw pictures, yuv420p, and of the packets of sound
    as they are. Opening reads the index; a group is decoded when one of its pictures is read, so
    that seeking decodes the group that holds the time. The same position always gives the same
    bytes. Times are exact where there is no sound and the time base is a whole number of
    nanoseconds (1/25, 1/1000), else rounded up to the nanosecond; a video that begins before 0 is
    moved to 0. Threads may share the file; after :func:`os.fork` every call raises
    :class:`~gvc.errors.MediaError`. The file ends in an error where the .gvc file is cut off.

    **Writing.** ``av.open(gvc.as_file("out.gvc", "w"), "w", format="nut")`` takes frames (codec
    ``rawvideo``) and sound: PCM becomes Opus, coded packets are stored as they are. NUT as FFmpeg
    writes it does not tell the colours nor the shape of pixels, and Matroska not the shape: say
    them here. The .gvc file appears when the NUT file is whole (PyAV's ``close``), or when this
    file is closed, which other formats need. An exception that leaves a ``with`` statement leaves
    no file; neither does a file that is never closed. PyAV finishes a container that Python throws
    away.

    :param file: a path, or a binary file object, which stays open; for reading it must be
        seekable.
    :param mode: ``"r"`` to read, ``"w"`` to write.
    :param options: for writing, see :func:`gvc.open`, as for the other parameters of that name.
    :param cache_bytes: for reading, most bytes of decoded pictures that are kept, so that pictures
        of the same group come again without being decoded again; one picture is kept always.
    :param sample_aspect_ratio: for writing, width over height of a pixel; None takes what the
        format tells.
    :param colorspace: for writing, the frames' matrix, primaries, transfer characteristics (H.273)
        and range (1 limited, 2 full), as attributes of that name of ``av.VideoFrame``; None takes
        what the format tells.
    :raises MediaError: if the file cannot be opened, or searched.
    :raises InvalidDataError, UnsupportedError: if it is not a .gvc file that this version reads.
    :raises LimitError: if it is beyond ``limits``.
    :raises UsageError: if an option is unknown, out of range, or of the other mode.
    """
    colours = colorspace, color_range, color_primaries, color_trc
    if mode == "r":
        if options is not None or sample_aspect_ratio is not None or any(colours):
            raise UsageError("options and tags are for files that are written")
        from gvc.api.decoded_file import DecodedFile

        container = gvc_open(
            file,
            size=size,
            weights=weights,
            packs=packs,
            device=device,
            threads=threads,
            precision=precision,
            on_error=on_error,
            limits=limits,
        )
        try:
            conceals = on_error_named(on_error) is OnError.CONCEAL
            return DecodedFile(container, conceals=conceals, cache_bytes=cache_bytes)
        except BaseException:
            container.close()
            raise
    if mode != "w":
        raise UsageError(f"mode {mode!r} is neither 'r' nor 'w'")
    if size is not None or precision != "auto" or on_error != "stop" or limits is not None:
        raise UsageError("size, precision, on_error and limits are for files that are read")
    from gvc.api.encoded_file import EncodedFile
    from gvc.api.recoding import Tags

    # What is wrong with the options shows here, not in the first write.
    output = gvc_open(
        file, "w", options=options, weights=weights, packs=packs, device=device, threads=threads
    )
    try:
        return EncodedFile(output, Tags(sample_aspect_ratio, *colours))
    except BaseException:
        output.abort()
        raise
