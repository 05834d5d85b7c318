"""Convolutions in 8-bit integers, where processors have instructions for them.

Features are quantised in front of each convolution by a range that is known beforehand, and sums of
products of integers are exact: so what comes out depends neither on threads nor on batches. Weights
are quantised, each output channel by its own largest one, when a network is made ready. oneDNN does
the work, through operators by which torch itself runs quantised networks.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from gvc.errors import WeightsError
from gvc.model.inference import Network, RectifiedConvolution
from gvc.model.ranges import Range, Ranges
from gvc.ops import quantise

#: The largest number that features become, and the largest magnitude of weights.
_MOST, _MOST_WEIGHT = 255, 127


@functools.cache
def is_fast() -> bool:
    """Whether this processor and this torch run integer convolutions as they should.

    Without AVX-512 VNNI they are slow, or sums of two products overflow 16 bits.
    """
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    if not capabilities.get("avx512_vnni", False):
        return False
    largest = nn.Conv2d(16, 16, 3, padding=1)
    nn.init.constant_(largest.weight, 1.0)
    try:
        with torch.inference_mode():
            made = Int8Convolution(largest, Range(0.0, 1.0))(torch.ones(1, 16, 4, 4))
    except (AttributeError, RuntimeError):  # other operators than those we know
        return False
    assert largest.bias is not None
    expected = largest.bias.detach() + 16 * 9
    return torch.allclose(made[0, :, 1, 1], expected, atol=1e-2)


def in_integers(network: Network, ranges: Ranges) -> Network:
    """Replace convolutions of ``network`` by such that compute in 8-bit integers.

    :param network: from :func:`gvc.model.inference.for_inference`, on the CPU.
    :param ranges: convolutions whose inputs have none stay as they are.
    :returns: ``network`` itself.
    :raises WeightsError: if there is no such convolution.
    """
    modules = dict(network.named_modules())
    for name, bounds in ranges.inputs.items():
        convolution = modules.get(name)
        if not isinstance(convolution, (nn.Conv2d, RectifiedConvolution)):
            raise WeightsError(f"there is no convolution {name!r} that has a range")
        parent, _, own = name.rpartition(".")
        setattr(
            modules[parent], own, Int8Convolution(convolution, bounds, ranges.outputs.get(name))
        )
    return network


class Int8Convolution(nn.Module):
    """A convolution of features in 256 steps by weights in 255.

    :param convolution: what it is to do, but for rounding.
    :param bounds: between which numbers features lie; what lies outside is moved to the nearest.
    :param output: between which numbers the result lies, if it is to be integers too. Only their
        distance counts: what comes out is not negative then.
    """

    #: What a unit of the output stands for.
    step: float

    def __init__(
        self,
        convolution: nn.Conv2d | RectifiedConvolution,
        bounds: Range,
        output: Range | None = None,
    ) -> None:
        super().__init__()
        self._output = torch.float32 if output is None else torch.uint8
        self.step = 1.0 if output is None else _step(output)
        self._step = _step(bounds)
        self._zero = round(-bounds.low / self._step)
        self._inverse = 1 / self._step
        if isinstance(convolution, RectifiedConvolution):
            self._padding, self._behind = [1, 1], "relu"
        else:
            self._padding, self._behind = [int(side) for side in convolution.padding], "none"
        self._stride = [int(side) for side in convolution.stride]
        weight = convolution.weight.detach()
        self._bias = None if convolution.bias is None else convolution.bias.detach()
        self._unit = weight.abs().amax((1, 2, 3)).clamp_min(1e-20) / _MOST_WEIGHT
        self._zeros = torch.zeros(len(weight), dtype=torch.int32)
        numbers = torch.round(weight / self._unit[:, None, None, None]).to(torch.int8)
        self._packed = torch.ops.onednn.qconv_prepack(
            numbers,
            self._unit,
            self._step,
            self._zero,
            self._stride,
            self._padding,
            [1, 1],
            1,
            None,
        )

    def forward(self, features: Tensor, to: Tensor | None = None) -> Tensor:
        """Map float32 [N, I, H, W] to [N, O, …], float32 or uint8, channels-last.

        :param to: what the result is added to, used up.
        """
        numbers = quantise(features, self._inverse, self._zero)
        inputs = numbers, self._step, self._zero, self._packed, self._unit, self._zeros
        shape = self._stride, self._padding, [1, 1], 1
        output = self.step, 0, self._output
        operator = torch.ops.onednn.qconv2d_pointwise
        if to is None:
            made = operator(*inputs, self._bias, *shape, *output, self._behind, [], "")
        else:
            to = to.contiguous(memory_format=torch.channels_last)
            made = operator.binary(
                *inputs, to, self._bias, *shape, *output, 1.0, 0, "sum", 1.0, "none", [], ""
            )
        return cast(Tensor, made)


def _step(bounds: Range) -> float:
    """What one of 255 steps between these is."""
    return (bounds.high - bounds.low) / _MOST or 1.0
