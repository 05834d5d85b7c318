"""Media files in and out, through PyAV: demultiplexing, decoding, colour, scaling, audio, pipes.

May import :mod:`gvc.bitstream` (for the headers that describe streams) and :mod:`gvc.errors`.
"""

from gvc.media.audio import DEFAULT_OPUS_BIT_RATE, AudioCopy, OpusEncoder, stored_packets
from gvc.media.picture import (
    colour_of,
    copy_of,
    from_planes,
    from_rgb,
    luma_weights,
    part_to_rgb,
    scale,
    tag,
    to_rgb,
    to_yuv420,
)
from gvc.media.preparation import Preparation
from gvc.media.probe import holds_video
from gvc.media.sink import Sink, SinkOptions, endings_of, format_of
from gvc.media.source import AudioMode, Source, VideoInfo
from gvc.media.still import StillSink, is_still, still_picture
from gvc.media.template import is_storable

__all__ = [
    "DEFAULT_OPUS_BIT_RATE",
    "AudioCopy",
    "AudioMode",
    "OpusEncoder",
    "Preparation",
    "Sink",
    "SinkOptions",
    "Source",
    "StillSink",
    "VideoInfo",
    "colour_of",
    "copy_of",
    "endings_of",
    "format_of",
    "from_planes",
    "from_rgb",
    "holds_video",
    "is_still",
    "is_storable",
    "luma_weights",
    "part_to_rgb",
    "scale",
    "still_picture",
    "stored_packets",
    "tag",
    "to_rgb",
    "to_yuv420",
]
