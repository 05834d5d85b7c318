"""What an encoding run is asked for."""

from __future__ import annotations

import enum
import math
import os
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from gvc.bitstream import (
    MAX_INTERPOLATED,
    MAX_KEYS,
    MAX_RECTANGLES,
    RECTANGLE_UNIT,
    VideoHeader,
)
from gvc.codec.presets import preset_options
from gvc.errors import UsageError
from gvc.model.models import FACE

#: Sides of coded pictures are multiples of this: the generator halves them that far.
SIDE_UNIT = 16

#: QP of key frames where nobody asks for another, or for a bit rate.
DEFAULT_KEY_QP = 32

#: Quantiser step of motion codes, in the units of the weights; from which QP of key frames on it is
#: the coarse one.
_STEP, _COARSE_STEP, _COARSE_FROM = Fraction(1, 2), Fraction(1), 37

#: Squared error of motion codes, in the units of the weights, that a bit is worth where key frames
#: have the default QP, and by which factor that grows with each step of QP below it and above.
#: What LPIPS asks for up to the default, and less above, for the sake of lips: docs/training.md.
_BIT_COST, _GROWTH_BELOW, _GROWTH_ABOVE = 0.3125, 1.09, 1.17

#: Most frames of a group: an encoder keeps them all until it has coded them.
MAX_GOP_SIZE = 1000

#: Seconds after which a key frame is coded anew that others have been predicted from.
DEFAULT_REFRESH = 120.0

#: Bit rates that can be asked for, in bits a second.
BIT_RATES = 100, 10_000_000

#: Perceptual distances by name.
DISTANCES = ("shipped", "lpips")

#: Most pixels of a canvas: an encoder keeps the frames of a group, and VVenC takes its time.
MAX_CANVAS = 1 << 20

#: How many times the area of what the network makes a picture has to have for a canvas to pay.
_CANVAS_PAYS = 4

#: Bounds of a coded picture's side in pixels.
MIN_SIDE, MAX_SIDE = 64, 1024


class CanvasMode(enum.StrEnum):
    """Whether key frames are larger than what the network makes of them.

    With a canvas, key frames have the size of the source, up to :data:`MAX_CANVAS`; a rectangle
    around a head is generated, and the rest of the picture is held. ``AUTO`` takes one where the
    picture has more than four times the area of what the network makes, and a face is found in the
    beginning.
    """

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class Purpose(enum.StrEnum):
    """Who looks at decoded pictures.

    ``MACHINE`` is for what recognises faces: bits go to these, and all else is flattened, see
    :mod:`gvc.codec.face_focus`.
    """

    PEOPLE = "people"
    MACHINE = "machine"


class Precision(enum.StrEnum):
    """How generators compute.

    ``AUTO`` is 8-bit integers where the processor is made for them and ranges of features are known
    for the weights, else float32. Integers make slightly other pictures.
    """

    AUTO = "auto"
    FLOAT32 = "float32"
    INT8 = "int8"


def precision_named(name: str) -> Precision:
    """The precision called ``name``.

    :raises UsageError: if there is none of that name.
    """
    try:
        return Precision(name)
    except ValueError:
        raise UsageError(
            f"precision {name!r} is not supported", hint=", ".join(Precision)
        ) from None


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """Options of the encoder, checked when they are made.

    :param size: side of the square whose area the coded picture has, in pixels; a picture that
        is smaller already is not enlarged.
    :param purpose: who looks at the pictures.
    :param canvas: whether the picture is held but for a head, which is coded at ``size``; see
        :class:`CanvasMode`.
    :param faces: with a canvas, most heads of a group that are coded: the largest ones.
    :param key_qp: quantisation parameter of the key frames, 0 (best) to 63; those that many others
        are predicted from get a lower one.
    :param bit_rate: bits a second of the whole file but its sound, by which the QP of each group's
        key frames is chosen in place of ``key_qp``; see :mod:`gvc.codec.rate_control`. None keeps
        to ``key_qp``.
    :param key_codec: name of the key-frame codec.
    :param key_preset: its preset; None takes the codec's default.
    :param gop_size: most frames of a group.
    :param refresh: seconds for which the key frames of groups may be predicted from the same one of
        an earlier group; 0 codes each group for itself. Seeking is as exact and nearly as fast
        either way; damage reaches as far.
    :param key_frames: most key frames of a group; a further one is coded where it pays, see
        :func:`gvc.codec.key_choice.least_saving`. Up to three times as many in place of video.
    :param max_distance: how far a frame may be from its original, on the scale of LPIPS: motion is
        sent as sparsely as that allows; where a frame is further, the group gets more motion codes
        or key frames, is cut in two, or is coded as video. None only looks whether pictures are
        bad.
    :param distance: what says how far a frame is: ``shipped``, the small network of
        :mod:`gvc.model.distance`, or ``lpips``, LPIPS with SqueezeNet where its weights are at
        hand.
    :param metric_weights: folder of the networks of LPIPS, see :class:`gvc.metrics.Lpips`.
    :param scene_cut: how different two frames have to be for a new group to start between them;
        see :class:`gvc.codec.group_starts.GroupStarts`. 0 turns it off.
    :param motion_step: quantiser step of the motion codes, in the units of the weights
        (``MotionCoder.spread``). None goes with ``key_qp`` (:attr:`step`).
    :param bit_cost: how large an error of a motion code, in squared steps, a bit is worth; see
        :func:`gvc.codec.motion_path.find_path`. None goes with the QP of key frames
        (:meth:`error_per_bit`).
    :param interpolate: most frames in a row whose motion codes a decoder interpolates; 0 sends all.
    :param entropy_model: of the motion codes, by name; None takes ``learned`` where there is a
        prior for the weights, else ``adaptive``.
    :param refine: gradient steps by which motion codes are fitted to the pictures after they were
        predicted; 0 leaves them as they are. Decoding is not affected.
    :param model: ``face``, ``body``, or ``auto``: the one that makes most of the first frames; see
        :mod:`gvc.model.models`.
    :param weights: a weights file in place of the one that ships.
    :param precision: of the generators that show how frames will look; files that are made may be
        others if an encoder decides otherwise for it.
    :param pack: a speaker pack that adapts the network of both sides, see :mod:`gvc.model.speaker`.
    :param embed_pack: whether the file holds it, so that a decoder need not find it.
    :param device: where the network runs.
    :param threads: CPU threads, see :func:`gvc.codec.pipeline.share`; None leaves the choice to
        the libraries.
    :raises UsageError: if a value is out of range.
    """

    size: int = 256
    purpose: Purpose = Purpose.PEOPLE
    canvas: CanvasMode = CanvasMode.AUTO
    faces: int = 1
    key_qp: int = DEFAULT_KEY_QP
    bit_rate: int | None = None
    key_codec: str = "vvc"
    key_preset: str | None = None
    gop_size: int = 250
    refresh: float = DEFAULT_REFRESH
    key_frames: int = 4
    max_distance: float | None = None
    distance: str = "shipped"
    metric_weights: Path | None = None
    scene_cut: float = 0.25
    motion_step: Fraction | None = None
    bit_cost: float | None = None
    interpolate: int = 8
    entropy_model: str | None = None
    refine: int = 0
    model: str = FACE
    weights: Path | None = None
    precision: Precision = Precision.AUTO
    pack: Path | None = None
    embed_pack: bool = False
    device: str = "cpu"
    threads: int | None = None

    @classmethod
    def of_preset(cls, name: str, **changes: Any) -> EncoderSettings:
        """What a preset sets (:mod:`gvc.codec.presets`), but for ``changes``.

        :raises UsageError: if there is none of that name, or a value is out of range.
        """
        return cls(**{**preset_options(name), **changes})

    @property
    def step(self) -> Fraction:
        """``motion_step``, or what goes with the QP."""
        return self._usual_step if self.motion_step is None else self.motion_step

    @property
    def _usual_step(self) -> Fraction:
        return _STEP if self.key_qp < _COARSE_FROM else _COARSE_STEP

    def error_per_bit(self, step: Fraction) -> float:
        """``bit_cost``, or what goes with the QP: bits are worth more where pictures take fewer.

        :param step: of the file, whose groups may have other QPs. Where ``motion_step`` is given,
            a finer one makes motion as much closer as squared steps are smaller.
        :returns: in squared steps.
        """
        if self.bit_cost is not None:
            return self.bit_cost
        above = self.key_qp - DEFAULT_KEY_QP
        cost = _BIT_COST * (_GROWTH_ABOVE if above > 0 else _GROWTH_BELOW) ** above
        return float(cost / (step if self.motion_step is None else self._usual_step) ** 2)

    def __post_init__(self) -> None:
        _check("size", self.size, MIN_SIDE, 768)
        _check("number of faces", self.faces, 1, MAX_RECTANGLES)
        _check("key QP", self.key_qp, 0, 63)
        _check("GOP size", self.gop_size, 1, MAX_GOP_SIZE)
        _check("time between refreshes", self.refresh, 0, 86400)
        _check("number of key frames", self.key_frames, 1, MAX_KEYS)
        _check("scene cut threshold", self.scene_cut, 0, 1)
        _check("motion step", self.step, Fraction(1, 1000), 100)
        if self.bit_cost is not None:
            _check("cost of a bit", self.bit_cost, 0, 100)
        _check("number of interpolated frames", self.interpolate, 0, MAX_INTERPOLATED)
        _check("number of refining steps", self.refine, 0, 1000)
        if self.bit_rate is not None:
            _check("bit rate", self.bit_rate, *BIT_RATES)
        if self.max_distance is not None:
            if self.bit_rate is not None:
                raise UsageError("a bit rate and a greatest distance do not go together")
            _check("greatest distance", self.max_distance, 0.001, 10)
        if self.distance not in DISTANCES:
            raise UsageError(f"no distance is called {self.distance!r}", hint=", ".join(DISTANCES))
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


def canvas_size(width: int, height: int, *, scale: float = 1.0) -> tuple[int, int]:
    """Width and height of the canvas for a picture: its own as far as multiples of 8 allow.

    :param scale: by which factor it is smaller, at least.
    """
    scale = min(scale, math.sqrt(MAX_CANVAS / (width * height)))
    across, down = (
        max(MIN_SIDE, round(side * scale / RECTANGLE_UNIT) * RECTANGLE_UNIT)
        for side in (width, height)
    )
    return across, down


def canvas_pays(width: int, height: int, size: int) -> bool:
    """Whether a canvas is worth while, if there is a face in the picture."""
    return width * height > _CANVAS_PAYS * size * size


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
        A canvas is no larger than the decoded picture.
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
    canvas = header.canvas
    if canvas is not None and canvas[0] * canvas[1] > header.width * header.height:
        canvas = max(2, header.width // 2 * 2), max(2, header.height // 2 * 2)
    return replace(
        header,
        canvas=canvas,
        coded_width=min(header.coded_width, inner[0]),
        coded_height=min(header.coded_height, inner[1]),
    )
