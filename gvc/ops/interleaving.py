"""Four maps of every other pixel each to one map of twice the size."""

from __future__ import annotations

import torch
from torch import Tensor

from gvc.ops.arrays import described, run, runs_natively
from gvc.ops.build import native


def interleave(maps: Tensor, step: float = 1.0) -> Tensor:
    """Bring together what a convolution made of the pixels (0, 0), (0, 1), (1, 0), (1, 1) of 2×2.

    :param maps: float32 or uint8 [N, 4·C, H + 1, W + 1], best channels-last: with (down, right)
        one of those places, channels from (2·down + right)·C on at (y + down, x + right) are the
        pixel (2·y + down, 2·x + right).
    :param step: what a unit of them stands for.
    :returns: float32 (or the floating-point type of ``maps``) [N, C, 2·H, 2·W], channels-last.
    """
    count, channels, rows, columns = maps.shape
    integers = maps.dtype == torch.uint8
    output = torch.empty(
        (count, channels // 4, 2 * rows - 2, 2 * columns - 2),
        dtype=torch.float32 if integers else maps.dtype,
        device=maps.device,
        memory_format=torch.channels_last,
    )
    if output.device.type == "cpu" and runs_natively(output) and not maps.requires_grad:
        maps = maps.contiguous(memory_format=torch.channels_last)
        run(native.interleave, described(maps), integers, step, described(output), on=output)
        return output
    for phase, part in enumerate(maps.unflatten(1, (4, -1)).unbind(1)):
        down, right = divmod(phase, 2)
        moved = part[:, :, down : down + rows - 1, right : right + columns - 1]
        output[:, :, down::2, right::2] = moved if step == 1.0 else moved * step
    return output
