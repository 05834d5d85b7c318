"""Which numbers a device trains with."""

from __future__ import annotations

from types import MethodType

import torch
import torch.nn.functional as functional
from torch import Tensor, nn


def prefers_bfloat16(device: torch.device) -> bool:
    """Whether ``device`` multiplies bfloat16 in hardware: GPUs, and CPUs with AMX or AVX-512 BF16.

    Convolutions run about twice as fast there as in float32, and slower where it is emulated.
    """
    if device.type != "cpu":
        return True
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def convolve_in_bfloat16(network: nn.Module) -> None:
    """Let all convolutions of ``network`` multiply in bfloat16; all else stays in float32.

    Autocast would also round sampling positions, of which bfloat16 knows 256 between two powers of
    two: half a pixel in a picture of 256².
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module._conv_forward = MethodType(_convolve, module)  # type: ignore[method-assign]


def _convolve(self: nn.Conv2d, features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    result: Tensor = functional.conv2d(
        features.bfloat16(),
        weight.bfloat16(),
        None if bias is None else bias.bfloat16(),
        self.stride,
        self.padding,
        self.dilation,
        self.groups,
    )
    return result.float()
