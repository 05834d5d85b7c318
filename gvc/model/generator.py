"""Resolution-expandable generators of foreground and background (paper, sections III-D, III-E).

The blocks of one depth are shared by all resolutions that change size there; a resolution that
has to keep its size at that depth has a block of its own (figure 3 of the paper)::

    depth          0 ───► 1 ───► 2 ───► 3
    512² folded   256 d  128 d   64 d   32
    256² folded   128 g  128 d   64 d   32
    128² folded    64 g   64 g   64 d   32
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from gvc.model.keypoints import LABELS
from gvc.model.layers import AddedConvolution, ConvBlock, ResidualBlock, UNet, resize
from gvc.model.motion import DenseMotion, sample
from gvc.model.profiles import Profile
from gvc.ops import blend_warped


class Route(nn.Module):
    """One side of a generator: for each depth a block shared by sizes, and blocks that keep size.

    :param decode: False for depth i → i+1 (halving), True for depth i+1 → i (doubling).
    """

    def __init__(
        self, profile: Profile, widths: Sequence[int], *, norm: bool, decode: bool
    ) -> None:
        super().__init__()
        self.profile = profile
        self.decode = decode
        pairs = list(itertools.pairwise(widths))
        if decode:
            pairs = [(deep, shallow) for shallow, deep in pairs]
        halve = not decode
        self.resizing = nn.ModuleList(
            ConvBlock(*pair, norm=norm, halve=halve, strided=profile.strided) for pair in pairs
        )
        self.keeping = nn.ModuleDict(
            {
                f"{resolution}_{depth}": ConvBlock(*pairs[depth], norm=norm)
                for resolution in profile.resolutions
                for depth in range(profile.depth - profile.halvings(resolution))
            }
        )

    def step(self, features: Tensor, resolution: int, depth: int, size: Sequence[int]) -> Tensor:
        """Apply the block between ``depth`` and ``depth + 1``; ``size`` is the decoder's target."""
        if depth < self.profile.depth - self.profile.halvings(resolution):
            return self.keeping[f"{resolution}_{depth}"](features)
        block = cast(ConvBlock, self.resizing[depth])
        return block.enlarge(features, *size) if self.decode else block(features)


class PictureHead(nn.Module):
    """Last features to folded logits of maps of the picture's size; the last is the gate, if any.

    What they say is made a picture by :func:`gvc.ops.paint`.
    """

    def __init__(self, inputs: int, maps: int, profile: Profile) -> None:
        super().__init__()
        self.fold = profile.generator_fold
        self.convolution = nn.Conv2d(inputs, maps * self.fold**2, 3, padding=1)
        if profile.picture_skip:
            # Begin by passing the warped key picture on: sharp from the first step.
            bias = torch.zeros(maps, self.fold**2)
            bias[-1] = -2.0
            self.convolution.bias = nn.Parameter(bias.flatten())

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, inputs, H/fold, W/fold] to logits [N, maps·fold², H/fold, W/fold]."""
        logits: Tensor = self.convolution(features)
        return logits

    @torch.no_grad()
    def even_out(self) -> None:
        """Take from the weights what makes checkerboards of the squares that a feature becomes.

        No picture needs them: what is as fine comes from the key picture. LPIPS likes them, and
        people see a lattice on skin, and dashes at lips and lids.
        """
        side = self.fold
        if side == 1:
            return
        places = torch.arange(side)
        signs = (1 - 2 * ((places[:, None] + places) % 2)).flatten()
        for parameter in self.convolution.parameters():
            squares = parameter.view(-1, side**2, *parameter.shape[1:])
            sign = signs.to(parameter).view(-1, *[1] * (parameter.ndim - 1))
            squares -= sign * (sign * squares).mean(dim=1, keepdim=True)


class ForegroundGenerator(nn.Module):
    """Warp while generating: eq. 20 to 22.

    Unlike the paper's, its smaller sizes also see the motion itself and which part of a face
    belongs where: lips that part and lids that meet show what the key frame may not, so warping it
    is not enough.
    """

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        widths, norm = profile.generator_widths, profile.generator_norm
        self.profile = profile
        self.fold = nn.PixelUnshuffle(profile.generator_fold)
        self.stem = ConvBlock(3 * profile.generator_fold**2, widths[0], norm=norm)
        self.encoder = Route(profile, widths, norm=norm, decode=False)
        self.residual = nn.Sequential(
            *(ResidualBlock(widths[-1], norm=norm) for _ in range(profile.residual_blocks))
        )
        self.decoder = Route(profile, widths, norm=norm, decode=True)
        guides = [AddedConvolution(5 + LABELS, width) for width in widths[1:]]
        for guide in guides:
            nn.init.zeros_(guide.weight)
        self.guides = nn.ModuleList(guides)
        self.head = PictureHead(widths[0], 5 if profile.picture_skip else 4, profile)

    def encode(self, key: Tensor) -> list[Tensor]:
        """Features of the key frame by depth; they depend on nothing else.

        :param key: Î, [N, 3, H, W] in [0, 1], H and W multiples of 16.
        """
        resolution = self.profile.resolution_of(*key.shape[-2:])
        features = [self.stem(self.fold(key - 0.5))]
        for depth in range(self.profile.depth):
            features.append(self.encoder.step(features[-1], resolution, depth, ()))
        return features

    def forward(self, key: Tensor, features: list[Tensor], motion: DenseMotion) -> Tensor:
        """Generate folded logits of P_fg, of the details of M_fg and, if there is one, of the gate.

        :returns: as ``foreground`` of :class:`gvc.ops.Branches`.
        """
        resolution = self.profile.resolution_of(*key.shape[-2:])
        # Displacements of a few hundredths, on the scale of the other channels.
        coarse = torch.cat([motion.occlusion, motion.origin], dim=1)
        coarse = resize(coarse, *motion.foreground.shape[-2:])
        seen = torch.cat([10 * motion.foreground, coarse, motion.labels], dim=1)

        def guided(inner: Tensor, depth: int) -> Tensor:
            return self.guides[depth - 1](resize(seen, *inner.shape[-2:]), inner)

        inner = guided(sample(features[-1], motion.foreground), self.profile.depth)
        inner = self.residual(inner)
        for depth in reversed(range(1, self.profile.depth)):
            size = features[depth].shape[-2:]
            inner = guided(self.decoder.step(inner, resolution, depth, size), depth)
            inner = blend_warped(inner, features[depth], motion.foreground, motion.occlusion)
        inner = self.decoder.step(inner, resolution, 0, features[0].shape[-2:])
        return self.head(blend_warped(inner, features[0], motion.foreground, motion.occlusion))


class BackgroundGenerator(nn.Module):
    """Warp, then generate: eq. 18 and 19."""

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        channels, norm = profile.background_channels, profile.generator_norm
        self.profile = profile
        self.network = UNet(3, profile.background_widths, norm=norm, strided=profile.strided)
        self.entry = ConvBlock(self.network.out_channels, channels[-1], norm=norm)
        self.decoder = Route(profile, channels, norm=norm, decode=True)
        self.head = PictureHead(channels[0], 4 if profile.picture_skip else 3, profile)

    def forward(self, key: Tensor, motion: DenseMotion) -> Tensor:
        """Generate folded logits of P_bg and, if there is one, of the gate.

        :returns: as ``background`` of :class:`gvc.ops.Branches`.
        """
        resolution = self.profile.resolution_of(*key.shape[-2:])
        halvings = self.profile.halvings(resolution)
        height, width = (side // self.profile.generator_fold for side in key.shape[-2:])
        small = resize(key, height >> halvings, width >> halvings)
        inner = self.entry(self.network(sample(small, motion.background) - 0.5))
        for depth in reversed(range(self.profile.depth)):
            shift = max(0, depth - (self.profile.depth - halvings))
            inner = self.decoder.step(inner, resolution, depth, (height >> shift, width >> shift))
        return self.head(inner)
