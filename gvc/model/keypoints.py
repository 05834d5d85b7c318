"""Keypoints of a face: found in a frame, moved by motion codes, spread to a dense motion.

The paper leaves it to the networks to discover what moves. Most of what moves in a talking head is
a face, whose points can be named; this gives the networks that much to begin with. Nothing here
has to find a face: where there is none, points and their motion mean what training made of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from gvc.model.layers import ConvBlock, identity_grid

#: Keypoints of a face, in the order of :data:`gvc.training.faces.KEYPOINTS`.
KEYPOINTS = 62


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Where the keypoints of a frame are.

    :param points: (x, y) in normalised coordinates of the frame, [N, K, 2].
    :param heat: logarithm of how likely each point is in each cell, [N, K, S·S].
    """

    points: Tensor
    heat: Tensor


class KeypointDetector(nn.Module):
    """Features of a frame to its keypoints: expectation over cells of their place plus an offset.

    A map of probabilities for each point says which cells know where it is; each cell says where,
    relative to its own place.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = ConvBlock(channels, channels, norm=True)
        self.heat = nn.Conv2d(channels, KEYPOINTS, 1)
        self.offset = nn.Conv2d(channels, 2 * KEYPOINTS, 1)
        nn.init.zeros_(self.offset.weight)
        nn.init.zeros_(self.offset.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Keypoints:
        """Find the keypoints in features [N, C, S, S]."""
        features = self.block(features)
        # Half precision would round the places of small pictures to whole pixels.
        heat = functional.log_softmax(self.heat(features).flatten(2).float(), dim=2)
        height, width = features.shape[-2:]
        place = identity_grid(height, width, heat).flatten(2)
        offset = self.offset(features).float().unflatten(1, (2, KEYPOINTS)).flatten(3)
        likely = heat.exp()[:, None]
        points = (likely * (place[:, :, None] + offset)).sum(dim=3)
        return Keypoints(points.mT, heat)


class KeypointMotion(nn.Module):
    """Changes of motion codes to displacements of keypoints, and those to a dense motion.

    The displacement at z is a mean of the keypoints' own. A keypoint at p weighs
    k(|z − p| / reach) + share · k(|z − p| / far) with k(r) = (1 + r²)⁻³: much in its own
    neighbourhood, which is small among lids and lips, and a little around the whole face. What
    stands still has a constant weight. Distances are in units of the face's size.
    """

    def __init__(self, code_length: int) -> None:
        super().__init__()
        self.linear = nn.Linear(code_length, 2 * KEYPOINTS, bias=False)
        self.log_reach = nn.Parameter(torch.full((KEYPOINTS,), -2.0))
        self.log_far = nn.Parameter(torch.tensor([-0.7]))
        self.log_share = nn.Parameter(torch.tensor([-4.6]))
        self.log_still = nn.Parameter(torch.tensor([-6.7]))

    def displacements(self, change: Tensor) -> Tensor:
        """How far the keypoints move, [N, K, 2], by the change [N, 2·N_F] of the motion code."""
        return self.linear(change).unflatten(1, (KEYPOINTS, 2))

    def forward(self, points: Tensor, displacements: Tensor, size: int) -> Tensor:
        """Spread displacements over the inter frame.

        :param points: keypoints of the key frame, [N, K, 2].
        :param displacements: how far they moved, [N, K, 2].
        :returns: [N, 3, size, size]: displacement (x, y) from each position to where it was in the
            key frame, and the share in [0, 1] that the face has in it.
        """
        scale = face_size(points).clamp_min(0.02)[:, None, None]
        place = identity_grid(size, size, points).flatten(2).mT.expand(len(points), -1, -1) / scale
        moved = (points + displacements) / scale
        # |z − p|² as one matrix product: z and p are small, so little is lost.
        distance = (
            place.square().sum(dim=2, keepdim=True)
            - 2 * place @ moved.mT
            + moved.square().sum(dim=2)[:, None]
        ).clamp_min(0)
        near = (1 + distance * torch.exp(-2 * self.log_reach)).reciprocal()
        far = (1 + distance * torch.exp(-2 * self.log_far)).reciprocal()
        weight = near * near * near + self.log_share.exp() * far * far * far
        mass = weight.sum(dim=2, keepdim=True)
        dense = torch.cat([-(weight @ displacements), mass], dim=2)
        dense = dense / (mass + self.log_still.exp())
        return dense.mT.unflatten(2, (size, size))


def face_size(points: Tensor) -> Tensor:
    """Root mean square distance [N] of keypoints [N, K, 2] from their centre."""
    centred = points - points.mean(dim=1, keepdim=True)
    return centred.square().sum(dim=2).mean(dim=1).sqrt()
