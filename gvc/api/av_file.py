"""``gvc.as_file``: .gvc files for whatever reads and writes files through PyAV."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from gvc.api.decoded_file import DecodedFile
from gvc.api.limits import DecodeLimits
from gvc.api.open import open as gvc_open


def as_file(
    file: str | Path | BinaryIO,
    *,
    size: int | None = None,
    threads: int | None = None,
    on_error: str = "stop",
    cache_bytes: int = 1 << 28,
    limits: DecodeLimits | None = None,
) -> DecodedFile:
    """Draft."""
    c = gvc_open(file, size=size, threads=threads, on_error=on_error, limits=limits)
    return DecodedFile(c, conceals=on_error == "conceal", cache_bytes=cache_bytes)
