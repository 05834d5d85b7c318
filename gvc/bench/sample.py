"""The files that speed is measured on: square, 25 frames a second, without sound."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from gvc.api.input import InputContainer
from gvc.api.muxer import Muxer
from gvc.bench.speed_settings import SpeedSettings
from gvc.bitstream import Group
from gvc.errors import InvalidDataError
from gvc.media import AudioMode, Source, to_rgb

#: Frames a second.
RATE = 25

#: RGB, uint8 [side, side, 3].
Picture = npt.NDArray[np.uint8]


def make_pictures(settings: SpeedSettings) -> list[Picture]:
    """The pictures that ``settings`` ask for, as many as their seconds have.

    A clip that is shorter is shown forwards and backwards in turn.

    :raises GvcError: if the clip cannot be decoded.
    """
    count = round(settings.seconds * RATE)
    found = list(itertools.islice(_pictures(settings), count))
    if not found:
        raise InvalidDataError("holds no picture", path=settings.clip)
    turns = itertools.cycle(found + found[-2:0:-1])
    return list(itertools.islice(turns, count))


def write_video(pictures: Sequence[Picture], path: Path) -> None:
    """Write H.264 that is as good as lossless."""
    side = len(pictures[0])
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = side
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "12", "preset": "veryfast"}
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def lengthen(source: Path, target: Path, seconds: float) -> float:
    """Write the groups of a .gvc file again and again, until they last ``seconds``.

    :returns: how long they last then.
    """
    with InputContainer(source) as container, target.open("wb") as file:
        video = container.header.video
        packets = list(container.demux(video=0))
        start = packets[0].pts
        span = packets[-1].pts + packets[-1].duration - start
        turns = math.ceil(seconds / float(span * video.time_base))
        muxer = Muxer(file)
        muxer.write_header(video, None, {}, pack=container.embedded_pack)
        for turn, packet in itertools.product(range(turns), packets):
            assert isinstance(packet.unit, Group)
            group = replace(packet.unit, pts=packet.pts + turn * span)
            muxer.write_group(group, end_pts=group.pts + packet.duration)
        muxer.close()
        return turns * float(span * video.time_base)


def _pictures(settings: SpeedSettings) -> Iterator[Picture]:
    if settings.clip is None:
        for index in itertools.count():
            yield _drawn(index, settings.size)
    elif settings.clip.suffix.lower() == ".gvc":
        with InputContainer(settings.clip, weights=settings.weights) as container:
            for frame in container.decode(video=0):
                assert isinstance(frame, av.VideoFrame)
                yield to_rgb(frame, settings.size, settings.size)
    else:
        with Source(settings.clip, audio=AudioMode.NONE) as source:
            for unit in source:
                assert isinstance(unit, av.VideoFrame)
                yield to_rgb(unit, settings.size, settings.size)


def _drawn(index: int, side: int) -> Picture:
    """A head that sways and speaks before a wall, with some grain."""
    y, x = (np.mgrid[0:side, 0:side].astype(np.float32) + 0.5) / side - 0.5
    picture = np.stack([110 + 80 * x, 120 + 60 * y, 150 - 40 * x], axis=-1)
    sway = 0.06 * math.sin(index / 7)
    mouth = 0.02 + 0.02 * math.sin(index / 2)
    for cx, cy, rx, ry, colour in (
        (0.0, 0.55, 0.42, 0.3, (60, 60, 90)),
        (sway, 0.0, 0.22, 0.3, (205, 160, 135)),
        (sway - 0.09, -0.06, 0.035, 0.02, (40, 30, 30)),
        (sway + 0.09, -0.06, 0.035, 0.02, (40, 30, 30)),
        (sway, 0.14, 0.08, mouth, (120, 40, 45)),
    ):
        picture[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1] = colour
    grain = np.random.default_rng(index).normal(0, 2, picture.shape)
    return np.asarray((picture + grain).clip(0, 255), dtype=np.uint8)
