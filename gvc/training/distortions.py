"""Ways in which pictures get worse, drawn at random: what a perceptual distance learns from.

What coding does is not among them; see :mod:`gvc.training.distance_pairs` for that.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
_Values = npt.NDArray[np.float32]


class Distortion(enum.StrEnum):
    """What is done to a picture."""

    BLUR = "blur"
    """As from a lens out of focus."""

    NOISE = "noise"
    """Of grains of up to four pixels."""

    BLOCKS = "blocks"
    """As JPEG leaves them."""

    COARSE = "coarse"
    """Made smaller and large again."""

    SHIFT = "shift"
    """Moved, turned and scaled a little as a whole."""

    WARP = "warp"
    """Every part moved a little, each elsewhere."""

    COLOUR = "colour"
    """Brightness, contrast and tint changed."""


def distort(
    picture: Picture, kind: Distortion, strength: float, rng: np.random.Generator
) -> Picture:
    """Make ``picture`` worse.

    :param picture: RGB [H, W, 3].
    :param strength: how much worse, in (0, 1]: from hardly visible to hardly recognisable.
    :returns: the same shape.
    """
    made = _FUNCTIONS[kind](picture.astype(np.float32), strength, rng)
    return np.rint(made).clip(0, 255).astype(np.uint8)


def _blur(picture: _Values, strength: float, _: np.random.Generator) -> _Values:
    return _float(cv2.GaussianBlur(picture, (0, 0), 0.3 + 4 * strength**2))


def _noise(picture: _Values, strength: float, rng: np.random.Generator) -> _Values:
    height, width = picture.shape[:2]
    grain = int(rng.integers(1, 5))
    small = rng.standard_normal((-(-height // grain), -(-width // grain), 3), dtype=np.float32)
    if rng.random() < 0.5:
        small[:] = small[..., :1]
    return _float(picture + 40 * strength**1.5 * cv2.resize(small, (width, height)))


def _blocks(picture: _Values, strength: float, _: np.random.Generator) -> _Values:
    quality = round(90 - 88 * strength**0.5)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    coded = cv2.imencode(".jpg", picture[..., ::-1].astype(np.uint8), options)[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return _float(decoded[..., ::-1])


def _coarse(picture: _Values, strength: float, rng: np.random.Generator) -> _Values:
    height, width = picture.shape[:2]
    factor = 1.2 + 7 * strength**2
    small = (max(4, round(width / factor)), max(4, round(height / factor)))
    back = cv2.INTER_NEAREST if rng.random() < 0.3 else cv2.INTER_LINEAR
    reduced = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    return _float(cv2.resize(reduced, (width, height), interpolation=back))


def _shift(picture: _Values, strength: float, rng: np.random.Generator) -> _Values:
    height, width = picture.shape[:2]
    degrees, scale = rng.normal(size=2) * np.array((3.0, 0.03)) * strength
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, float(np.exp(scale)))
    matrix[:, 2] += rng.normal(size=2) * 0.02 * strength * np.array((width, height))
    return _float(
        cv2.warpAffine(
            picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
    )


def _warp(picture: _Values, strength: float, rng: np.random.Generator) -> _Values:
    height, width = picture.shape[:2]
    knots = int(rng.integers(4, 13))
    moves = rng.standard_normal((knots, knots, 2), dtype=np.float32)
    moves *= 0.3 * strength * max(height, width) / knots
    field = cv2.resize(moves, (width, height), interpolation=cv2.INTER_CUBIC)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    return _float(
        cv2.remap(
            picture,
            columns + field[..., 0],
            rows + field[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
    )


def _colour(picture: _Values, strength: float, rng: np.random.Generator) -> _Values:
    alike = rng.random() < 0.5
    gain, offset = rng.normal(size=(2, 1 if alike else 3)) * np.array([[0.25], [30]]) * strength
    grey = picture.mean(axis=2, keepdims=True)
    faded = picture + (grey - picture) * rng.uniform(-0.5, 1) * strength
    return _float((faded - 128) * np.exp(gain) + 128 + offset)


def _float(values: npt.NDArray[np.generic]) -> _Values:
    return values.astype(np.float32)


_FUNCTIONS: dict[Distortion, Callable[[_Values, float, np.random.Generator], _Values]] = {
    Distortion.BLUR: _blur,
    Distortion.NOISE: _noise,
    Distortion.BLOCKS: _blocks,
    Distortion.COARSE: _coarse,
    Distortion.SHIFT: _shift,
    Distortion.WARP: _warp,
    Distortion.COLOUR: _colour,
}
