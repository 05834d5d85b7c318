"""What training minimises."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from gvc.metrics import Lpips
from gvc.model.layers import resize
from gvc.model.motion import DenseMotion, sample
from gvc.model.mttf import Synthesis
from gvc.training.faces import KEYPOINTS, MIRRORED
from gvc.training.pairs import Batch


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weight of each term of the total (eq. 27, with the terms that were added).

    All but the first are heavier where P differs from the key frame: eyes and mouths.

    :param perceptual: LPIPS-squeeze of P̂ and P, and of both at half size.
    :param pixel: L1 of P̂ and P (eq. 25).
    :param flow: L1 of m_fg and classical optical flow where that flow explains the picture.
    :param warped: L1 of the warped key frame and P at 64².
    :param landmarks: distance between where m_fg fetches a face's landmarks from and where they
        are in the key frame.
    :param pose: distance between how far keypoints moved and what a linear map makes of the
        motion codes; only the codes learn from it.
    :param matte: L1 of M_fg and the person's matte (eq. 26).
    """

    perceptual: float = 1.0
    pixel: float = 2.0
    flow: float = 1.0
    warped: float = 1.0
    landmarks: float = 1.0
    pose: float = 1.0
    matte: float = 0.1


def motion_terms(motion: DenseMotion, target: Batch) -> dict[str, Tensor]:
    """Losses on the dense motion alone.

    :param target: a batch as :meth:`gvc.training.pairs.Batch.on` gives it; also below.
    """
    size = target.flow.shape[-2:]
    flow, key, frames = target.flow, target.repeated_key(), target.frames
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
        "landmarks": _landmark_error(motion.foreground, target),
    }


def _landmark_error(flow: Tensor, target: Batch) -> Tensor:
    """Mean distance of m_fg at the landmarks of P from the landmarks of Î, in tenths of a side."""
    known = torch.isfinite(target.landmarks + target.key_landmarks).all(dim=2)
    points = target.landmarks.nan_to_num()
    found = functional.grid_sample(
        flow.float(), points[:, None], padding_mode="border", align_corners=False
    )
    error = (points + found[:, :, 0].mT - target.key_landmarks.nan_to_num()).abs().sum(dim=2)
    return _mean_of_known(error, known)


def _mean_of_known(error: Tensor, known: Tensor) -> Tensor:
    """Ten times the mean of ``error`` where it is ``known``; 0 if it is nowhere."""
    return 10 * (error * known).sum() / known.sum().clamp_min(1)


class PoseReader(nn.Module):
    """A linear map from what a motion code says to how far a face's keypoints moved."""

    points: Tensor
    mirrored: Tensor

    def __init__(self, code_length: int) -> None:
        super().__init__()
        self.linear = nn.Linear(code_length, 2 * len(KEYPOINTS), bias=False)
        self.register_buffer("points", torch.tensor(KEYPOINTS))
        self.register_buffer("mirrored", torch.tensor(MIRRORED))

    def error(self, change: Tensor, target: Batch) -> Tensor:
        """Mean distance of keypoints from where the codes' ``change`` [N, 2·N_F] says they went."""
        moved = target.landmarks - target.key_landmarks
        plain, mirrored = moved[:, self.points], moved[:, self.mirrored]
        moved = torch.where(target.mirrored[:, None, None], mirrored, plain)
        known = torch.isfinite(moved).all(dim=2)
        error = (self.linear(change).view_as(moved) - moved.nan_to_num()).abs().sum(dim=2)
        return _mean_of_known(error, known)


def picture_terms(synthesis: Synthesis, target: Batch, perceptual: Lpips) -> dict[str, Tensor]:
    """Losses on the generated picture."""
    frames = target.frames
    features = 1 + 3 * target.features
    features = features / features.mean(dim=(2, 3), keepdim=True)
    emphasis = _emphasis(target.repeated_key(), frames, radius=4)
    emphasis = emphasis * resize(features, *frames.shape[-2:])
    half = [
        resize(picture, *(side // 2 for side in frames.shape[-2:]))
        for picture in (synthesis.picture, frames)
    ]
    with torch.no_grad():
        targets = perceptual.describe(frames), perceptual.describe(half[1])
    made = perceptual.describe(synthesis.picture), perceptual.describe(half[0])
    distance = perceptual.distance(made[0], targets[0], weights=features)
    distance = distance + 0.5 * perceptual.distance(made[1], targets[1], weights=features)
    known = target.matte.amax(dim=(1, 2, 3)) > 0.5
    mask = (resize(synthesis.mask, *target.matte.shape[-2:]) - target.matte).abs()
    return {
        "perceptual": distance.mean(),
        "pixel": ((synthesis.picture - frames).abs() * emphasis).mean(),
        "matte": (mask.mean(dim=(1, 2, 3)) * known).mean(),
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
