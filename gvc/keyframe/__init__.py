"""Key-frame codecs by name.

Each codes single pictures, every one decodable alone given the parameter sets of its file. May
import :mod:`gvc.bitstream`, :mod:`gvc.media` and :mod:`gvc.errors`.

>>> from gvc import keyframe
>>> keyframe.names()
('vvc', 'hevc')
"""

from gvc.keyframe.codec import (
    CodedKeyFrame,
    KeyFrameCodec,
    KeyFrameDecoder,
    KeyFrameEncoder,
)
from gvc.keyframe.registry import get, names

__all__ = [
    "CodedKeyFrame",
    "KeyFrameCodec",
    "KeyFrameDecoder",
    "KeyFrameEncoder",
    "get",
    "names",
]
