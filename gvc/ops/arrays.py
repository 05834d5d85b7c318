"""How tensors reach the native kernels, and when they do."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.jit._trace import is_tracing

from gvc.ops.build import native

#: Address, sizes and strides (in elements), as the bindings take them.
Described = tuple[int, tuple[int, ...], tuple[int, ...]]


def described(tensor: Tensor | None) -> Described:
    """A tensor of four dimensions for the bindings; address 0 for no tensor."""
    if tensor is None:
        return 0, (0, 0, 0, 0), (0, 0, 0, 0)
    return tensor.data_ptr(), tuple(tensor.shape), tensor.stride()


def runs_natively(*tensors: Tensor) -> bool:
    """Whether a kernel without gradients can take these: float32 on the CPU, nothing recorded."""
    if native is None or torch.compiler.is_compiling() or is_tracing():
        return False
    recorded = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    return not recorded and all(
        tensor.device.type == "cpu" and tensor.dtype == torch.float32 for tensor in tensors
    )


def memory_format(features: Tensor) -> torch.memory_format:
    """The memory format of features [N, C, H, W], for results that are to have the same."""
    # A single channel fits both formats; the plain one is what others expect then.
    if features.shape[1] > 1 and features.is_contiguous(memory_format=torch.channels_last):
        return torch.channels_last
    return torch.contiguous_format
