"""Names of files that are made of recordings, which may not get longer than file systems allow."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

#: Most bytes of a name on the file systems of Linux and macOS.
_LONGEST = 255

#: Endings of more bytes are parts of a name with a dot in it.
_LONGEST_ENDING = 16


def with_ending(name: Path, ending: str) -> Path:
    """A name with an ending behind it.

    Where that is too long, the middle of the name gives way to a tilde and eight hexadecimal digits
    that stand for all of it.
    """
    whole = os.fsencode(name.name + ending)
    if len(whole) <= _LONGEST:
        return name.with_name(name.name + ending)
    suffix = os.fsencode(name.suffix)
    if len(suffix) > _LONGEST_ENDING:
        suffix = b""
    digest = hashlib.blake2b(os.fsencode(name.name), digest_size=4).hexdigest()
    rest = b"~" + digest.encode() + suffix + os.fsencode(ending)
    cut = _LONGEST - len(rest)
    # Not in the middle of a character of UTF-8.
    while cut and whole[cut] & 0xC0 == 0x80:
        cut -= 1
    return name.with_name(os.fsdecode(whole[:cut] + rest))
