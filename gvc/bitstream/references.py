"""Key frames of earlier groups, from which those of later groups are predicted."""

from __future__ import annotations

from gvc.bitstream.group import Group

#: A group may be predicted from one of so many groups before it, of those that could be.
MAX_REFERENCES = 4


class References:
    """Key frames of the last groups that have some and are predicted from no other group."""

    def __init__(self) -> None:
        self._data: dict[int, bytes] = {}

    def note(self, group: Group) -> None:
        """Take notice of the next group of a file."""
        if not group.keys or group.reference is not None:
            return
        self._data.pop(group.pts, None)
        self._data[group.pts] = group.keys[0].data
        if len(self._data) > MAX_REFERENCES:
            del self._data[next(iter(self._data))]

    def find(self, pts: int) -> bytes | None:
        """The key frame of the group that begins at ``pts``; None if that is not among them."""
        return self._data.get(pts)
