"""Key-frame codecs by the name that file headers call them."""

from __future__ import annotations

from gvc.errors import UnsupportedError
from gvc.keyframe.codec import KeyFrameCodec
from gvc.keyframe.hevc import HevcCodec
from gvc.keyframe.vvc import VvcCodec

_CODECS: dict[str, type[KeyFrameCodec]] = {codec.name: codec for codec in (VvcCodec, HevcCodec)}


def names() -> tuple[str, ...]:
    """All names that :func:`get` takes; the first is the default."""
    return tuple(_CODECS)


def get(name: str) -> KeyFrameCodec:
    """The codec called ``name``.

    :raises UnsupportedError: if there is none.
    """
    try:
        return _CODECS[name]()
    except KeyError:
        known = ", ".join(_CODECS)
        raise UnsupportedError(f"key-frame codec {name!r} is not known", hint=known) from None
