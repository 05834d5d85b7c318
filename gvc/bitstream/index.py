"""The index: where each group begins, for seeking and for totals."""

from __future__ import annotations

from dataclasses import dataclass

from gvc.bitstream.fields import FieldReader, FieldWriter
from gvc.bitstream.group import MAX_FRAMES, MAX_PTS

_MAX_OFFSET = 1 << 60


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
    def from_bytes(cls, data: bytes) -> Index:
        """Read an index.

        :raises InvalidDataError: if a field is cut off or out of range.
        """
        fields = FieldReader(data)
        count = fields.unsigned("number of groups", fields.left)
        groups = []
        offset = pts = 0
        for _ in range(count):
            offset += fields.unsigned("offset", _MAX_OFFSET)
            pts += fields.signed("pts", MAX_PTS)
            groups.append(GroupEntry(offset, pts, fields.unsigned("frames", MAX_FRAMES, low=1)))
        return cls(tuple(groups), pts + fields.signed("end", MAX_PTS))
