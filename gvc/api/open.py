"""``gvc.open``: one door for reading and writing, as ``av.open``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, overload

from gvc.api.file_object import File
from gvc.api.input import InputContainer
from gvc.api.limits import DecodeLimits
from gvc.api.output import OutputContainer
from gvc.errors import UsageError


@overload
def open(
    file: File,
    mode: Literal["r"] = "r",
    format: Literal["gvc"] | None = None,
    *,
    size: int | None = None,
    weights: Path | None = None,
    packs: Path | None = None,
    device: str = "cpu",
    threads: int | None = None,
    precision: str = "auto",
    on_error: str = "stop",
    limits: DecodeLimits | None = None,
) -> InputContainer: ...


@overload
def open(
    file: File,
    mode: Literal["w"],
    format: Literal["gvc"] | None = None,
    options: Mapping[str, str] | None = None,
    *,
    weights: Path | None = None,
    packs: Path | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> OutputContainer: ...


def open(
    file: File,
    mode: Literal["r", "w"] = "r",
    format: Literal["gvc"] | None = None,  # noqa: A002 - the name that PyAV has for it
    options: Mapping[str, str] | None = None,
    *,
    size: int | None = None,
    weights: Path | None = None,
    packs: Path | None = None,
    device: str = "cpu",
    threads: int | None = None,
    precision: str = "auto",
    on_error: str = "stop",
    limits: DecodeLimits | None = None,
) -> InputContainer | OutputContainer:
    """Open a .gvc file.

    >>> import gvc
    >>> with gvc.open("examples/portrait.gvc") as container:
    ...     frame = next(container.decode(video=0))
    ...     print(frame.width, frame.height, frame.pts)
    256 256 0

    :param file: a path (``str``, ``bytes``, ``os.PathLike``), or a binary file object: one with
        ``read`` is enough to read, with ``write`` to write (pipes too: nothing is ever sought
        unless :meth:`InputContainer.seek` is called).
    :param mode: ``"r"`` to read, ``"w"`` to write.
    :param format: for likeness with PyAV: ``"gvc"``, or None.
    :param options: for writing, options of the encoder by the names of the command line
        (``key_qp``, ``size``, ``canvas``, ``gop_size``, ``motion_step``…), overridden by those of
        a stream.
    :param size: for reading, the side of the square whose area decoded pictures have, where that is
        less than their own; time and memory go down with it.
    :param weights: a weights file in place of the one that ships; for reading, also a folder.
    :param packs: a speaker pack (.gvcp); for reading, also a folder of them, besides that of the
        file. For writing it is the same as the option ``pack``; ``embed_pack`` ("1") stores it in
        the file.
    :param device: where the network runs, ``cpu`` or ``cuda``.
    :param threads: CPU threads; torch itself then gets one (``torch.set_num_threads``), and
        pictures do not depend on the number. None leaves the choice to the libraries.
    :param precision: for reading, how pictures are computed: ``float32``, ``int8`` (8-bit numbers),
        or ``auto``, which is int8 where the processor is made for it. Pictures differ slightly.
    :param on_error: for reading, what to do where the file is damaged: ``stop`` raises an error,
        ``conceal`` goes on behind it and holds the last good picture in between;
        :attr:`InputContainer.losses` tells what was lost.
    :param limits: for reading, what the file may ask for; none but those of the format if None.
    :raises MediaError: if the file cannot be opened.
    :raises InvalidDataError, UnsupportedError: if it is not a .gvc file that this version reads.
    :raises LimitError: if it is beyond ``limits``.
    :raises UsageError: if an option is unknown or out of range, or ``file`` is neither a path nor a
        binary file object that can be read or written.
    """
    if format not in (None, "gvc"):
        raise UsageError(f"format {format!r} is not gvc", hint="av.open knows others")
    if mode == "r":
        if options:
            raise UsageError("options are for files that are written", hint="size, precision…")
        return InputContainer(
            file,
            size=size,
            weights=weights,
            packs=packs,
            device=device,
            threads=threads,
            precision=precision,
            on_error=on_error,
            limits=limits or DecodeLimits(),
        )
    if mode == "w":
        if size is not None or precision != "auto":
            raise UsageError("a file that is written has size and precision among the options")
        if on_error != "stop" or limits is not None:
            raise UsageError("on_error and limits are for files that are read")
        return OutputContainer(
            file, options=options, weights=weights, packs=packs, device=device, threads=threads
        )
    raise UsageError(f"mode {mode!r} is neither 'r' nor 'w'")
