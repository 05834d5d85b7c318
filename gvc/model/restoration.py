"""A network that restores key frames after the VVC decoder.

Key frames take most of a file, and what is amiss in one is amiss in every frame that is animated
from it. The network sees the 4:2:0 planes of a decoded key frame and its QP, and says what to add
to each sample::

    Y folded 2×2, Cb, Cr ── stem ─┬──────────────── skip ────────────────┬─ exit ── + planes
                                 1/4 ─┬──────────── skip ─────────┬─ 1/4 ┘
                                     1/8 ─┬──────── skip ──┬─ 1/8 ┘
                                         1/16 ── residual ─┘      each scale modulated by the QP
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from gvc.model import weights
from gvc.model.layers import ConvBlock, ResidualBlock
from gvc.model.network_weights import filled, stored
from gvc.model.weights import Weights

#: Name of the network in its weights file.
MODEL = "restoration"

#: Channels at a half, a quarter, an eighth and a sixteenth of the picture's size.
_WIDTHS = (40, 64, 112, 160)

#: Residual blocks at each of these scales.
_BLOCKS = (0, 1, 1, 4)

#: Numbers that the QP is embedded in.
_EMBEDDING = 32

#: Samples of Y that share one of Cb and Cr, and the channels of all planes folded.
_FOLD = 2
_CHANNELS = _FOLD**2 + 2

#: QPs are counted in this, so that they lie between 0 and 1.
_QP_RANGE = 64.0


class Modulation(nn.Module):
    """Scales and shifts features by what the QP says."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(_EMBEDDING, 2 * channels)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        """Map [N, C, H, W], with embeddings [N, 32], to the same shape."""
        scale, shift = self.linear(embedding)[:, :, None, None].chunk(2, dim=1)
        return features * (1 + scale) + shift


class Scale(nn.Module):
    """Residual blocks at one scale, modulated by the QP."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.modulation = Modulation(channels)
        self.blocks = nn.Sequential(*(ResidualBlock(channels, norm=False) for _ in range(blocks)))

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        """Map [N, C, H, W] to the same shape."""
        restored: Tensor = self.blocks(self.modulation(features, embedding))
        return restored


class RestorationNetwork(nn.Module):
    """The U-Net; planes are those of limited or full range alike, as samples over 255."""

    def __init__(self) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(_WIDTHS))
        self.embedding = nn.Sequential(
            nn.Linear(1, _EMBEDDING), nn.ReLU(), nn.Linear(_EMBEDDING, _EMBEDDING), nn.ReLU()
        )
        self.stem = ConvBlock(_CHANNELS, _WIDTHS[0], norm=False)
        self.entry = nn.ModuleList(
            Scale(width, blocks) for width, blocks in zip(_WIDTHS, _BLOCKS, strict=True)
        )
        self.down = nn.ModuleList(ConvBlock(*pair, norm=False, halve=True) for pair in pairs)
        self.up = nn.ModuleList(ConvBlock(coarse, fine, norm=False) for fine, coarse in pairs)
        self.join = nn.ModuleList(ConvBlock(2 * fine, fine, norm=False) for fine, _ in pairs)
        self.exit = nn.Conv2d(_WIDTHS[0], _CHANNELS, 3, padding=1)
        nn.init.zeros_(self.exit.weight)
        nn.init.zeros_(cast(Tensor, self.exit.bias))

    def forward(self, luma: Tensor, chroma: Tensor, qp: Tensor) -> tuple[Tensor, Tensor]:
        """Restore pictures.

        :param luma: Y, [N, 1, H, W], samples over 255; sides multiples of 16.
        :param chroma: Cb and Cr, [N, 2, H/2, W/2], likewise. :param qp: of each picture, [N].
        :returns: both restored, not clipped.
        """
        embedding = self.embedding(qp[:, None] / _QP_RANGE)
        folded = torch.cat([functional.pixel_unshuffle(luma, _FOLD), chroma], dim=1)
        features = self.entry[0](self.stem(folded - 0.5), embedding)
        skips = [features]
        for block, scale in zip(self.down, self.entry[1:], strict=True):
            skips.append(scale(block(skips[-1]), embedding))
        features = skips.pop()
        for up, join in zip(reversed(self.up), reversed(self.join), strict=True):
            skip = skips.pop()
            larger = cast(ConvBlock, up).enlarge(features, *skip.shape[-2:])
            features = join(torch.cat([larger, skip], dim=1))
        added = self.exit(features)
        return (
            luma + functional.pixel_shuffle(added[:, : _FOLD**2], _FOLD),
            chroma + added[:, _FOLD**2 :],
        )

    @torch.no_grad()
    def even_out(self) -> None:
        """Take from the last convolution what makes checkerboards of 2×2 samples of Y.

        See :meth:`gvc.model.generator.PictureHead.even_out`.
        """
        signs = torch.tensor([1.0, -1.0, -1.0, 1.0])
        for parameter in self.exit.parameters():
            luma = parameter[: _FOLD**2]
            sign = signs.to(parameter).view(-1, *[1] * (parameter.ndim - 1))
            luma -= sign * (sign * luma).mean(dim=0, keepdim=True)


def restoration_weights(network: RestorationNetwork) -> Weights:
    """The state of ``network`` as it is stored, in float16."""
    return stored(network, MODEL)


def load_restoration(path: Path | None = None) -> RestorationNetwork:
    """The network with weights in float32, without gradients of its own parameters.

    :param path: a weights file; None takes the one that ships.
    :raises WeightsError: if it cannot be read or is of another network.
    """
    loaded = weights.load_or_default(path, MODEL)
    cause = "holds no weights that restore key frames"
    return filled(RestorationNetwork(), loaded, cause, path=path)
