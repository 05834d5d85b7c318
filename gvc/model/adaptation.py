"""Motion codes fitted to the pictures that they are to give: adaptation in the encoder alone.

The coder predicts a motion code in one pass and never sees what a decoder makes of it. Here the
code goes on from there by gradient descent through the motion networks, so that the decoded key
frame, warped, comes closer to the original. Decoders know nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gvc.model.device import select_device, to_tensor
from gvc.model.layers import resize
from gvc.model.motion import sample
from gvc.model.mttf import KeyState, Mttf

#: Side of the square to which pictures are resized.
ADAPTATION_SIDE = 128

#: Side of the dense motion through which codes are fitted: a quarter of the work of the network's.
_MOTION_SIDE = 64

#: Sides at which warped and original pictures are compared.
_SIDES = (ADAPTATION_SIDE, 64, 32)

#: Frames fitted together; each batch begins where the last one ended.
_BATCH = 16

#: Weight of the change from frame to frame, which costs bits, against that of the pictures.
_SMOOTHNESS = 2e-4


class Adapter:
    """Fits motion codes to pictures.

    :param network: in evaluation mode, on ``device``.
    :param steps: gradient steps a batch.
    """

    def __init__(self, network: Mttf, *, steps: int, device: str = "cpu") -> None:
        self._network = network
        self._steps = steps
        self._device = select_device(device)

    def adapt(
        self,
        key: npt.NDArray[np.uint8],
        pictures: Sequence[npt.NDArray[np.uint8]],
        codes: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.float32]:
        """Motion codes that say better how to make ``pictures`` out of ``key``.

        :param key: the decoded key frame, RGB uint8 [H, W, 3].
        :param pictures: the originals, RGB uint8 [h, w, 3] each.
        :param codes: what the coder made of them, float32 [N, 2·N_F] in units of its spread.
        :returns: the same, fitted.
        """
        picture = to_tensor(key[None], self._device)
        with torch.no_grad():
            state = self._network.key_state(picture, features=False)
        sources = _pyramid(picture)
        start = torch.from_numpy(codes).to(self._device)
        offset = torch.zeros_like(start[:1])
        fitted: list[Tensor] = []
        for first in range(0, len(codes), _BATCH):
            batch = to_tensor(np.stack(pictures[first : first + _BATCH]), self._device)
            last = fitted[-1][-1:] if fitted else None
            code = self._fit(state, sources, batch, start[first : first + _BATCH], offset, last)
            offset = (code - start[first : first + _BATCH])[-1:]
            fitted.append(code)
        return torch.cat(fitted).cpu().numpy()

    def _fit(
        self,
        state: KeyState,
        sources: list[Tensor],
        pictures: Tensor,
        start: Tensor,
        offset: Tensor,
        last: Tensor | None,
    ) -> Tensor:
        targets = _pyramid(pictures)
        code = (start + offset).detach().requires_grad_(True)
        optimiser = torch.optim.Adam([code], lr=0.25, betas=(0.8, 0.95))
        spread = self._network.coder.spread
        for _ in range(self._steps):
            motion = self._network.estimate(state, code * spread, size=_MOTION_SIDE)
            loss = torch.zeros((), device=self._device)
            for source, target in zip(sources, targets, strict=True):
                loss = loss + (sample(source, motion.foreground) - target).abs().mean()
            before = code[:1].detach() if last is None else last
            loss = loss + _SMOOTHNESS * (code - torch.cat([before, code[:-1]])).abs().sum(1).mean()
            optimiser.zero_grad()
            # The mean over frames would make a frame's step depend on how many there are.
            (loss * len(code)).backward()
            optimiser.step()
        return code.detach()


def shrink(picture: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """RGB uint8 [H, W, 3] resized to a square; so small, a whole group can be kept."""
    tensor = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    small = resize(tensor, side, side).round().clamp(0, 255).byte()
    return small[0].permute(1, 2, 0).contiguous().numpy()


def _pyramid(picture: Tensor) -> list[Tensor]:
    return [resize(picture, side, side) for side in _SIDES]
