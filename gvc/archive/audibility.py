"""How much sound of a file can be heard: decoded plainly, its loudness looked at, nothing kept.

Packets say that there is sound; whether it became silence on the way, only decoding tells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from gvc.api.input import InputContainer
from gvc.errors import MediaError
from gvc.media.selection import select

#: Levels in dB of full scale, of speech and what is softer. Above each of them the coded sound has
#: to be for as long as that of the source.
_LEVELS = (-25, -30, -35, -40, -45)

#: Decibels by which coding, and mixing many channels down to two, may make sound softer.
_SOFTER, _SOFTER_MIXED = 4, 16

#: Seconds that may be missing above each level, and the part of all that may be besides.
_SPARE, _SPARE_PART = 0.3, 0.02

#: The lowest level that is told from silence, in dB.
_LOWEST = -100

#: Blocks per second whose loudness is looked at: 20 ms hold a period of all that can be heard.
_BLOCKS = 50


def silenced(source: Path, coded: Path) -> str | None:
    """Whether sound of a recording became silence in a .gvc file, in a line; None if none did.

    :raises MediaError, InvalidDataError: if either cannot be read.
    """
    wanted, channels = _Loudness(), 0
    try:
        for frame in _decoded(source):
            wanted.add(frame)
            channels = max(channels, frame.layout.nb_channels)
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(getattr(error, "strerror", None) or str(error), path=source) from error
    heard = _Loudness()
    with InputContainer(coded, threads=1) as container:
        if not container.streams.audio:
            return None
        for unit in container.decode(audio=0):
            if isinstance(unit, av.AudioFrame):
                heard.add(unit)
    softer = _SOFTER if channels <= 2 else _SOFTER_MIXED
    for level in _LEVELS:
        before, after = wanted.above(level), heard.above(level - softer)
        if after < before * (1 - _SPARE_PART) - _SPARE:
            return f"{after:.2f} s of sound is as loud as {before:.2f} s of the source ({level} dB)"
    return None


class _Loudness:
    """For how long sound is how loud: seconds of each decibel."""

    def __init__(self) -> None:
        self._seconds = np.zeros(1 - _LOWEST)

    def add(self, frame: av.AudioFrame) -> None:
        """Look at blocks of a frame."""
        samples = _samples(frame)
        blocks = max(1, round(samples.shape[1] * _BLOCKS / frame.sample_rate))
        for part in np.array_split(samples, blocks, axis=1):
            # The deviation leaves out what is constant, which nobody hears.
            loudest = max(float(part.std(axis=1).max(initial=0.0)), 1e-6)
            level = round(min(0.0, max(float(_LOWEST), 20 * math.log10(loudest))))
            self._seconds[level - _LOWEST] += part.shape[1] / frame.sample_rate

    def above(self, level: int) -> float:
        """Seconds that are at least that loud, in dB."""
        return float(self._seconds[level - _LOWEST :].sum())


def _decoded(path: Path) -> Iterator[av.AudioFrame]:
    """Sound of a media file; packets that cannot be decoded are passed over."""
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(getattr(error, "strerror", None) or str(error), path=path) from error
    with container:
        chosen = select(container, sound=True)
        if chosen is None or chosen.audio is None:
            return
        for packet in container.demux(chosen.audio):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            yield from (frame for frame in frames if isinstance(frame, av.AudioFrame))


def _samples(frame: av.AudioFrame) -> npt.NDArray[np.float32]:
    """Samples of a frame, [channels, samples], full scale being 1."""
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, frame.layout.nb_channels).T
    scale = 1.0 if array.dtype.kind == "f" else float(2 ** (8 * array.dtype.itemsize - 1))
    # What damaged packets are decoded to may be no numbers.
    return np.nan_to_num(array.astype(np.float32) / np.float32(scale))
