"""Typed headers and packets: what the chunks of a file hold, field by field, with their limits.

May import :mod:`gvc.container` and :mod:`gvc.errors`; never torch or av.
See ``docs/bitstream.md``, clauses 3 to 6.
"""

from gvc.bitstream.audio import AudioBlock, AudioPacket
from gvc.bitstream.group import (
    MAX_INTERPOLATED,
    MAX_KEYS,
    MAX_PTS,
    MAX_RECTANGLES,
    FrameType,
    FurtherRectangle,
    Group,
    KeyFrame,
    Reference,
)
from gvc.bitstream.group_format import GroupFormat
from gvc.bitstream.header import (
    MAX_FURTHER,
    MAX_METADATA,
    MAX_TEXT,
    AudioHeader,
    ColourDescription,
    FileHeader,
    VideoHeader,
    check_size,
)
from gvc.bitstream.index import MAX_GROUPS, GroupEntry, Index
from gvc.bitstream.reader import BitstreamReader
from gvc.bitstream.rectangle import RECTANGLE_UNIT, Rectangle
from gvc.bitstream.references import MAX_REFERENCES
from gvc.bitstream.speaker_pack import MAX_PACK, SpeakerPack, TensorChange, fingerprint_of
from gvc.bitstream.writer import BitstreamWriter
from gvc.container import SIGNATURE, Chunk, Damage

__all__ = [
    "MAX_FURTHER",
    "MAX_GROUPS",
    "MAX_INTERPOLATED",
    "MAX_KEYS",
    "MAX_METADATA",
    "MAX_PACK",
    "MAX_PTS",
    "MAX_RECTANGLES",
    "MAX_REFERENCES",
    "MAX_TEXT",
    "RECTANGLE_UNIT",
    "SIGNATURE",
    "AudioBlock",
    "AudioHeader",
    "AudioPacket",
    "BitstreamReader",
    "BitstreamWriter",
    "Chunk",
    "ColourDescription",
    "Damage",
    "FileHeader",
    "FrameType",
    "FurtherRectangle",
    "Group",
    "GroupEntry",
    "GroupFormat",
    "Index",
    "KeyFrame",
    "Rectangle",
    "Reference",
    "SpeakerPack",
    "TensorChange",
    "VideoHeader",
    "check_size",
    "fingerprint_of",
]
