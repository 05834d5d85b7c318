"""What decoding may take, and what it does about damage: for files from strangers."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass, fields

from gvc.bitstream import Group, Index, VideoHeader
from gvc.errors import LimitError, UsageError


class OnError(enum.StrEnum):
    """What a reader does where a file is damaged.

    ``STOP`` raises an error. ``CONCEAL`` goes on behind it, and holds the last good picture in
    between.
    """

    STOP = "stop"
    CONCEAL = "conceal"


def on_error_named(name: str) -> OnError:
    """What is called ``name``.

    :raises UsageError: if there is nothing of that name.
    """
    try:
        return OnError(name)
    except ValueError:
        raise UsageError(f"on_error {name!r} is not known", hint=", ".join(OnError)) from None


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Most that a file may ask of a decoder; None is what the format itself allows.

    What the header, the index and the header of each group say is looked at before memory is taken
    for it, what comes out frame by frame.

    :param max_pixels: of a picture: of decoded ones, of key frames, of what the networks make.
    :param max_frames: of one pass over the file, those that stand for lost ones included.
    :param max_seconds: of playing time.
    :param time_limit: seconds that one pass may last, looked at before each frame.
    :raises UsageError: if one is not positive.
    """

    max_pixels: int | None = None
    max_frames: int | None = None
    max_seconds: float | None = None
    time_limit: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise UsageError(f"{field.name} {value} is not above 0")

    def check_header(self, header: VideoHeader, decoded: VideoHeader) -> None:
        """Look at a file's header.

        :param decoded: of the stream as it comes out, at a reduced size or not.
        :raises LimitError: if its pictures are too large.
        """
        made = decoded.coded_width, decoded.coded_height
        for width, height in ((decoded.width, decoded.height), header.key_size, made):
            _check("max_pixels", f"pictures of {width}×{height}", width * height, self.max_pixels)

    def check_index(self, header: VideoHeader, index: Index | None) -> None:
        """Look at what the index says of the whole file.

        :raises LimitError: if that is too long.
        """
        if index is None or not index.groups:
            return
        frames = sum(group.frames for group in index.groups)
        _check("max_frames", f"{frames} frames", frames, self.max_frames)
        seconds = float((index.end_pts - index.groups[0].pts) * header.time_base)
        _check("max_seconds", f"{seconds:.2f} s", seconds, self.max_seconds)


class Meter:
    """Holds one pass over a file to its limits.

    :param header: of the video stream.
    """

    def __init__(self, limits: DecodeLimits, header: VideoHeader) -> None:
        self._limits = limits
        self._header = header
        self._frames = 0
        self._begin: int | None = None
        self._started = time.monotonic()

    def check_group(self, group: Group) -> None:
        """Look at a group before anything is made of it.

        :raises LimitError: if it goes beyond a limit.
        """
        self.check_time()
        frames = self._frames + group.frames
        _check("max_frames", f"{frames} frames", frames, self._limits.max_frames)
        # How long the frames last that come at a variable rate is known only when they come.
        known = 1 if group.variable_rate else group.frames
        self._check_end(group.pts, group.pts + known * self._header.frame_duration)

    def count(self, pts: int) -> None:
        """Look at a frame that comes out.

        :raises LimitError: if it goes beyond a limit.
        """
        self.check_time()
        self._frames += 1
        _check("max_frames", f"{self._frames} frames", self._frames, self._limits.max_frames)
        self._check_end(pts, pts + self._header.frame_duration)
        if self._begin is None:
            self._begin = pts

    def take(self, group: Group) -> None:
        """Look at a group that is handed on as it is.

        :raises LimitError: if it goes beyond a limit.
        """
        self.check_group(group)
        self._frames += group.frames
        if self._begin is None:
            self._begin = group.pts

    def check_time(self) -> None:
        """Look at the clock.

        :raises LimitError: if it is too late.
        """
        elapsed = time.monotonic() - self._started
        _check("time_limit", f"decoding for {elapsed:.1f} s", elapsed, self._limits.time_limit)

    def _check_end(self, pts: int, end: int) -> None:
        begin = pts if self._begin is None else self._begin
        seconds = float((end - begin) * self._header.time_base)
        _check("max_seconds", f"{seconds:.2f} s", seconds, self._limits.max_seconds)


def _check(name: str, what: str, value: float, limit: float | None) -> None:
    if limit is not None and value > limit:
        raise LimitError(
            f"{what}: the limit is {limit}",
            hint=f"--{name.replace('_', '-')}, or {name} of DecodeLimits, raises it",
        )
