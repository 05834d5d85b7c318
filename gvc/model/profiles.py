"""Sizes of the networks, by name; one definition serves every profile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gvc.errors import UsageError


@dataclass(frozen=True, slots=True)
class Profile:
    """Widths and sizes of one MTTF network (symbols of the paper, section III).

    :param name: what the file header calls it.
    :param features: N_F, the number of latent channels; a motion code has 2·N_F coefficients.
    :param background_flows: N_bg of the 2·N_F flow components; the others are foreground.
    :param analysis_size: side of the fixed square that a frame is resized to for E_F.
    :param latent_size: side of the latent.
    :param analysis_fold: side of the square of its pixels folded into channels before E_F.
    :param stem_widths: convolutions of E_F before its U-Net, each but the first halving the size;
        empty if the U-Net takes the frame itself.
    :param flow_size: side of the coarse flows f.
    :param weight_scale: side of the weight maps over side of the flows.
    :param motion_size: S', side of the dense motion that keypoints say, and of m_fg.
    :param extractor_widths: U-Net of E_F, one width a level, finest first.
    :param code_widths: strided convolutions of E_W and E_B.
    :param motion_widths: U-Nets of FL and W.
    :param generator_fold: side of the square of pixels folded into channels before depth 0 of the
        generators, and unfolded behind it; 1 works at the picture's own size, as in the paper.
    :param generator_widths: channels by depth 0…N_B.
    :param residual_blocks: residual blocks at the generator's smallest size.
    :param background_widths: U-Net of BG, finest first.
    :param background_channels: channels of the background decoder by depth 0…N_B.
    :param generator_norm: batch norm in the generators, as in the paper.
    :param strided: halve sizes by strided convolutions, else by convolution and pooling.
    :param picture_skip: let the last block of each branch also blend in the warped key picture
        itself (eq. 21 once more, at the level of the picture).
    :param resolutions: supported picture sizes r_i (eq. 17), as sides of squares.
    """

    name: str
    features: int
    background_flows: int
    analysis_size: int
    analysis_fold: int
    latent_size: int
    flow_size: int
    weight_scale: int
    motion_size: int
    stem_widths: tuple[int, ...]
    extractor_widths: tuple[int, ...]
    code_widths: tuple[int, ...]
    motion_widths: tuple[int, ...]
    generator_fold: int
    generator_widths: tuple[int, ...]
    residual_blocks: int
    background_widths: tuple[int, ...]
    background_channels: tuple[int, ...]
    generator_norm: bool
    strided: bool
    picture_skip: bool
    resolutions: tuple[int, ...] = (128, 256, 512)

    @property
    def code_length(self) -> int:
        """Coefficients of a motion code: N_F weights, then N_F biases."""
        return 2 * self.features

    @property
    def flows(self) -> int:
        """Number of flow components, 2·N_F."""
        return 2 * self.features

    @property
    def face_flows(self) -> int:
        """How many of the foreground flows are relative to the motion of the face's keypoints."""
        return (self.flows - self.background_flows) // 2

    @property
    def depth(self) -> int:
        """N_B, the number of blocks on each side of the generator."""
        return len(self.generator_widths) - 1

    def resolution_of(self, height: int, width: int) -> int:
        """The supported resolution whose route a picture of this size takes (nearest by area)."""
        side = math.log2(max(1, height * width)) / 2
        return min(self.resolutions, key=lambda value: abs(math.log2(value) - side))

    def halvings(self, resolution: int) -> int:
        """n_u of eq. 19: how many of the N_B blocks change the size at this resolution."""
        return self.depth - int(math.log2(max(self.resolutions) // resolution))


LITE = Profile(
    name="lite",
    features=20,
    background_flows=5,
    analysis_size=256,
    analysis_fold=4,
    latent_size=32,
    flow_size=32,
    weight_scale=2,
    motion_size=128,
    stem_widths=(32, 32),
    extractor_widths=(32, 64, 96, 128),
    code_widths=(64, 128, 192),
    motion_widths=(32, 64, 96, 128),
    generator_fold=2,
    generator_widths=(32, 32, 64, 96),
    residual_blocks=2,
    background_widths=(24, 32, 48),
    background_channels=(16, 16, 24, 32),
    generator_norm=False,
    strided=True,
    picture_skip=True,
)

PAPER = Profile(
    name="paper",
    features=20,
    background_flows=5,
    analysis_size=64,
    analysis_fold=1,
    latent_size=64,
    flow_size=64,
    weight_scale=1,
    motion_size=128,
    stem_widths=(),
    extractor_widths=(32, 64, 128, 256, 512, 1024),
    code_widths=(64, 128, 256, 512),
    motion_widths=(32, 64, 128, 256, 512, 1024),
    generator_fold=1,
    generator_widths=(64, 128, 256, 512),
    residual_blocks=6,
    background_widths=(64, 128, 256, 512),
    background_channels=(64, 128, 256, 512),
    generator_norm=True,
    strided=False,
    picture_skip=False,
)

_PROFILES = {profile.name: profile for profile in (LITE, PAPER)}


def profile_names() -> Sequence[str]:
    """The names that :func:`get_profile` takes."""
    return tuple(_PROFILES)


def get_profile(name: str) -> Profile:
    """Look a profile up by name.

    :raises UsageError: if there is none of that name.
    """
    try:
        return _PROFILES[name]
    except KeyError:
        known = ", ".join(_PROFILES)
        raise UsageError(f"no model is called {name!r}", hint=f"one of: {known}") from None
