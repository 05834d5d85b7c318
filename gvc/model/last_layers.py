"""The network in two parts: all but the last two convolutions of its generators, and these.

What the first part makes of a frame stays as it is while the second is adapted to a speaker, and
need be computed only once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from gvc.model.mttf import KeyState, Mttf
from gvc.ops import Branches, paint


@dataclass(frozen=True, slots=True)
class Unfinished:
    """N inter frames before the last layers; float16, to be kept in numbers.

    :param foreground: what :meth:`gvc.model.generator.ForegroundGenerator.approach` made of them;
        :param background: likewise.
    :param motion: m_fg. :param background_motion: m_bg.
    :param occlusion, person: as in :class:`gvc.model.motion.DenseMotion`.
    """

    foreground: Tensor
    background: Tensor
    motion: Tensor
    background_motion: Tensor
    occlusion: Tensor
    person: Tensor

    @classmethod
    def together(cls, frames: Sequence[Unfinished]) -> Unfinished:
        """Several as one batch, float32."""

        def batch(name: str) -> Tensor:
            values = torch.cat([getattr(frame, name) for frame in frames]).float()
            return values.contiguous(memory_format=torch.channels_last)

        return cls(*(batch(field.name) for field in fields(cls)))


@torch.no_grad()
def approach(network: Mttf, state: KeyState, code: Tensor) -> Unfinished:
    """The first part: key frames animated by motion codes [N, 2·N_F]."""
    motion = network.estimate(state, code)
    return Unfinished(
        foreground=network.foreground.approach(state.picture, state.features, motion).half(),
        background=network.background.approach(state.picture, motion).half(),
        motion=motion.foreground.half(),
        background_motion=motion.background.half(),
        occlusion=motion.occlusion.half(),
        person=motion.person.half(),
    )


class LastLayers(nn.Module):
    """The second part."""

    def __init__(self, network: Mttf) -> None:
        super().__init__()
        self.network = network

    def forward(self, key: Tensor, surface: Tensor, frames: Unfinished) -> Tensor:
        """Pictures, RGB [N, 3, H, W] in [0, 1].

        :param key: their key frame, [1, 3, H, W]. :param surface: its features of depth 0.
        """
        generator = self.network.foreground
        motion, occlusion = frames.motion, frames.occlusion
        branches = Branches(
            foreground=generator.finish(frames.foreground, key, surface, motion, occlusion),
            background=self.network.background.finish(frames.background, key),
            person=frames.person,
            key=key,
            foreground_motion=motion,
            background_motion=frames.background_motion,
        )
        return paint(branches).flatten()
