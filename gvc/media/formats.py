"""Which endings of names belong to formats of files."""

from __future__ import annotations

from functools import cache
from pathlib import PurePath

import av

#: Endings of files of our own, and of those that commands write besides.
_OURS = {".gvc", ".gvcp", ".266", ".vvc", ".html", ".htm", ".json", ".safetensors", ".db"}


def names_a_format(name: str | PurePath) -> bool:
    """Whether the ending of ``name`` is one of a format: FFmpeg's, or one of ours."""
    return PurePath(name).suffix.lower() in _endings()


@cache
def _endings() -> frozenset[str]:
    endings = set(_OURS)
    for name in av.formats_available:
        endings |= {f".{each}" for each in av.ContainerFormat(name).extensions if each}
    return frozenset(endings)
