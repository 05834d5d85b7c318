"""Warps by coarse flows: sampling grids exist on the reference path only."""

from __future__ import annotations

import torch
from torch import Tensor

from gvc.ops.arrays import described, memory_format, run, runs_natively
from gvc.ops.build import native
from gvc.ops.resizing import averages, identity_grid, resize
from gvc.ops.sampling import warp


def warp_by_flow(features: Tensor, displacement: Tensor) -> Tensor:
    """Warp ``features`` by ``displacement``, resized to their size: bilinear, border padding.

    :param features: [1 or N, C, H, W], best in channels-last memory.
    :param displacement: (x, y) in normalised coordinates, [N, 2, h, w].
    :returns: [N, C, H, W] in the memory format of ``features``.
    """
    height, width = features.shape[-2:]
    if not runs_natively(features, displacement):
        moved = identity_grid(height, width, displacement) + resize(displacement, height, width)
        return warp(features, moved.permute(0, 2, 3, 1))
    return _natively(features, displacement)


def blend_warped(inner: Tensor, features: Tensor, displacement: Tensor, gate: Tensor) -> Tensor:
    """``inner`` where ``gate`` is 0, ``features`` warped by ``displacement`` where it is 1.

    :param inner: [N, C, H, W]. Used up: the result may lie in its memory.
    :param features: as in :func:`warp_by_flow`; :param displacement: likewise.
    :param gate: [N, 1, h', w'], resized to H×W.
    :returns: [N, C, H, W].
    """
    if not runs_natively(inner, features, displacement, gate):
        moved = warp_by_flow(features, displacement)
        return torch.lerp(inner, moved, resize(gate, *features.shape[-2:]))
    return _natively(features, displacement, gate=gate, inner=inner)


def _natively(
    features: Tensor,
    displacement: Tensor,
    *,
    gate: Tensor | None = None,
    inner: Tensor | None = None,
) -> Tensor:
    height, width = features.shape[-2:]
    output = inner
    if inner is None or inner.requires_grad or not _owns_its_memory(inner):
        output = torch.empty(
            (len(displacement), features.shape[1], height, width),
            device=features.device,
            memory_format=memory_format(features),
        )
    # Kept by name: the kernel knows no more of them than their addresses.
    displacement = averaged(displacement, height, width)
    gate = None if gate is None else averaged(gate, height, width)
    run(
        native.warp_by_flow,
        described(features),
        described(displacement),
        described(gate),
        described(inner),
        described(output),
        on=features,
    )
    assert output is not None
    return output


def _owns_its_memory(tensor: Tensor) -> bool:
    return tensor.is_contiguous() or tensor.is_contiguous(memory_format=torch.channels_last)


def averaged(tensor: Tensor, height: int, width: int) -> Tensor:
    """Resize where that averages areas; what is interpolated is left to the kernels."""
    return resize(tensor, height, width) if averages(tensor.shape, height, width) else tensor


def warp_by_flows(picture: Tensor, flows: Tensor, carried: Tensor, guided: int) -> Tensor:
    """Warp one picture by each of several flows.

    :param picture: [1 or N, C, H, W], at most 4 channels on the native path.
    :param flows: displacements in normalised coordinates, [N, K, 2, h, w].
    :param carried: added to the first ``guided`` flows, [N, 2, h, w].
    :returns: the picture under each flow in turn, [N, K·C, h, w].
    """
    count, components, _, height, width = flows.shape
    channels = picture.shape[1]
    if not runs_natively(picture, flows, carried) or channels > 4:
        flows = torch.cat([flows[:, :guided] + carried[:, None], flows[:, guided:]], dim=1)
        grid = identity_grid(height, width, flows)[:, None] + flows
        # All flows of one frame side by side make one tall sampling grid: one warp, no copies.
        grid = grid.permute(0, 1, 3, 4, 2).reshape(count, components * height, width, 2)
        deformed = warp(picture, grid).unflatten(2, (components, height))
        return deformed.transpose(1, 2).flatten(1, 2)
    flat = flows.flatten(1, 2)
    output = torch.empty(
        (count, components * channels, height, width),
        device=flat.device,
        memory_format=memory_format(flat),
    )
    run(
        native.warp_by_flows,
        described(picture),
        described(flat),
        described(carried),
        guided,
        described(output),
        on=flat,
    )
    return output
