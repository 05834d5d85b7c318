"""The part of a picture that is generated, where the rest is held."""

from __future__ import annotations

from dataclasses import dataclass

from gvc.bitstream.fields import FieldReader, FieldWriter
from gvc.errors import LimitError

#: Left, top, width and height of a rectangle are multiples of this, and so are the sides of the
#: pictures that it lies in.
RECTANGLE_UNIT = 8

#: The least side, in units: 16 pixels.
_LEAST = 2


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of a picture, in pixels; all four are multiples of :data:`RECTANGLE_UNIT`.

    :param left: of its first column. :param top: of its first row.
    :param width: at least 16. :param height: at least 16.
    """

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The column behind its last one."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The row behind its last one."""
        return self.top + self.height

    def lies_in(self, width: int, height: int) -> bool:
        """Whether no part of it is outside of a picture of that size."""
        return self.right <= width and self.bottom <= height

    def write(self, fields: FieldWriter) -> None:
        """Append the fields in the order of the specification.

        :raises LimitError: if it cannot be written.
        """
        sides = self.left, self.top, self.width, self.height
        if any(side % RECTANGLE_UNIT or side < 0 for side in sides):
            raise LimitError(f"{self} is not of whole units")
        for side in sides:
            fields.unsigned(side // RECTANGLE_UNIT)

    @classmethod
    def read(cls, fields: FieldReader, *, side: int) -> Rectangle:
        """Read what :meth:`write` wrote.

        :param side: the greatest side of a picture.
        """
        most = side // RECTANGLE_UNIT
        left, top = (fields.unsigned("place of a rectangle", most) for _ in range(2))
        width, height = (fields.unsigned("side of a rectangle", most, low=_LEAST) for _ in range(2))
        return cls(*(RECTANGLE_UNIT * value for value in (left, top, width, height)))
