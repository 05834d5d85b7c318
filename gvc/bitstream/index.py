"""The index: where each group begins, for seeking and for totals."""

from __future__ import annotations

from dataclasses import dataclass

from gvc.bitstream.fields import FieldReader, FieldWriter
from gvc.bitstream.group import MAX_FRAMES, MAX_PTS
from gvc.errors import InvalidDataError

#: Most groups of a file: what an index says is held in memory, and looked through at once.
MAX_GROUPS = 1 << 18

_MAX_OFFSET = 1 << 60

#: Least bytes of a group's chunk: framing, flags, pts, frames and a key frame of one byte.
_LEAST_GROUP = 11

#: Least bytes of an entry.
_LEAST_ENTRY = 3


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """One group: where it begins in the file, the pts of its first frame, its frames.

    It begins with the audio blocks right before its own chunk, if there are any.
    """

    offset: int
    pts: int
    frames: int


@dataclass(frozen=True, slots=True)
class Index:
    """All groups of a file in order.

    :param groups: one entry each.
    :param end_pts: when the last frame ends, in the video's time base.
    """

    groups: tuple[GroupEntry, ...]
    end_pts: int

    def to_bytes(self) -> bytes:
        """The payload of the index chunk."""
        fields = FieldWriter()
        fields.unsigned(len(self.groups))
        offset = pts = 0
        for group in self.groups:
            fields.unsigned(group.offset - offset)
            fields.signed(group.pts - pts)
            fields.unsigned(group.frames)
            offset, pts = group.offset, group.pts
        fields.signed(self.end_pts - pts)
        return fields.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes, *, file_size: int | None = None) -> Index:
        """Read an index.

        :param file_size: bytes of the file before it, which bound the number of groups.
        :raises InvalidDataError: if a field is cut off or out of range.
        """
        fields = FieldReader(data)
        most = min(MAX_GROUPS, fields.left // _LEAST_ENTRY)
        if file_size is not None:
            most = min(most, file_size // _LEAST_GROUP)
        count = fields.unsigned("number of groups", most)
        groups = []
        offset = pts = 0
        for _ in range(count):
            offset += fields.unsigned("offset", _MAX_OFFSET)
            pts += fields.signed("pts", MAX_PTS)
            if offset > (_MAX_OFFSET if file_size is None else file_size) or abs(pts) > MAX_PTS:
                raise InvalidDataError("the index says what cannot be")
            groups.append(GroupEntry(offset, pts, fields.unsigned("frames", MAX_FRAMES, low=1)))
        return cls(tuple(groups), pts + fields.signed("end", MAX_PTS))
