"""Cropping that a container asks for: PixelCrop of Matroska, the clean aperture of MP4."""

from __future__ import annotations

import re
from dataclasses import dataclass

import av

from gvc.media.ffmpeg_log import description_of
from gvc.media.filters import Filter


@dataclass(frozen=True, slots=True)
class Cropping:
    """Lines and columns that are not shown, of the picture before it is turned."""

    left: int
    right: int
    top: int
    bottom: int

    @property
    def filter(self) -> Filter:
        """The filter that cuts, as ffmpeg sets it up; it keeps to whole samples of colour."""
        wide, tall = self.left + self.right, self.top + self.bottom
        return "crop", f"w=iw-{wide}:h=ih-{tall}:x={self.left}:y={self.top}"


#: How FFmpeg describes a stream, and the cropping that is in its side data, as left/right/top/
#: bottom. Tags cannot look like
#: that: their keys are followed by a colon after at least 16 characters.
_STREAM = re.compile(r" {2,}Stream #0:(\d+)\D.*")
_CROPPING = re.compile(r" {6,}(?i:frame cropping): ?(\d+)/(\d+)/(\d+)/(\d+)\s*")


def cropping_of(container: av.container.InputContainer, stream: av.VideoStream) -> Cropping | None:
    """What the container cuts off the pictures of ``stream``; None if that is nothing.

    PyAV does not hand on the side data of streams, but FFmpeg's description of the file has it.
    """
    inside = False
    for line in description_of(container).splitlines():
        of_stream = _STREAM.fullmatch(line)
        if of_stream is not None:
            inside = int(of_stream[1]) == stream.index
        cropping = _CROPPING.fullmatch(line) if inside else None
        if cropping is not None:
            found = Cropping(*map(int, cropping.groups()))
            return found if any(map(int, cropping.groups())) else None
    return None
