"""Blocks that the networks are made of. Tensors are float32 NCHW unless said otherwise."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from gvc.ops import identity_grid as identity_grid
from gvc.ops import resize as resize


def upsample(features: Tensor, height: int, width: int) -> Tensor:
    """Nearest-neighbour upsampling to a given size, as before a decoder's convolution."""
    return functional.interpolate(features, size=(height, width), mode="nearest")


class ConvBlock(nn.Module):
    """Convolution 3×3, optional batch norm, ReLU; ``halve`` gives half the size (rounded up)."""

    def __init__(
        self, inputs: int, outputs: int, *, norm: bool, halve: bool = False, strided: bool = True
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(
            inputs, outputs, 3, stride=2 if halve and strided else 1, padding=1, bias=not norm
        )
        self.norm = nn.BatchNorm2d(outputs) if norm else nn.Identity()
        self.pool = nn.AvgPool2d(2, ceil_mode=True) if halve and not strided else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, outputs, H, W], or to half that size."""
        return self.pool(functional.relu(self.norm(self.convolution(features)), inplace=True))

    def enlarge(self, features: Tensor, height: int, width: int) -> Tensor:
        """Map [N, inputs, H, W], upsampled to ``height``×``width``, to [N, outputs, …]."""
        return self(upsample(features, height, width))


class AddedConvolution(nn.Conv2d):
    """A convolution 3×3 whose result is added to something."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1)

    def forward(self, features: Tensor, to: Tensor) -> Tensor:  # type: ignore[override]
        """Map [N, inputs, H, W] and what it is added to, [N, outputs, H, W], to their sum.

        :param to: may be used up where no gradients are recorded.
        """
        return to + super().forward(features)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside the identity (pre-activation)."""

    def __init__(self, channels: int, *, norm: bool) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels) if norm else nn.Identity()
        self.norm2 = nn.BatchNorm2d(channels) if norm else nn.Identity()
        self.convolution1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.convolution2 = AddedConvolution(channels, channels)
        if not norm:
            # Without norms the sum over blocks would grow; start as the identity.
            nn.init.zeros_(self.convolution2.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, C, H, W], which may be used up without gradients, to the same shape."""
        inner = self.convolution1(functional.relu(self.norm1(features)))
        return self.convolution2(functional.relu(self.norm2(inner), inplace=True), features)


class UNet(nn.Module):
    """Encoder-decoder with skip connections, down to 1/2^(levels-1) of the input's size.

    The output has the input's size and ``out_channels`` = 2·widths[0] channels: the decoder's
    last features beside the first features of the encoder.
    """

    def __init__(
        self, inputs: int, widths: Sequence[int], *, norm: bool = True, strided: bool = True
    ) -> None:
        super().__init__()
        self.stem = ConvBlock(inputs, widths[0], norm=norm)
        self.down = nn.ModuleList(
            ConvBlock(fine, coarse, norm=norm, halve=True, strided=strided)
            for fine, coarse in itertools.pairwise(widths)
        )
        self.up = nn.ModuleList(
            ConvBlock(coarse if last else 2 * coarse, fine, norm=norm)
            for last, fine, coarse in zip(
                [False] * (len(widths) - 2) + [True], widths[:-1], widths[1:], strict=True
            )
        )
        self.out_channels = 2 * widths[0]

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, out_channels, H, W]."""
        skips = [self.stem(features)]
        for block in self.down:
            skips.append(block(skips[-1]))
        features = skips.pop()
        for block in reversed(self.up):
            skip = skips.pop()
            enlarged = cast(ConvBlock, block).enlarge(features, *skip.shape[-2:])
            features = torch.cat([enlarged, skip], dim=1)
        return features


class GeneralisedDivisiveNorm(nn.Module):
    """GDN of Ballé et al.: y_i = x_i / sqrt(β_i + Σ_j γ_ij x_j²), with β > 0 and γ ≥ 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.ones(channels))
        self.gamma = nn.Parameter(
            torch.full((channels, channels), 0.03) + 0.3 * torch.eye(channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, C, H, W] to the same shape."""
        gamma = self.gamma.abs()[:, :, None, None]
        energy = functional.conv2d(features * features, gamma, self.beta.abs() + 1e-6)
        return features * torch.rsqrt(energy)
