"""Bilinear warp of feature maps by a sampling grid."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor
from torch.autograd.function import once_differentiable

from gvc.ops.arrays import described, have_kernels, memory_format, run
from gvc.ops.build import native


def warp(features: Tensor, grid: Tensor) -> Tensor:
    """Sample ``features`` at ``grid``: bilinear, border padding, ``align_corners=False``.

    The native kernel does it for float32 on the CPU (and on CUDA where that was built); torch's
    ``grid_sample``, which gives the same, for everything else.

    :param features: [N, C, H, W], contiguous or channels-last; or [1, C, H, W], then all grids
        sample the same features, without copies.
    :param grid: [N, h, w, 2], positions (x, y): −1 and 1 are the outer edges of the picture.
    :returns: [N, C, h, w] in the memory format of ``features``.
    """
    if have_kernels(features, grid):
        sampled: Tensor = _Warp.apply(features, grid)
        return sampled
    return functional.grid_sample(
        features.expand(len(grid), -1, -1, -1),
        grid,
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )


class _Warp(torch.autograd.Function):
    """The native kernel as a differentiable function (once)."""

    @staticmethod
    def forward(context: Any, features: Tensor, grid: Tensor) -> Tensor:
        shape = (grid.shape[0], features.shape[1], grid.shape[1], grid.shape[2])
        output = torch.empty(
            shape,
            dtype=features.dtype,
            device=features.device,
            memory_format=memory_format(features),
        )
        run(
            native.warp_forward,
            described(features),
            described(grid),
            described(output),
            align_corners=False,
            on=features,
        )
        context.save_for_backward(features, grid)
        return output

    @staticmethod
    @once_differentiable
    def backward(context: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor | None]:
        features, grid = context.saved_tensors
        wants_features, wants_grid = context.needs_input_grad
        grad_features = torch.zeros_like(features) if wants_features else None
        grad_grid = torch.zeros_like(grid) if wants_grid else None
        run(
            native.warp_backward,
            described(grad_output),
            described(features),
            described(grid),
            described(grad_features),
            described(grad_grid),
            align_corners=False,
            on=features,
        )
        return grad_features, grad_grid
