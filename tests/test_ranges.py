"""Ranges of features, as they are measured."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gvc.model import ranges
from gvc.model.inference import for_inference
from gvc.model.mttf import Mttf
from gvc.model.profiles import LITE
from gvc.training.ranges import best_range, measure_ranges


def loss(numbers: torch.Tensor, low: float, high: float) -> float:
    step = (high - low) / 255
    kept = ((numbers - low) / step).round().clamp(0, 255) * step + low
    return float((kept - numbers).square().mean())


@pytest.mark.parametrize("shape", ["even", "heavy tail", "rectified"])
def test_no_wider_or_narrower_range_is_much_better(shape):
    numbers = torch.randn(100_000, generator=torch.Generator().manual_seed(1))
    if shape == "even":
        numbers = numbers.erf()
    elif shape == "heavy tail":
        numbers = numbers**3
    else:
        numbers = numbers.clamp_min(0)
    found = best_range(numbers)
    assert found.low <= 0 <= found.high
    lost = loss(numbers, found.low, found.high)
    for share in (0.25, 0.5, 2, 4):
        assert lost < loss(numbers, share * found.low, share * found.high)
    if shape == "rectified":
        assert found.low == 0


def test_a_range_of_nothing():
    assert best_range(torch.zeros(10)) == ranges.Range(0.0, 0.0)


def test_all_convolutions_of_a_frame_are_measured():
    torch.manual_seed(0)
    network = Mttf(LITE).eval().requires_grad_(False)
    clip = np.random.default_rng(1).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    with torch.inference_mode():
        found = measure_ranges(network, b"\x01" * 16, [clip], seed=3)
    names = {name for name, _ in for_inference(Mttf(LITE).eval()).named_modules()}
    assert found.weights == b"\x01" * 16
    assert found.inputs.keys() <= names
    assert found.outputs.keys() < found.inputs.keys()
    # Routes of all sizes, but nothing that is computed once for a key frame.
    assert {f"foreground.decoder.keeping.{size}.whole" for size in ("256_0", "128_0", "128_1")} <= (
        found.inputs.keys()
    )
    assert not any(name.startswith(("extractor", "coder")) for name in found.inputs)
    assert not any("foreground.encoder" in name for name in found.inputs)
