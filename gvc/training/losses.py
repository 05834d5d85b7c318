"""What training minimises."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from gvc.model.layers import resize
from gvc.model.motion import DenseMotion, sample
from gvc.model.mttf import Synthesis
from gvc.training.perceptual import LpipsSqueeze


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weight of each term of the total (eq. 27, with the terms that were added).

    All but the first are heavier where P differs from the key frame: eyes and mouths.

    :param perceptual: LPIPS-squeeze of P̂ and P, and of both at half size.
    :param pixel: L1 of P̂ and P (eq. 25).
    :param flow: L1 of m_fg and classical optical flow where that flow explains the picture.
    :param warped: L1 of the warped key frame and P at 64².
    """

    perceptual: float = 1.0
    pixel: float = 2.0
    flow: float = 1.0
    warped: float = 1.0


def motion_terms(
    motion: DenseMotion, key: Tensor, frames: Tensor, flow: Tensor
) -> dict[str, Tensor]:
    """Losses on the dense motion alone.

    :param key: [N, 3, H, W] in [0, 1], one for each of ``frames``.
    :param flow: the teacher's displacement [N, 2, 64, 64] in normalised coordinates.
    """
    size = flow.shape[-2:]
    key, frames = resize(key, *size), resize(frames, *size)
    with torch.no_grad():
        taught = (sample(key, flow) - frames).abs().mean(dim=1, keepdim=True)
        trust = torch.exp(-taught * 20)
    moved = resize(motion.foreground, *size)
    error = (moved - flow).abs().sum(dim=1, keepdim=True)
    emphasis = _emphasis(key, frames, radius=2)
    return {
        "flow": (error * trust * emphasis).mean() * 10,
        "warped": ((sample(key, moved) - frames).abs() * emphasis).mean(),
    }


def picture_terms(
    synthesis: Synthesis, key: Tensor, frames: Tensor, perceptual: LpipsSqueeze
) -> dict[str, Tensor]:
    """Losses on the generated picture; ``key`` as in :func:`motion_terms`."""
    emphasis = _emphasis(key, frames, radius=4)
    half = [
        resize(picture, *(side // 2 for side in frames.shape[-2:]))
        for picture in (synthesis.picture, frames)
    ]
    with torch.no_grad():
        targets = perceptual.describe(frames), perceptual.describe(half[1])
    distance = perceptual.distance(perceptual.describe(synthesis.picture), targets[0])
    distance = distance + 0.5 * perceptual.distance(perceptual.describe(half[0]), targets[1])
    return {
        "perceptual": distance.mean(),
        "pixel": ((synthesis.picture - frames).abs() * emphasis).mean(),
    }


def total(terms: dict[str, Tensor], weights: LossWeights) -> Tensor:
    """Weighted sum of the terms by their names."""
    return torch.stack([value * getattr(weights, name) for name, value in terms.items()]).sum()


def _emphasis(key: Tensor, frames: Tensor, *, radius: int) -> Tensor:
    """Weights [N, 1, H, W] of mean 1, heavier where a frame differs from its key frame.

    A blinking eye is a few pixels in thousands that stand still.
    """
    changed = (frames - key).abs().mean(dim=1, keepdim=True)
    changed = functional.avg_pool2d(
        changed, 2 * radius + 1, stride=1, padding=radius, count_include_pad=False
    )
    weights = 1 + 4 * (changed / (changed.mean(dim=(2, 3), keepdim=True) + 0.02)).clamp(max=3)
    return weights / weights.mean(dim=(2, 3), keepdim=True)
