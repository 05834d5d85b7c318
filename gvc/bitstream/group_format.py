"""Payloads of group chunks, with what a file's header says of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gvc.bitstream.fields import FieldReader, FieldWriter
from gvc.bitstream.group import MAX_PTS, Group, KeyFrame
from gvc.bitstream.header import FileHeader
from gvc.errors import InvalidDataError

#: What the first NAL unit of a byte stream stands behind.
_START_CODE = b"\x00\x00\x01"

#: What no NAL unit begins with.
_ZEROS = b"\x00\x00"


@dataclass(frozen=True, slots=True)
class GroupFormat:
    """How groups of one file are written.

    :param frame_duration: nominal, in units of the video's time base.
    :param compact: as the header says.
    :param canvas: width and height of key frames, as the header says; None without.
    """

    frame_duration: int
    compact: bool
    canvas: tuple[int, int] | None = None

    @classmethod
    def of(cls, header: FileHeader) -> GroupFormat:
        """The format that a header asks for."""
        return cls(header.video.frame_duration, header.compact, header.video.canvas)

    def write(self, group: Group) -> bytes:
        """The payload of a group that others may follow."""
        return self.stored(group).to_bytes()

    def write_final(self, group: Group, end_pts: int) -> bytes:
        """The payload of the only group of a file without an index.

        :param end_pts: when its last frame ends.
        """
        fields = FieldWriter()
        fields.signed(end_pts - self.usual_end(group))
        fields.raw(self.write(group))
        return fields.to_bytes()

    def read(self, payload: bytes) -> Group:
        """What :meth:`write` was given.

        :raises InvalidDataError, UnsupportedError: as :meth:`Group.from_bytes`.
        """
        group = Group.from_bytes(payload)
        if not self.compact:
            return group
        return replace(group, keys=tuple(_with_start_code(key) for key in group.keys))

    def read_final(self, payload: bytes) -> Group:
        """The group that :meth:`write_final` was given, with its end.

        :raises InvalidDataError, UnsupportedError: as :meth:`Group.from_bytes`.
        """
        fields = FieldReader(payload)
        more = fields.signed("end", MAX_PTS)
        group = self.read(fields.rest())
        return replace(group, end_pts=self.usual_end(group) + more)

    def check(self, group: Group) -> None:
        """Hold a group to what the header says.

        :raises InvalidDataError: if a rectangle is not in the canvas.
        """
        for rectangle in group.rectangles:
            if self.canvas is None or not rectangle.lies_in(*self.canvas):
                raise InvalidDataError("a rectangle does not lie in the picture")

    def usual_end(self, group: Group) -> int:
        """When the last frame ends if all frames last as long as is usual."""
        return group.pts + group.frames * self.frame_duration

    def stored(self, group: Group) -> Group:
        """The group with its key frames as the file holds them."""
        if not self.compact:
            return group
        return replace(group, keys=tuple(_without_start_code(key) for key in group.keys))


def _without_start_code(key: KeyFrame) -> KeyFrame:
    unit = key.data.removeprefix(_START_CODE)
    return key if unit.startswith(_ZEROS) or not unit else replace(key, data=unit)


def _with_start_code(key: KeyFrame) -> KeyFrame:
    return key if key.data.startswith(_ZEROS) else replace(key, data=_START_CODE + key.data)
