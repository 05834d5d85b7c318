"""Faces cut out of pictures the way recognisers are trained on them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as functional
from torch import Tensor

#: Side of an aligned face in pixels.
CROP = 112

#: Where it has both eyes, the tip of the nose and the corners of the mouth: the usual template.
_TEMPLATE = np.array(
    [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ]
)


def crop_face(picture: Tensor, points: npt.NDArray[np.floating]) -> Tensor:
    """An aligned face, [3, 112, 112], of a picture [3, H, W]; black where the picture ends.

    Turned, scaled and moved so that ``points`` come closest to their places in the template.
    Pictures that become smaller are averaged over what a pixel covers.

    :param points: see :meth:`gvc.metrics.FaceEmbedding.forward`, [5, 2].
    """
    factor, offset = _into_picture(points)
    fine = max(1, math.ceil(abs(factor)))
    places = (np.arange(CROP * fine) + 0.5) / fine
    there = factor * (places + 1j * places[:, None]) + offset
    height, width = picture.shape[1:]
    grid = np.stack([there.real / width, there.imag / height], axis=-1) * 2 - 1
    found = functional.grid_sample(
        picture[None],
        torch.from_numpy(grid[None]).to(picture),
        mode="bilinear",
        padding_mode="zeros",
        align_corners=False,
    )
    return functional.avg_pool2d(found, fine)[0]


def _into_picture(points: npt.NDArray[np.floating]) -> tuple[complex, complex]:
    """Factor and offset that take places in the aligned face, as complex numbers, to the picture.

    The inverse of the similarity that takes ``points`` to the template with least squares.
    """
    five, wanted = (np.asarray(each, float) @ (1, 1j) for each in (points, _TEMPLATE))
    here, there = five - five.mean(), wanted - wanted.mean()
    factor = np.vdot(here, here) / np.vdot(here, there)
    return complex(factor), complex(five.mean() - factor * wanted.mean())
