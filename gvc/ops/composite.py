"""The last step of decoding: what two branches say of a frame, to pictures and to 8-bit planes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from gvc.ops.arrays import described, run, runs_natively
from gvc.ops.build import native
from gvc.ops.flow_warp import averaged, blend_warped
from gvc.ops.resizing import resize

#: Maps of the foreground's picture and mask, and of the background's picture, without gates.
_FOREGROUND, _BACKGROUND = 4, 3


@dataclass(frozen=True, slots=True)
class YuvMatrix:
    """How R'G'B' becomes 8-bit Y'CbCr (H.273, non-constant luminance).

    :param red: K_R, the weight of red in luma; :param blue: K_B.
    :param full_range: whether samples span 0 to 255, else 16 to 235 (luma) and 240 (chroma).
    """

    red: float
    blue: float
    full_range: bool = False

    def rows(self) -> list[list[float]]:
        """Y, Cb, Cr in levels of 0 to 255, by their shares of R, G, B in [0, 1] and of 1."""
        weights = [self.red, 1 - self.red - self.blue, self.blue]
        luma, chroma, black = (255, 255, 0) if self.full_range else (219, 224, 16)

        def difference(colour: int) -> list[float]:
            scale = chroma / (2 * (1 - weights[colour]))
            parts = [scale * ((index == colour) - weights[index]) for index in range(3)]
            return [*parts, 128]

        return [[luma * weight for weight in weights] + [black], difference(2), difference(0)]


@dataclass(frozen=True, slots=True)
class Branches:
    """What the networks say of N frames of H×W, before logits are unfolded.

    Logits are folded as by ``torch.nn.PixelUnshuffle(f)``. With a gate, a branch shows
    gate·own + (1 − gate)·key, the key picture warped by the branch's motion.

    :param foreground: logits of RGB, mask and, if branches have gates, gate,
        [N, 4·f² or 5·f², H/f, W/f], best in channels-last memory.
    :param background: logits of RGB and gate, [N, 3·f² or 4·f², H/f, W/f], likewise.
    :param person: logits, resized to H×W and added to those of the mask, [N, 1, h, w].
    :param key: key pictures, RGB [1 or N, 3, H, W] in [0, 1].
    :param foreground_motion: as in :func:`gvc.ops.warp_by_flow`, [N, 2, h', w'].
    :param background_motion: likewise, of any size.
    """

    foreground: Tensor
    background: Tensor
    person: Tensor
    key: Tensor
    foreground_motion: Tensor
    background_motion: Tensor


@dataclass(frozen=True, slots=True)
class Layers:
    """Two pictures and what lies between them.

    :param foreground: RGB [N, 3, H, W] in [0, 1]; :param background: likewise.
    :param mask: how much of the foreground is seen, [N, 1, H, W] in [0, 1].
    """

    foreground: Tensor
    background: Tensor
    mask: Tensor

    def flatten(self) -> Tensor:
        """The picture that is seen, RGB [N, 3, H, W] in [0, 1]."""
        return torch.lerp(self.background, self.foreground, self.mask)


def paint(branches: Branches) -> Layers:
    """Make pictures of what the branches say; gradients pass."""
    key = branches.key
    fold = key.shape[-1] // branches.foreground.shape[-1]
    front = functional.pixel_shuffle(branches.foreground, fold)
    back = torch.sigmoid(functional.pixel_shuffle(branches.background, fold))
    foreground, background = torch.sigmoid(front[:, :3]), back[:, :_BACKGROUND]
    if front.shape[1] > _FOREGROUND:
        # How much of the picture is the warped key frame, one less the gate.
        kept = torch.sigmoid(-front[:, _FOREGROUND:])
        foreground = blend_warped(foreground, key, branches.foreground_motion, kept)
        kept = 1 - back[:, _BACKGROUND:]
        background = blend_warped(background, key, branches.background_motion, kept)
    mask = torch.sigmoid(front[:, 3:4] + resize(branches.person, *key.shape[-2:]))
    return Layers(foreground, background, mask)


def compose_planes(branches: Branches, matrix: YuvMatrix) -> Tensor:
    """Make 8-bit planes 4:2:0 of what the branches say.

    Chroma is that of the mean of 2×2 pixels. Inputs that are no numbers give some picture.

    :returns: uint8 [N, H·3/2, W] on the device of ``branches``: lines of Y, then those of Cb, two
        to a row, then those of Cr, as ``av.VideoFrame.from_ndarray`` takes yuv420p.
    """
    given = (
        branches.foreground, branches.background, branches.person,
        branches.key, branches.foreground_motion, branches.background_motion,
    )  # fmt: skip
    if not runs_natively(*given):
        return to_planes(paint(branches).flatten(), matrix)
    height, width = branches.key.shape[-2:]
    size = len(branches.foreground), 1, height * 3 // 2, width
    planes = torch.empty(size, dtype=torch.uint8, device=branches.key.device)
    # Kept by name: the kernel knows no more of them than their addresses.
    person = averaged(branches.person, height, width)
    foreground_motion = averaged(branches.foreground_motion, height, width)
    background_motion = averaged(branches.background_motion, height, width)
    run(
        native.compose_planes,
        described(branches.foreground),
        described(branches.background),
        described(person),
        described(branches.key),
        described(foreground_motion),
        described(background_motion),
        matrix.rows(),
        described(planes),
        on=branches.key,
    )
    return planes[:, 0]


def to_planes(picture: Tensor, matrix: YuvMatrix) -> Tensor:
    """8-bit planes 4:2:0, as of :func:`compose_planes`, of RGB [N, 3, H, W] in [0, 1]."""
    rows = picture.new_tensor(matrix.rows())
    luma = (picture * rows[0, :3, None, None]).sum(dim=1) + rows[0, 3]
    halved = functional.avg_pool2d(picture, 2)
    chroma = (halved[:, None] * rows[1:, :3, None, None]).sum(dim=2) + rows[1:, 3, None, None]
    levels = torch.cat([luma.flatten(1), chroma.flatten(1)], dim=1)
    levels = levels.round().clamp(0, 255).nan_to_num(0)
    return levels.byte().unflatten(1, (-1, picture.shape[-1]))
