"""The network as encoders and decoders run it: the same function in fewer operations.

Training needs norms apart from convolutions, and gradients of each. Afterwards a norm is a linear
map that the convolution before it can do as well, and a 3×3 convolution of a picture of which every
pixel stands four times is four 2×2 convolutions of the picture itself: 4/9 of the work.
"""

from __future__ import annotations

from typing import TypeVar, cast

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from gvc.model.layers import ConvBlock, upsample
from gvc.ops import interleave

Network = TypeVar("Network", bound=nn.Module)


def for_inference(network: Network) -> Network:
    """Replace the blocks of ``network``, which is in evaluation mode, by :class:`FoldedBlock`.

    It cannot be trained or saved any more; what it computes differs by rounding alone.

    :returns: ``network`` itself.
    """
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, ConvBlock):
                setattr(module, name, FoldedBlock(child))
    return network


class RectifiedConvolution(nn.Module):
    """A convolution with a padding of 1, then ReLU.

    :param weight: [O, I, k, k]; :param bias: [O].
    """

    weight: Tensor
    bias: Tensor

    #: What a unit of its output stands for.
    step = 1.0

    def __init__(self, weight: Tensor, bias: Tensor, *, stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.stride = stride
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", bias)

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, I, H, W] to [N, O, …]."""
        made = functional.conv2d(features, self.weight, self.bias, stride=self.stride, padding=1)
        return functional.relu(made, inplace=True)


class FoldedBlock(nn.Module):
    """A :class:`ConvBlock` whose norm is part of its convolution.

    :param block: in evaluation mode.
    """

    def __init__(self, block: ConvBlock) -> None:
        super().__init__()
        weight, bias = _folded(block.convolution, block.norm)
        stride = cast(tuple[int, int], block.convolution.stride)
        self.pool = block.pool
        #: The block's own convolution, and the four of :func:`_phases` in one.
        self.whole = RectifiedConvolution(weight, bias, stride=stride)
        self.phases = RectifiedConvolution(_phases(weight), bias.repeat(4))

    def forward(self, features: Tensor) -> Tensor:
        """See :meth:`ConvBlock.forward`."""
        return self.pool(self.whole(features))

    def enlarge(self, features: Tensor, height: int, width: int) -> Tensor:
        """See :meth:`ConvBlock.enlarge`."""
        rows, columns = features.shape[-2:]
        if (height, width) != (2 * rows, 2 * columns):
            return self(upsample(features, height, width))
        return self.pool(interleave(self.phases(features), self.phases.step))


def _folded(convolution: nn.Conv2d, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Weight and bias of one convolution that does what ``convolution`` and then ``norm`` do."""
    weight = convolution.weight.detach()
    bias = convolution.bias
    bias = weight.new_zeros(len(weight)) if bias is None else bias.detach()
    if not isinstance(norm, nn.BatchNorm2d):
        return weight, bias
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
    shifted = norm.bias.detach() + (bias - norm.running_mean) * scale
    return weight * scale[:, None, None, None], shifted


def _phases(weight: Tensor) -> Tensor:
    """Kernels [4·O, I, 2, 2] that make the pixels (0, 0), (0, 1), (1, 0), (1, 1) of each 2×2.

    Behind nearest-neighbour upsampling two taps of a row of three see the same pixel: the last two
    for even positions, the first two for odd ones. With a padding of 1, the result at (y, x) holds
    the even pixels of the row y, and the odd ones of the row y − 1; columns likewise.
    """

    def halved(taps: Tensor, dim: int) -> list[Tensor]:
        one, two, three = taps.unbind(dim)
        return [torch.stack([one, two + three], dim), torch.stack([one + two, three], dim)]

    return torch.cat([part for rows in halved(weight, 2) for part in halved(rows, 3)])
