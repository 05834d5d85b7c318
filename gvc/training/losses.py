"""What training minimises."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from gvc.metrics import Lpips
from gvc.model.layers import identity_grid, resize
from gvc.model.motion import DenseMotion, sample
from gvc.model.mttf import Exchange, Synthesis
from gvc.training.faces import EXPRESSIVE, EXPRESSIVE_KEYPOINTS, KEYPOINTS, MIRRORED
from gvc.training.pairs import Batch


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weight of each term of the total (eq. 27, with the terms that were added).

    All but the first are heavier where P differs from the key frame: eyes and mouths.

    :param perceptual: LPIPS-squeeze of P̂ and P, and of both at half size.
    :param pixel: L1 of P̂ and P (eq. 25).
    :param flow: L1 of m_fg and classical optical flow where that flow explains the picture, but
        for eyes and mouth.
    :param warped: L1 of the warped key frame and P at 64².
    :param landmarks: distance between where m_fg fetches a face's landmarks from and where they
        are in the key frame.
    :param places: distance of the keypoints that E_F finds from where they are.
    :param heat: cross entropy of the detector's maps and a spot around each keypoint.
    :param pose: distance between how far keypoints moved and what motion codes say of it.
    :param person: cross entropy of where E_F finds the person and the matte.
    :param matte: cross entropy of W's M_fg and the person's matte (in place of eq. 26), but where
        a person has uncovered the background: who paints that best is not for a matte to say.
    """

    perceptual: float = 1.0
    pixel: float = 2.0
    flow: float = 1.0
    warped: float = 1.0
    landmarks: float = 3.0
    places: float = 1.0
    heat: float = 0.1
    pose: float = 1.0
    person: float = 0.2
    matte: float = 0.1


#: How much more eyes and mouth count in pictures.
_FEATURES = 12


def motion_terms(motion: DenseMotion, target: Batch) -> dict[str, Tensor]:
    """Losses on the dense motion alone.

    :param target: a batch as :meth:`gvc.training.pairs.Batch.on` gives it; also below.
    """
    size = target.flow.shape[-2:]
    flow, key, frames = target.flow, target.repeated_key(), target.frames
    key, frames = resize(key, *size), resize(frames, *size)
    with torch.no_grad():
        taught = (sample(key, flow) - frames).abs().mean(dim=1, keepdim=True)
        # Optical flow is too smooth for lids and lips; landmarks teach those.
        trust = torch.exp(-taught * 20) * (1 - resize(target.features, *size))
    moved = resize(motion.foreground, *size)
    error = (moved - flow).abs().sum(dim=1, keepdim=True)
    emphasis = _emphasis(key, frames, radius=2)
    return {
        "flow": (error * trust * emphasis).mean() * 10,
        "warped": ((sample(key, moved) - frames).abs() * emphasis).mean(),
        "landmarks": _landmark_error(motion.foreground, target),
        "matte": _matte_error(motion.person, target.matte, uncovered=target.key_matte),
    }


def _matte_error(person: Tensor, matte: Tensor, *, uncovered: Tensor | None = None) -> Tensor:
    """Cross entropy of logits [N, 1, S, S] and mattes [N, 1, s, s] of pictures that have one.

    :param uncovered: mattes of other pictures; what is in these alone does not count.
    """
    known = matte.amax(dim=(1, 2, 3)) > 0.5
    matte = resize(matte, *person.shape[-2:])
    error = functional.binary_cross_entropy_with_logits(person, matte, reduction="none")
    if uncovered is not None:
        error = error * (1 - (resize(uncovered, *person.shape[-2:]) - matte).clamp_min(0))
    return _mean_of_known(error.mean(dim=(1, 2, 3)), known)


def _landmark_error(flow: Tensor, target: Batch) -> Tensor:
    """How far m_fg at the landmarks of P is from leading to the landmarks of Î."""
    known = torch.isfinite(target.landmarks + target.key_landmarks).all(dim=(1, 2))
    points = target.landmarks.nan_to_num()
    found = functional.grid_sample(
        flow.float(), points[:, None], padding_mode="border", align_corners=False
    )
    error = points + found[:, :, 0].mT - target.key_landmarks.nan_to_num()
    return _distance(error, known, EXPRESSIVE)


def _distance(error: Tensor, known: Tensor, groups: Sequence[Sequence[int]]) -> Tensor:
    """Mean size of errors [N, K, 2] in the frames that are ``known`` [N], in tenths.

    Lips and lids move much less than heads do. So the shapes of the ``groups`` count apart from
    where they are.
    """
    size = error.abs().sum(dim=2).mean(dim=1)
    for group in groups:
        inside = error[:, list(group)]
        size = size + (inside - inside.mean(dim=1, keepdim=True)).abs().sum(dim=2).mean(dim=1)
    return 10 * _mean_of_known(size, known)


def _mean_of_known(error: Tensor, known: Tensor) -> Tensor:
    """Mean of ``error`` [N] over the frames that are ``known``; 0 if none is."""
    return (error * known).sum() / known.sum().clamp_min(1)


def analysis_terms(exchange: Exchange, target: Batch) -> dict[str, Tensor]:
    """Losses on where keypoints and people are found, and on how far codes move keypoints."""
    inter = _keypoints(target.landmarks, target.mirrored)
    origin = _keypoints(target.key_landmarks, target.mirrored)
    known = torch.isfinite(inter + origin).all(dim=(1, 2))
    inter, origin = inter.nan_to_num(), origin.nan_to_num()
    count = len(exchange.key_code)
    times = len(inter) // count
    places, heat = exchange.keypoints.points, exchange.keypoints.heat
    expected = torch.cat([origin[::times], inter])
    sure = torch.cat([known[::times], known])
    moved = exchange.displacements - (inter - origin)
    mattes = torch.cat([target.key_matte[::times], target.matte])
    return {
        "places": _distance(places - expected, sure, EXPRESSIVE_KEYPOINTS),
        "heat": _heat_error(heat, expected, sure),
        "pose": _distance(moved, known, EXPRESSIVE_KEYPOINTS),
        "person": _matte_error(exchange.person, mattes),
    }


def _keypoints(landmarks: Tensor, mirrored: Tensor) -> Tensor:
    """The keypoints [N, K, 2] among landmarks [N, 478, 2]; in mirrored pictures sides change."""
    plain, flipped = landmarks[:, list(KEYPOINTS)], landmarks[:, list(MIRRORED)]
    return torch.where(mirrored[:, None, None], flipped, plain)


def _heat_error(heat: Tensor, points: Tensor, known: Tensor) -> Tensor:
    """Cross entropy of maps [N, K, S·S] and a Gaussian of one cell around each point [N, K, 2]."""
    side = math.isqrt(heat.shape[2])
    cells = identity_grid(1, side, points)[0, 0, 0]
    spread = (points[..., None] - cells) * (side / 2)
    spot = torch.exp(-spread.square() / 2)
    spot = spot / spot.sum(dim=3, keepdim=True).clamp_min(1e-6)
    wanted = spot[:, :, 1, :, None] * spot[:, :, 0, None, :]
    error = -(wanted.flatten(2) * heat).sum(dim=2).mean(dim=1)
    return _mean_of_known(error, known)


def picture_terms(
    synthesis: Synthesis, target: Batch, perceptual: Lpips, *, shift: tuple[int, int]
) -> dict[str, Tensor]:
    """Losses on the generated picture.

    :param shift: rows and columns, 0 or 1 each, that the perceptual network does not see, other
        ones in each step. Its first layer looks at every other pixel, and generators learn to
        please it with a pattern of dots where they know which.
    """
    frames = target.frames
    features = 1 + _FEATURES * target.features
    features = features / features.mean(dim=(2, 3), keepdim=True)
    emphasis = _emphasis(target.repeated_key(), frames, radius=4)
    emphasis = emphasis * resize(features, *frames.shape[-2:])

    def describe(picture: Tensor) -> list[list[Tensor]]:
        half = resize(picture, *(side // 2 for side in picture.shape[-2:]))
        return [perceptual.describe(one[..., shift[0] :, shift[1] :]) for one in (picture, half)]

    with torch.no_grad():
        targets = describe(frames)
    made = describe(synthesis.picture)
    distance = perceptual.distance(made[0], targets[0], weights=features)
    distance = distance + 0.5 * perceptual.distance(made[1], targets[1], weights=features)
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
