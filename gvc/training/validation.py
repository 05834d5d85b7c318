"""Scores of a network on identities that it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from gvc.clips import Clip, Kind
from gvc.metrics import Lpips
from gvc.model.layers import resize
from gvc.model.motion import sample
from gvc.model.mttf import Mttf
from gvc.training.pairs import Picture

#: Quantiser step of the motion codes while scoring.
CODE_STEP = 0.2

#: Inter frames scored of each clip, evenly spread in time; its first frame is the key frame.
_INTERS = 3


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over all validation frames.

    :param lpips_squeeze: LPIPS (SqueezeNet) of generated frames; lower is better.
    :param psnr: of generated frames, RGB, dB.
    :param warped: L1 at 64² of the key frame warped by m_fg.
    :param still_lpips_squeeze: LPIPS of showing the key frame unmoved.
    :param still_psnr: PSNR of showing the key frame unmoved, dB.
    :param still: L1 at 64² of the key frame unmoved.
    """

    lpips_squeeze: float
    psnr: float
    warped: float
    still_lpips_squeeze: float
    still_psnr: float
    still: float

    def as_dict(self) -> dict[str, float]:
        """The scores by name, rounded for a log."""
        return {name: round(value, 5) for name, value in asdict(self).items()}


def grouped(
    clips: Sequence[Clip], frames: Sequence[Picture], part: int | None
) -> list[list[Picture]]:
    """The frames of validation clips by kind.

    :param frames: of each clip. :param part: see :func:`parts`, for clips of bodies: these move too
        far for one key frame.
    """
    kinds = sorted({clip.kind for clip in clips})
    return [
        parts(
            [each for clip, each in zip(clips, frames, strict=True) if clip.kind == kind],
            part if kind is Kind.BODY else None,
        )
        for kind in kinds
    ]


def parts(clips: Sequence[Picture], length: int | None) -> list[Picture]:
    """Clips cut evenly into parts of at most ``length`` frames; None leaves them whole."""
    if length is None:
        return list(clips)
    return [part for clip in clips for part in np.array_split(clip, -(-len(clip) // length))]


@torch.inference_mode()
def validate(
    network: Mttf,
    groups: Sequence[Sequence[Picture]],
    perceptual: Lpips,
    *,
    size: int,
    device: torch.device,
) -> Scores:
    """Score ``network`` (in evaluation mode) on frames uint8 [F, S, S, 3] of each clip.

    :returns: the mean of the means of all groups.
    """
    means = []
    for clips in groups:
        rows = [_score_clip(network, _to_tensor(clip, device, size), perceptual) for clip in clips]
        means.append(np.mean(rows, axis=0))
    return Scores(*np.mean(means, axis=0).tolist())


def _to_tensor(clip: Picture, device: torch.device, size: int) -> Tensor:
    kept = clip[np.linspace(0, len(clip) - 1, _INTERS + 1).round().astype(int)]
    tensor = torch.from_numpy(kept).permute(0, 3, 1, 2).to(device).float() / 255
    return resize(tensor, size, size)


def _score_clip(network: Mttf, pictures: Tensor, perceptual: Lpips) -> list[float]:
    key, frames = pictures[:1], pictures[1:]
    state = network.key_state(key)
    code = network.encode(frames)[1]
    step = CODE_STEP * network.coder.spread
    synthesis = network.synthesise(state, torch.round(code / step) * step)
    target = perceptual.describe(frames)
    small = resize(frames, 64, 64)
    moved = sample(resize(key, 64, 64), synthesis.motion.foreground)
    still = key.expand_as(frames)
    return [
        perceptual.distance(perceptual.describe(synthesis.picture), target).mean().item(),
        _psnr(synthesis.picture, frames),
        (moved - small).abs().mean().item(),
        perceptual.distance(perceptual.describe(still), target).mean().item(),
        _psnr(still, frames),
        (resize(still, 64, 64) - small).abs().mean().item(),
    ]


def _psnr(one: Tensor, other: Tensor) -> float:
    error = (one - other).square().mean(dim=(1, 2, 3)).clamp_min(1e-6)
    return (-10 * torch.log10(error)).mean().item()
