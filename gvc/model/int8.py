"""Convolutions in 8-bit integers, where processors have instructions for them (AVX-512 VNNI).

Features are quantised in front of each convolution, by a range that is known beforehand, and its
sums of whole numbers are exact: what comes out depends neither on threads nor on batches. Weights
are quantised by output channel when a network is loaded.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from gvc.model.inference import Network, RectifiedConvolution
from gvc.ops import quantise

#: Numbers that features become, and the largest magnitude of weights.
_NUMBERS, _MOST_WEIGHT = 255, 127


def quantised(network: Network, ranges) -> Network:
    for name, bounds in ranges.items():
        parent, _, child = name.rpartition(".")
        module = network.get_submodule(parent)
        setattr(module, child, Int8Convolution(getattr(module, child), *bounds))
    return network


class Int8Convolution(nn.Module):
    def __init__(self, convolution: RectifiedConvolution | nn.Conv2d, low: float, high: float) -> None:
        super().__init__()
        rectified = isinstance(convolution, RectifiedConvolution)
        weight = convolution.weight.detach()
        self._scale = (high - low) / _NUMBERS or 1.0
        self._zero = round(-low / self._scale)
        self._inverse = 1 / self._scale
        self._stride = list(cast("tuple[int, int]", convolution.stride))
        self._padding = [1, 1]
        self._post = "relu" if rectified else "none"
        unit = weight.abs().amax((1, 2, 3)).clamp_min(1e-12) / _MOST_WEIGHT
        numbers = torch.round(weight / unit[:, None, None, None]).to(torch.int8)
        self.packed = torch.ops.onednn.qconv_prepack(
            numbers, unit, self._scale, self._zero, self._stride, self._padding, [1, 1], 1, None
        )
        self.unit = unit
        self.offset = torch.zeros(len(unit), dtype=torch.int32)
        self.bias = convolution.bias

    def forward(self, features: Tensor) -> Tensor:
        numbers = quantise(features, self._inverse, self._zero)
        return torch.ops.onednn.qconv2d_pointwise(
            numbers, self._scale, self._zero, self.packed, self.unit, self.offset, self.bias,
            self._stride, self._padding, [1, 1], 1, 1.0, 0, torch.float32, self._post, [], "",
        )
