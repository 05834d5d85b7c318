"""What an encoding run is asked for."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from gvc.bitstream import MAX_INTERPOLATED, MAX_KEYS, VideoHeader
from gvc.errors import UsageError

#: Sides of coded pictures are multiples of this: the generator halves them that far.
SIDE_UNIT = 16

#: Quantiser step of motion codes, in the units of the weights.
DEFAULT_MOTION_STEP = Fraction(1)

#: Most frames of a group: an encoder keeps them all until it has coded them.
MAX_GOP_SIZE = 1000

#: Bounds of a coded picture's side in pixels.
MIN_SIDE, MAX_SIDE = 64, 1024


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """Options of the encoder, checked when they are made.

    :param size: side of the square whose area the coded picture has, in pixels; a picture that
        is smaller already is not enlarged.
    :param key_qp: quantisation parameter of the key frames, 0 (best) to 63.
    :param key_codec: name of the key-frame codec.
    :param key_preset: its preset; None takes the codec's default.
    :param gop_size: most frames of a group.
    :param key_frames: most key frames of a group; a further one is coded where it pays, see
        :func:`gvc.codec.key_choice.least_saving`.
    :param max_distance: how far a frame may be from its original, as the perceptual distance that
        ships sees it (:mod:`gvc.model.distance`, on the scale of LPIPS): where one is further,
        the group gets more key frames, is cut in two, or is coded as video. None only looks whether
        pictures are bad all over.
    :param scene_cut: how different two frames have to be for a new group to start between them;
        see :class:`gvc.codec.group_starts.GroupStarts`. 0 turns it off.
    :param motion_step: quantiser step of the motion codes, in the units of the weights
        (``MotionCoder.spread``).
    :param bit_cost: how large an error of a motion code, in squared steps, a bit is worth; see
        :func:`gvc.codec.motion_path.find_path`.
    :param interpolate: most frames in a row whose motion codes a decoder interpolates; 0 sends all.
    :param entropy_model: of the motion codes, by name; None takes ``learned`` where there is a
        prior for the weights, else ``adaptive``.
    :param refine: gradient steps by which motion codes are fitted to the pictures after they were
        predicted; 0 leaves them as they are. Decoding is not affected.
    :param model: profile of the network.
    :param weights: a weights file in place of the one that ships.
    :param pack: a speaker pack that adapts the network of both sides, see :mod:`gvc.model.speaker`.
    :param embed_pack: whether the file holds it, so that a decoder need not find it.
    :param device: where the network runs.
    :param threads: CPU threads, see :func:`gvc.codec.pipeline.share`; None leaves the choice to
        the libraries.
    :raises UsageError: if a value is out of range.
    """

    size: int = 256
    key_qp: int = 32
    key_codec: str = "vvc"
    key_preset: str | None = None
    gop_size: int = 250
    key_frames: int = 4
    max_distance: float | None = None
    scene_cut: float = 0.25
    motion_step: Fraction = DEFAULT_MOTION_STEP
    bit_cost: float = 1.25
    interpolate: int = 8
    entropy_model: str | None = None
    refine: int = 0
    model: str = "lite"
    weights: Path | None = None
    pack: Path | None = None
    embed_pack: bool = False
    device: str = "cpu"
    threads: int | None = None

    def __post_init__(self) -> None:
        _check("size", self.size, MIN_SIDE, 768)
        _check("key QP", self.key_qp, 0, 63)
        _check("GOP size", self.gop_size, 1, MAX_GOP_SIZE)
        _check("number of key frames", self.key_frames, 1, MAX_KEYS)
        _check("scene cut threshold", self.scene_cut, 0, 1)
        _check("motion step", self.motion_step, Fraction(1, 1000), 100)
        _check("cost of a bit", self.bit_cost, 0, 100)
        _check("number of interpolated frames", self.interpolate, 0, MAX_INTERPOLATED)
        _check("number of refining steps", self.refine, 0, 1000)
        if self.max_distance is not None:
            _check("greatest distance", self.max_distance, 0.001, 10)
        if self.embed_pack and self.pack is None:
            raise UsageError("there is no speaker pack to embed", hint="give one with --pack")
        if self.threads is not None:
            _check("number of threads", self.threads, 1, 1024)


def _check(name: str, value: float | Fraction, low: float | Fraction, high: float) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name} {value} is out of range", hint=f"{low} to {high}")


def coded_size(width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height at which a picture is coded.

    The aspect ratio is kept as far as multiples of 16 allow; the area is about ``size``², or the
    picture's own where that is less.
    """
    scale = min(1.0, size / math.sqrt(width * height))

    def side(length: int) -> int:
        return min(MAX_SIDE, max(MIN_SIDE, round(length * scale / SIDE_UNIT) * SIDE_UNIT))

    return side(width), side(height)


def default_threads() -> int:
    """CPU threads where nobody says how many: those that this process may use, up to 8.

    Each works on pictures of its own, and needs memory for them.
    """
    usable = getattr(os, "sched_getaffinity", None)
    count = len(usable(0)) if usable is not None else os.cpu_count() or 1
    return min(count, 8)


def decoded_header(header: VideoHeader, size: int | None) -> VideoHeader:
    """The stream that ``header`` describes as it comes out when decoded at ``size``.

    :param size: side of the square whose area the decoded picture has, in pixels; a picture that
        is smaller already is not enlarged. Sides are rounded to even numbers; inside, the network
        works at sides rounded to multiples of 16, of 64 at least, and never at more than the
        coded size. The shape of pixels stays as it is. None decodes at the source's own size.
    :raises UsageError: if ``size`` is out of range.
    """
    if size is None:
        return header
    _check("size", size, MIN_SIDE, MAX_SIDE)
    factor = size / math.sqrt(header.width * header.height)
    if factor < 1:
        width, height = (
            max(2, round(side * factor / 2) * 2) for side in (header.width, header.height)
        )
        header = replace(header, width=width, height=height)
    inner = coded_size(header.coded_width, header.coded_height, size)
    return replace(
        header,
        coded_width=min(header.coded_width, inner[0]),
        coded_height=min(header.coded_height, inner[1]),
    )
