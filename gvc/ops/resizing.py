"""Sizes of maps, and where the centres of their pixels are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor


def identity_grid(height: int, width: int, like: Tensor) -> Tensor:
    """Sampling positions that move nothing.

    :returns: [1, 2, height, width] of (x, y) in [-1, 1], pixel centres
        (``align_corners=False``), with the dtype and device of ``like``.
    """
    x = (torch.arange(width, dtype=like.dtype, device=like.device) * 2 + 1) / width - 1
    y = (torch.arange(height, dtype=like.dtype, device=like.device) * 2 + 1) / height - 1
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])[None]


def averages(size: Sequence[int], height: int, width: int) -> bool:
    """Whether :func:`resize` from ``size`` (height and width at its end) averages areas."""
    return size[-2] >= 2 * height and size[-1] >= 2 * width


def resize(features: Tensor, height: int, width: int) -> Tensor:
    """Bilinear resize with pixel centres; an exact halving or more averages over the area."""
    if features.shape[-2:] == (height, width):
        return features
    if averages(features.shape, height, width):
        (rows, odd_rows), (columns, odd_columns) = (
            divmod(side, wanted)
            for side, wanted in zip(features.shape[-2:], (height, width), strict=True)
        )
        if not odd_rows and not odd_columns:
            # The same averages, several times as fast.
            return functional.avg_pool2d(features, (rows, columns))
        return functional.adaptive_avg_pool2d(features, (height, width))
    return functional.interpolate(
        features, size=(height, width), mode="bilinear", align_corners=False
    )
