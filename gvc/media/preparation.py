"""Frames of any recording made ready to be coded."""

from __future__ import annotations

from collections.abc import Callable

import av

from gvc.media.conforming import Conformer
from gvc.media.cropping import Cropping
from gvc.media.deinterlacing import Deinterlacer
from gvc.media.dynamic_range import StandardRange, transfer_of
from gvc.media.filters import FilterChain
from gvc.media.orientation import Upright


def silent(_: str) -> None:
    """Take no interest in what is done to a recording."""


class Preparation:
    """Makes the frames of one stream progressive, upright, of standard dynamic range and alike.

    Each frame is made ready by what it says itself; then all get size, matrix and range of the
    first.

    :param say: told in a line, once, what is changed of the pictures.
    :param threads: CPU threads; None leaves the choice to FFmpeg.
    :param crop: what the container cuts off each picture, if anything.
    """

    def __init__(
        self,
        *,
        say: Callable[[str], None] = silent,
        threads: int | None = None,
        crop: Cropping | None = None,
    ) -> None:
        self._say = say
        self._said: set[str] = set()
        self._crop = FilterChain([crop.filter], threads=threads) if crop is not None else None
        self._deinterlacer = Deinterlacer(threads=threads)
        self._range = StandardRange(threads=threads)
        self._upright = Upright()
        self._conformer = Conformer(say=self._say_once, threads=threads)

    @property
    def turned(self) -> bool:
        """Whether width and height have changed places, of the first frame and so of all."""
        return self._upright.turned

    def push(self, frame: av.VideoFrame) -> list[av.VideoFrame]:
        """Frames that are ready with this one, with pts and time base of their source.

        :raises av.FFmpegError: if FFmpeg cannot convert it.
        """
        if self._crop is not None:
            (frame,) = self._crop.push(frame)
        self._tell(frame)
        return [self._made(each) for each in self._deinterlacer.push(frame)]

    def finish(self) -> list[av.VideoFrame]:
        """The frames that were held back."""
        return [self._made(each) for each in self._deinterlacer.finish()]

    def _made(self, frame: av.VideoFrame) -> av.VideoFrame:
        return self._conformer.conform(self._upright.turn(self._range.convert(frame)))

    def _tell(self, frame: av.VideoFrame) -> None:
        """Say what is changed of ``frame``."""
        if _TRANSPARENCY not in self._said and _is_transparent(frame):
            self._say_once(_TRANSPARENCY)
        if frame.interlaced_frame:
            self._say_once("is interlaced; deinterlaced (bwdif), one frame for two fields")
        transfer = transfer_of(frame)
        if transfer is not None:
            self._say_once(
                f"has a high dynamic range ({transfer}); coded as BT.709, 203 cd/m² is white and "
                "what is brighter is clipped"
            )

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(line)


_TRANSPARENCY = "transparency is left out"


def _is_transparent(frame: av.VideoFrame) -> bool:
    """Whether anything of ``frame`` can be seen through."""
    form = frame.format
    if not form.has_palette and not any(part.is_alpha for part in form.components):
        return False
    return int(frame.reformat(format="rgba").to_ndarray()[..., 3].min()) < 255
