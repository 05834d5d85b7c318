"""The network as codecs run it computes what the trained one does."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from gvc.model.inference import for_inference
from gvc.model.layers import ConvBlock
from gvc.model.mttf import Mttf
from gvc.model.profiles import LITE, PAPER

#: The paper's choices (norms everywhere, pooling, no folding) at a size that a test can wait for.
SMALL_PAPER = replace(
    PAPER,
    extractor_widths=(8, 16, 16),
    motion_widths=(8, 16, 16),
    generator_widths=(8, 8, 16, 16),
    background_widths=(8, 16, 16),
    background_channels=(8, 8, 16, 16),
)


def lived(module: nn.Module) -> nn.Module:
    """``module`` in evaluation mode, with norms that do something."""
    generator = torch.Generator().manual_seed(5)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for tensor, low in (
                (norm.weight.data, 0.5),
                (norm.bias.data, -0.5),
                (norm.running_mean, -0.5),
                (norm.running_var, 0.5),
            ):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + low)
    return module.eval().requires_grad_(False)


@pytest.mark.parametrize("profile", [LITE, SMALL_PAPER], ids=["lite", "small paper"])
@pytest.mark.parametrize("size", [(128, 128), (256, 256), (208, 144)])
def test_the_same_pictures_come_out(profile, size):
    torch.manual_seed(0)
    network = lived(Mttf(profile))
    folded = for_inference(copy.deepcopy(network))
    assert not any(isinstance(module, ConvBlock) for module in folded.modules())
    key = torch.rand(1, 3, *size)
    with torch.no_grad():
        expected, found = network.key_state(key), folded.key_state(key)
        assert torch.allclose(found.code, expected.code, atol=1e-4)
        code = expected.code + torch.randn(3, profile.code_length)
        shown, wanted = (one.synthesise(expected, code).picture for one in (folded, network))
    assert torch.allclose(shown, wanted, atol=1e-3)
    assert wanted.std() > 1e-3


@pytest.mark.parametrize("target", [(10, 14), (9, 14), (5, 7), (20, 28)])
@pytest.mark.parametrize(("norm", "halve"), [(True, False), (False, True), (True, True)])
def test_a_block_behind_upsampling(target, norm, halve):
    torch.manual_seed(1)
    block = lived(ConvBlock(6, 5, norm=norm, halve=halve, strided=False))
    folded = for_inference(nn.Sequential(copy.deepcopy(block)))[0]
    features = torch.randn(2, 6, 5, 7)
    with torch.no_grad():
        expected = block.enlarge(features, *target)
        assert torch.allclose(folded.enlarge(features, *target), expected, atol=1e-5)
    assert expected.abs().amax() > 0.1
