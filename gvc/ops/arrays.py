"""How tensors reach the native kernels, and when they do."""

from __future__ import annotations

from collections.abc import Callable

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


def have_kernels(*tensors: Tensor) -> bool:
    """Whether kernels were built for these: float32, all on the CPU or all on one GPU."""
    if native is None or torch.compiler.is_compiling():
        return False
    device = tensors[0].device
    built = device.type == "cpu" or (device.type == "cuda" and bool(native.build_info()["cuda"]))
    return built and all(
        tensor.device == device and tensor.dtype == torch.float32 for tensor in tensors
    )


def runs_natively(*tensors: Tensor) -> bool:
    """Whether a kernel without gradients can take these: it is there, and nothing is recorded."""
    recorded = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    return have_kernels(*tensors) and not recorded and not is_tracing()


def run(kernel: Callable[..., None], *arguments: object, on: Tensor, **options: object) -> None:
    """Run a kernel where ``on`` is: by as many threads as torch, or on a GPU's current stream.

    On a GPU the work is queued when this returns. Memory of torch's that is freed from then on is
    given to nothing that does not wait for that stream, so that tensors need not be kept.
    """
    if on.device.type != "cuda":
        kernel(*arguments, threads=torch.get_num_threads(), **options)
        return
    with torch.cuda.device(on.device):
        stream = torch.cuda.current_stream().cuda_stream
        kernel(*arguments, threads=1, cuda=True, stream=stream, **options)


def memory_format(features: Tensor) -> torch.memory_format:
    """The memory format of features [N, C, H, W], for results that are to have the same."""
    # A single channel fits both formats; the plain one is what others expect then.
    if features.shape[1] > 1 and features.is_contiguous(memory_format=torch.channels_last):
        return torch.channels_last
    return torch.contiguous_format
