"""Names and quantities as people read them."""

from __future__ import annotations

import os
from pathlib import Path

#: Bytes that were no UTF-8, as :func:`os.fsdecode` carries them.
_STRAY = range(0xDC80, 0xDD00)

#: Stands where a quantity is not known.
UNKNOWN = "–"


def printable(name: str | os.PathLike[str], *, longest: int = 300) -> str:
    r"""A name with everything that cannot be seen as an escape: ``\n``, ``\xff``, ``\u202e``.

    Not yet escaped for HTML.

    :param longest: names of more characters lose their middle.
    """
    text = "".join(char if char.isprintable() else _escaped(char) for char in os.fspath(name))
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2]}…{text[-longest // 2 :]}"


def _escaped(char: str) -> str:
    if ord(char) in _STRAY:
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def file_name(path: Path) -> str:
    """The last part of a path, printable."""
    return printable(path.name or path.absolute().name or path)


def byte_size(count: float) -> str:
    """Bytes in decimal units: ``940 B``, ``1.94 kB``, ``12.3 MB``."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 999.5:
            return f"{significant(size)} {unit}"
        size /= 1000
    return f"{significant(size)} TB"


def duration(seconds: float) -> str:
    """``8.2 s``, ``3:07``, ``1:02:45``; from ten hours on ``313 h``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    return f"{seconds / 3600:,.0f} h" if seconds >= 36_000 else clock(seconds)


def clock(seconds: float) -> str:
    """``0:05``, ``3:07``, ``1:02:45``."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def kilobits(bits_a_second: float) -> str:
    """``3.61 kb/s``."""
    return f"{significant(bits_a_second / 1000)} kb/s"


def share(part: float, whole: float) -> str:
    """A part in per cent, with a decimal where that says more."""
    if not whole:
        return UNKNOWN
    percent = 100 * part / whole
    return f"{percent:.1f} %" if 0 < abs(percent) < 10 or percent > 90 else f"{percent:.0f} %"


def significant(value: float) -> str:
    """Three digits, more where they are whole."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
