"""A closed group of pictures: one key frame, and the motion codes of the frames around it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gvc.bitstream.fields import FieldReader, FieldWriter
from gvc.errors import UnsupportedError

#: Most frames of a group.
MAX_FRAMES = 65535

#: Bound of a pts in units of the time base.
MAX_PTS = 1 << 60

#: Most bytes of a coded key frame.
MAX_KEY = 1 << 25

_VARIABLE_RATE = 1
_KEY_INSIDE = 2
_KNOWN_FLAGS = _VARIABLE_RATE | _KEY_INSIDE


class FrameType(enum.Enum):
    """How a frame is coded."""

    KEY = "K"
    """By the key-frame codec; one frame of each group."""

    MOTION = "M"
    """By a motion code."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of pictures; decodes alone, given the file header.

    :param pts: of its first frame, in the video's time base.
    :param frames: their number, the key frame included.
    :param variable_rate: if True, ``motion`` also codes how long each frame lasts; if False, all
        frames last :attr:`~gvc.bitstream.VideoHeader.frame_duration`.
    :param key_index: which of them, in the order of showing, is the key frame; the first is 0.
    :param key: the key frame, without the parameter sets of the header.
    :param motion: one run of the range coder over all other frames.
    """

    pts: int
    frames: int
    variable_rate: bool
    key: bytes
    motion: bytes
    key_index: int = 0

    def to_bytes(self) -> bytes:
        """The payload of a group chunk."""
        fields = FieldWriter()
        flags = _VARIABLE_RATE if self.variable_rate else 0
        fields.unsigned(flags | (_KEY_INSIDE if self.key_index else 0))
        fields.signed(self.pts)
        fields.unsigned(self.frames)
        if self.key_index:
            fields.unsigned(self.key_index)
        fields.blob(self.key)
        fields.raw(self.motion)
        return fields.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Group:
        """Read a group.

        :raises InvalidDataError: if a field is cut off or out of range.
        :raises UnsupportedError: if it needs a newer version.
        """
        fields = FieldReader(data)
        flags = fields.unsigned("flags of a group", 1 << 62)
        if flags & ~_KNOWN_FLAGS:
            raise UnsupportedError("made by a newer version of gvc", hint="update gvc")
        pts = fields.signed("pts", MAX_PTS)
        frames = fields.unsigned("number of frames", MAX_FRAMES, low=1)
        inside = bool(flags & _KEY_INSIDE)
        return cls(
            variable_rate=bool(flags & _VARIABLE_RATE),
            pts=pts,
            frames=frames,
            key_index=fields.unsigned("place of the key frame", frames - 1, low=1) if inside else 0,
            key=fields.blob("key frame", MAX_KEY),
            motion=fields.rest(),
        )
