"""Frames of any recording made ready to be coded."""

from __future__ import annotations

from collections.abc import Callable

import av

from gvc.media.deinterlacing import Deinterlacer
from gvc.media.dynamic_range import StandardRange, transfer_of
from gvc.media.orientation import Upright


def silent(_: str) -> None:
    """Take no interest in what is done to a recording."""


class Preparation:
    """Makes the frames of one stream progressive, upright and of standard dynamic range.

    :param say: told in a line, once, what is changed of the pictures.
    :param threads: CPU threads; None leaves the choice to FFmpeg.
    """

    def __init__(self, *, say: Callable[[str], None] = silent, threads: int | None = None) -> None:
        self._say = say
        self._deinterlacer = Deinterlacer(threads=threads)
        self._range = StandardRange(threads=threads)
        self._said: set[str] = set()
        self._upright: Upright | None = None

    @property
    def turned(self) -> bool:
        """Whether width and height have changed places."""
        return self._upright is not None and self._upright.turned

    def push(self, frame: av.VideoFrame) -> list[av.VideoFrame]:
        """Frames that are ready with this one, with pts and time base of their source.

        :raises av.FFmpegError: if FFmpeg cannot convert it.
        """
        if self._upright is None:
            self._upright = Upright(frame)
            if _is_transparent(frame):
                self._say_once("transparency is left out")
        if frame.interlaced_frame:
            self._say_once("is interlaced; deinterlaced (bwdif), one frame for two fields")
        transfer = transfer_of(frame)
        if transfer is not None:
            self._say_once(
                f"has a high dynamic range ({transfer}); coded as BT.709, 203 cd/m² is white and "
                "what is brighter is clipped"
            )
        return [self._made(each) for each in self._deinterlacer.push(frame)]

    def finish(self) -> list[av.VideoFrame]:
        """The frames that were held back."""
        return [self._made(each) for each in self._deinterlacer.finish()]

    def _made(self, frame: av.VideoFrame) -> av.VideoFrame:
        assert self._upright is not None
        return self._upright.turn(self._range.convert(frame))

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(line)


def _is_transparent(frame: av.VideoFrame) -> bool:
    """Whether anything of ``frame`` can be seen through."""
    form = frame.format
    if not form.has_palette and not any(part.is_alpha for part in form.components):
        return False
    return int(frame.reformat(format="rgba").to_ndarray()[..., 3].min()) < 255
