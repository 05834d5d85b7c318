"""Key-frame codecs by name.

Each codes the few key frames of a group, the first alone or from that of an earlier group and the
others from those before, or all frames of a group as video. May import :mod:`gvc.bitstream`,
:mod:`gvc.media` and :mod:`gvc.errors`.

>>> from gvc import keyframe
>>> keyframe.names()
('vvc', 'hevc')
"""

from gvc.keyframe.codec import (
    CodedPictures,
    CodedReference,
    KeyFrameCodec,
    KeyFrameDecoder,
    KeyFrameEncoder,
)
from gvc.keyframe.registry import get, names

__all__ = [
    "CodedPictures",
    "CodedReference",
    "KeyFrameCodec",
    "KeyFrameDecoder",
    "KeyFrameEncoder",
    "get",
    "names",
]
