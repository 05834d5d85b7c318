"""Features to the 8-bit numbers that integer convolutions take."""

from __future__ import annotations

import torch
from torch import Tensor

from gvc.ops.arrays import described, run, runs_natively
from gvc.ops.build import native


def quantise(features: Tensor, inverse: float, zero: int) -> Tensor:
    """``features``·``inverse`` + ``zero``, rounded to whole numbers of [0, 255].

    :param features: float32 [N, C, H, W]. What is not a number becomes 0.
    :param inverse: numbers a unit of the features; :param zero: the number that stands for 0.
    :returns: uint8 [N, C, H, W], channels-last.
    """
    features = features.contiguous(memory_format=torch.channels_last)
    if not runs_natively(features) or features.device.type != "cpu":
        numbers = (features * inverse + zero).nan_to_num_(0.0).clamp_(0, 255).round_()
        return numbers.to(torch.uint8)
    output = torch.empty_like(features, dtype=torch.uint8)
    run(native.quantise, described(features), inverse, float(zero), described(output), on=features)
    return output
