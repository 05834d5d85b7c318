"""How finely each coefficient of a motion code has to be sent.

Bits are spent best where one more of them mends as much in every coefficient: errors of all of them
should hurt the picture alike (reverse water-filling). So what an error hurts is measured, and the
units in which codes are sent follow it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gvc.metrics import Lpips
from gvc.model.layers import resize
from gvc.model.mttf import KeyState, Mttf
from gvc.training.pairs import Picture

#: Side of the pictures on which sensitivities are measured.
_SIDE = 256

#: Size of the errors, in spreads of a coefficient.
_ERROR = 0.3

#: Units stay within this factor of the coefficient's spread.
_MOST = 4.0


@torch.inference_mode()
def calibrate(
    network: Mttf, clips: Sequence[Picture], perceptual: Lpips, generator: torch.Generator
) -> None:
    """Set the coder's ``spread`` to units in which errors of all coefficients hurt alike.

    :param network: in evaluation mode; its ``spread`` has to be that of the codes' differences.
    :param clips: frames uint8 [F, S, S, 3] of training clips; each serves with one pair.
    :param generator: draws the pairs.
    """
    spread = network.coder.spread
    hurt = torch.zeros_like(spread)
    for clip in clips:
        first, second = torch.randint(len(clip), (2,), generator=generator).tolist()
        frames = torch.from_numpy(clip[[first, second]]).permute(0, 3, 1, 2).to(spread.device)
        pictures = resize(frames.float() / 255, _SIDE, _SIDE)
        state = network.key_state(pictures[:1])
        hurt += _sensitivities(network, state, network.encode(pictures[1:])[1], perceptual)
    # A picture's distance grows with the square of a small error.
    unit = hurt.clamp_min(1e-9).rsqrt()
    unit = unit / unit.log().mean().exp()
    spread.mul_(unit.clamp(1 / _MOST, _MOST))


def _sensitivities(network: Mttf, state: KeyState, code: Tensor, perceptual: Lpips) -> Tensor:
    """LPIPS between what ``code`` [1, 2·N_F] gives and what it gives with one coefficient wrong."""
    right = perceptual.describe(network.synthesise(state, code).picture)
    hurt = []
    for errors in torch.diag(network.coder.spread * _ERROR).split(8):
        wrong = perceptual.describe(network.synthesise(state, code + errors).picture)
        hurt.append(perceptual.distance(wrong, right))
    return torch.cat(hurt)
