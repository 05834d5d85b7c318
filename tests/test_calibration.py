"""Units of motion codes: errors of one unit hurt pictures alike, whichever the coefficient."""

from __future__ import annotations

import numpy as np
import torch
from conftest import draw_head
from torch import Tensor

from gvc.model import weights
from gvc.model.mttf import Mttf, network_from
from gvc.training.calibration import calibrate


class SquaredError:
    """A distance of pictures that needs no weights, in place of LPIPS."""

    def describe(self, picture: Tensor) -> list[Tensor]:
        return [picture]

    def distance(self, one: list[Tensor], other: list[Tensor]) -> Tensor:
        return (one[0] - other[0]).square().mean(dim=(1, 2, 3))


def hurt(network: Mttf, frames: np.ndarray) -> Tensor:
    """Squared error of the last picture for an error of 0.3 units in each coefficient."""
    pictures = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        state = network.key_state(pictures[:1])
        code = network.encode(pictures[1:])[1]
        right = network.synthesise(state, code).picture
        errors = torch.diag(0.3 * network.coder.spread).split(8)
        return torch.cat(
            [
                (network.synthesise(state, code + error).picture - right).square().mean((1, 2, 3))
                for error in errors
            ]
        )


def test_errors_of_one_unit_hurt_alike():
    network = network_from(weights.default("lite"))
    frames = np.stack([draw_head(shift, 256, 256) for shift in (0, 6)])
    network.coder.spread.mul_(torch.linspace(-1, 1, 40).exp())
    before = network.coder.spread.clone()
    uneven = hurt(network, frames).log().std()
    # Seed 0 draws the first frame, then the second.
    calibrate(network, [frames], SquaredError(), torch.Generator().manual_seed(0))
    assert hurt(network, frames).log().std() < 0.6 * uneven
    ratio = network.coder.spread / before
    assert 0.24 < ratio.min() < ratio.max() < 4.1
