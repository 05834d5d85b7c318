"""Interlaced frames made progressive."""

from __future__ import annotations

import av

from gvc.media.filters import FilterChain

#: One frame for the two fields of a frame; frames that are progressive stay as they are.
_FILTER = ("bwdif", "mode=send_frame:parity=auto:deint=interlaced")


class Deinterlacer:
    """Deinterlaces the frames that say that they are interlaced, at the rate of frames.

    From the first of these on, each frame comes out when the next one is there.

    :param threads: CPU threads; None leaves the choice to FFmpeg.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads
        self._chain: FilterChain | None = None

    @property
    def used(self) -> bool:
        """Whether there was an interlaced frame."""
        return self._chain is not None

    def push(self, frame: av.VideoFrame) -> list[av.VideoFrame]:
        """Frames that are ready with this one."""
        if self._chain is None and not frame.interlaced_frame:
            return [frame]
        if self._chain is None:
            self._chain = FilterChain([_FILTER], threads=self._threads)
        return self._chain.push(frame)

    def finish(self) -> list[av.VideoFrame]:
        """The frame that was held back, if there is one."""
        return self._chain.finish() if self._chain is not None else []
