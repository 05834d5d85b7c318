"""Silent units: made live again, at next to no change of the pictures."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch
from conftest import draw_head
from torch import Tensor

from gvc.model import weights
from gvc.model.mttf import Mttf, network_from
from gvc.training.pairs import Batch
from gvc.training.revival import revive

SIDE = 128


def batch(first: int) -> Batch:
    """Two key frames of a drawn head and an inter frame of each."""
    drawn = [draw_head(place, SIDE, SIDE) for place in range(first, first + 12, 3)]
    pictures = torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2)
    nothing = {field.name: torch.zeros(0) for field in fields(Batch)}
    return Batch(**nothing | {"key": pictures[:2], "frames": pictures[2:]}).on(torch.device("cpu"))


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    return [batch(0), batch(20)]


@pytest.fixture
def network() -> Mttf:
    """Weights whose flow predictor says the same of all pictures: those that shipped first."""
    return network_from(weights.default("lite")).eval()


@torch.no_grad()
def pictures(network: Mttf, batches: list[Batch]) -> Tensor:
    return torch.cat([network(each.key, each.frames)[0].picture for each in batches])


def test_silent_units_give_something_and_pictures_stay(network, batches):
    before = pictures(network, batches)
    assert revive(network, batches) > 100
    assert 255 * (pictures(network, batches) - before).abs().mean() < 0.1
    assert revive(network, batches) < 20


def flow_gradient(network: Mttf, batches: list[Batch]) -> float:
    """How much the first layer of the flow predictor has to do with the pictures."""
    network.requires_grad_(True)
    weight = network.motion.flow.network.stem.convolution.weight
    (gradient,) = torch.autograd.grad(
        network(batches[0].key, batches[0].frames)[0].picture.square().sum(), weight
    )
    return gradient.abs().max().item()


def test_what_said_the_same_of_everything_learns_again(network, batches):
    assert flow_gradient(network, batches) == 0
    revive(network, batches)
    with torch.no_grad():
        network.motion.flow.head.weight += 1e-3
    assert flow_gradient(network, batches) > 0
