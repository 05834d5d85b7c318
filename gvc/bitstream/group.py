"""A closed group of pictures: its key frames and the motion codes of the frames around them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from gvc.bitstream.fields import FieldReader, FieldWriter
from gvc.bitstream.header import MAX_SIDE
from gvc.bitstream.rectangle import Rectangle
from gvc.errors import InvalidDataError, LimitError, UnsupportedError

#: Most frames of a group.
MAX_FRAMES = 65535

#: Bound of a pts in units of the time base.
MAX_PTS = 1 << 60

#: Most key frames of a group.
MAX_KEYS = 16

#: Most frames that may wait for the next motion code, since an interpolated one is among them.
MAX_INTERPOLATED = 64

#: Most bytes of a coded key frame, and of a group that is coded as video.
MAX_KEY = 1 << 25

#: Most rectangles of a group.
MAX_RECTANGLES = 4

#: Most bytes of the motion of a further rectangle.
_MAX_MOTION = 1 << 25

_VARIABLE_RATE = 1
_KEY_INSIDE = 2
_SEVERAL_KEYS = 4
_VIDEO = 8
_RECTANGLE = 16
_PREDICTED = 32
_FURTHER = 64
_OF_KEYS = _KEY_INSIDE | _SEVERAL_KEYS | _RECTANGLE | _PREDICTED | _FURTHER
_KNOWN_FLAGS = _VARIABLE_RATE | _VIDEO | _OF_KEYS


class FrameType(enum.Enum):
    """How a frame is coded."""

    KEY = "K"
    """By the key-frame codec; others of its group are animated from it."""

    MOTION = "M"
    """By a motion code."""

    PREDICTED = "P"
    """Not at all: it repeats the motion code of the frame before."""

    INTERPOLATED = "I"
    """Not at all: its motion code lies between those of its neighbours."""

    VIDEO = "V"
    """By the key-frame codec, as all frames of its group."""


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A key frame of a group.

    :param index: which frame of the group it is, in the order of showing; the first is 0.
    :param data: its coded picture, without the parameter sets of the header.
    """

    index: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Reference:
    """Key frame 0 of an earlier group.

    :param pts: of the first frame of that group, in the video's time base.
    :param data: the coded picture; empty as long as nobody has looked for it.
    """

    pts: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class FurtherRectangle:
    """One more part of the pictures that is generated, with a motion of its own.

    :param rectangle: the part.
    :param motion: one run of the range coder over all frames, without their times.
    """

    rectangle: Rectangle
    motion: bytes


@dataclass(frozen=True, slots=True)
class Group:
    """A group of pictures; decodes alone, given the file header and its reference.

    :param pts: of its first frame, in the video's time base.
    :param frames: their number, key frames included.
    :param variable_rate: if True, ``motion`` also codes how long each frame lasts; if False, all
        frames last :attr:`~gvc.bitstream.VideoHeader.frame_duration`.
    :param keys: its key frames in the order of coding; each may need those before it. None if the
        group is coded as video.
    :param motion: one run of the range coder over all frames.
    :param video: all frames as a byte stream of the key-frame codec with its own parameter sets;
        empty where there are key frames.
    :param rectangle: the part of the pictures that is generated, where the stream has a canvas;
        None generates all of them.
    :param reference: the key frame of an earlier group that its own are predicted from; None if
        there is none.
    :param further: rectangles besides the first, in the order of drawing.
    :param end_pts: when its last frame ends, if nothing is known to follow it; a file of such a
        group alone needs no index.
    """

    pts: int
    frames: int
    variable_rate: bool
    keys: tuple[KeyFrame, ...]
    motion: bytes
    video: bytes = b""
    rectangle: Rectangle | None = None
    reference: Reference | None = None
    further: tuple[FurtherRectangle, ...] = ()
    end_pts: int | None = field(default=None, compare=False)

    @property
    def rectangles(self) -> tuple[Rectangle, ...]:
        """All parts that are generated, in the order of drawing; none where that is all."""
        first = () if self.rectangle is None else (self.rectangle,)
        return (*first, *(each.rectangle for each in self.further))

    @property
    def runs(self) -> tuple[bytes, ...]:
        """All runs of the range coder: ``motion`` and that of each further rectangle."""
        return (self.motion, *(each.motion for each in self.further))

    @property
    def conventional(self) -> bytes:
        """What the key-frame codec made."""
        return self.video or b"".join(key.data for key in self.keys)

    def to_bytes(self) -> bytes:
        """The payload of a group chunk.

        :raises LimitError: if it has neither key frames nor video, or a number fits no field.
        """
        if not (self.keys or self.video):
            raise LimitError("a group of pictures has neither key frames nor video")
        fields = FieldWriter()
        flags = _VARIABLE_RATE if self.variable_rate else 0
        if self.video:
            flags |= _VIDEO
        else:
            flags |= _KEY_INSIDE if self.keys[0].index else 0
            flags |= _SEVERAL_KEYS if len(self.keys) > 1 else 0
            flags |= _RECTANGLE if self.rectangle else 0
            flags |= _PREDICTED if self.reference else 0
            flags |= _FURTHER if self.further else 0
        fields.unsigned(flags)
        fields.signed(self.pts)
        fields.unsigned(self.frames)
        if self.video:
            fields.blob(self.video)
        else:
            self._write_keys(fields)
        fields.raw(self.motion)
        return fields.to_bytes()

    def _write_keys(self, fields: FieldWriter) -> None:
        first, *further = self.keys
        if self.reference is not None:
            fields.unsigned(self.pts - self.reference.pts)
        if first.index:
            fields.unsigned(first.index)
        fields.blob(first.data)
        if further:
            fields.unsigned(len(further))
        for key in further:
            fields.unsigned(key.index)
            fields.blob(key.data)
        if self.rectangle is not None:
            self.rectangle.write(fields)
        if self.further:
            fields.unsigned(len(self.further))
        for each in self.further:
            each.rectangle.write(fields)
            fields.blob(each.motion)

    @classmethod
    def from_bytes(cls, data: bytes) -> Group:
        """Read a group; the data of its reference is elsewhere in the file.

        :raises InvalidDataError: if a field is cut off or out of range.
        :raises UnsupportedError: if it needs a newer version.
        """
        fields = FieldReader(data)
        flags = fields.unsigned("flags of a group", 1 << 62)
        if flags & ~_KNOWN_FLAGS:
            raise UnsupportedError("made by a newer version of gvc", hint="update gvc")
        pts = fields.signed("pts", MAX_PTS)
        frames = fields.unsigned("number of frames", MAX_FRAMES, low=1)
        variable = bool(flags & _VARIABLE_RATE)
        if flags & _VIDEO:
            if flags & _OF_KEYS:
                raise InvalidDataError("a group has key frames and is coded as video")
            video = fields.blob("video of a group", MAX_KEY, low=1)
            return cls(pts, frames, variable, (), fields.rest(), video)
        reference = None
        if flags & _PREDICTED:
            reference = Reference(pts - fields.unsigned("way to a reference", 2 * MAX_PTS, low=1))
        keys = _read_keys(fields, flags, frames)
        rectangle = Rectangle.read(fields, side=MAX_SIDE) if flags & _RECTANGLE else None
        further = _read_further(fields, flags)
        return cls(
            pts,
            frames,
            variable,
            keys,
            fields.rest(),
            rectangle=rectangle,
            reference=reference,
            further=further,
        )


def _read_further(fields: FieldReader, flags: int) -> tuple[FurtherRectangle, ...]:
    if not flags & _FURTHER:
        return ()
    if not flags & _RECTANGLE:
        raise InvalidDataError("a group has further rectangles, but no first one")
    count = fields.unsigned("number of further rectangles", MAX_RECTANGLES - 1, low=1)
    return tuple(
        FurtherRectangle(
            Rectangle.read(fields, side=MAX_SIDE),
            fields.blob("motion of a further rectangle", _MAX_MOTION),
        )
        for _ in range(count)
    )


def _read_keys(fields: FieldReader, flags: int, frames: int) -> tuple[KeyFrame, ...]:
    inside, several = flags & _KEY_INSIDE, flags & _SEVERAL_KEYS
    name = "place of a key frame"
    index = fields.unsigned(name, frames - 1, low=1) if inside else 0
    keys = [KeyFrame(index, fields.blob("key frame", MAX_KEY, low=1))]
    count = fields.unsigned("number of key frames", MAX_KEYS - 1, low=1) if several else 0
    for _ in range(count):
        index = fields.unsigned(name, frames - 1)
        keys.append(KeyFrame(index, fields.blob("key frame", MAX_KEY, low=1)))
    if len({key.index for key in keys}) != len(keys):
        raise InvalidDataError("two key frames of a group are the same frame")
    return tuple(keys)
