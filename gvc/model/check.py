"""Motion codes that an encoder had better not send: adaptation in the encoder alone.

Where E_F loses a face, a motion code would tear the picture. The encoder has both pictures, and the
motion of the keypoints is cheap to compute: so it looks whether the key frame, moved as the code
says, comes closer to the original at all.
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

#: Side at which pictures are compared.
_SIDE = 64

#: Codes may be so much worse than standing still: of a face that hardly moves, lips and lids
#: are worth more than that.
_MARGIN = 1.05

#: Pictures are alike if they differ by no more than :data:`_SAME`, or by this share of what they
#: differed by before they were moved. Talking heads are at 0.3 to 0.8, two people, or one whom E_F
#: has lost, at 0.9 to 2.
_SAME, _ALIKE = 0.02, 0.8

#: Frames checked together.
_BATCH = 16


class MotionCheck:
    """Replaces motion codes that show less than the key frame standing still.

    :param network: in evaluation mode, on ``device``.
    """

    def __init__(self, network: Mttf, *, device: str = "cpu") -> None:
        self._network = network
        self._device = select_device(device)

    @torch.inference_mode()
    def check(
        self,
        key: npt.NDArray[np.uint8],
        pictures: Sequence[npt.NDArray[np.uint8]],
        codes: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.float32]:
        """Keep good codes; in place of a bad one hold the last good one, or the key frame's own.

        :param key: the decoded key frame, RGB uint8 [H, W, 3].
        :param pictures: the originals in order, RGB uint8 [h, w, 3] each.
        :param codes: of the originals, float32 [N, 2·N_F] in units of the coder's spread.
        :returns: the same, where none was bad.
        """
        state = self._network.key_state(to_tensor(key[None], self._device), features=False)
        source = resize(state.picture, _SIDE, _SIDE)
        sent = torch.from_numpy(codes).to(self._device) * self._network.coder.spread
        last = state.code
        for first in range(0, len(sent), _BATCH):
            part = slice(first, first + _BATCH)
            frames = resize(to_tensor(np.stack(pictures[part]), self._device), _SIDE, _SIDE)
            limit = _MARGIN * _difference(source, frames)
            bad = self._error(state, source, sent[part], frames) > limit
            for place in range(len(frames)):
                if bad[place]:
                    held = self._error(state, source, last, frames[place : place + 1])
                    sent[first + place] = last if held <= limit[place] else state.code
                last = sent[first + place : first + place + 1]
        return (sent / self._network.coder.spread).cpu().numpy()

    @torch.inference_mode()
    def mixes(
        self,
        key: npt.NDArray[np.uint8],
        other: npt.NDArray[np.uint8],
        picture: npt.NDArray[np.uint8],
        code: npt.NDArray[np.float32],
    ) -> bool:
        """Whether a frame may show a mix of what two key frames make of it.

        It may if moving both as the code says has made them alike, and if their mean is as close to
        the original as the first alone: then nothing appears twice.

        :param key: one decoded key frame, RGB uint8 [H, W, 3]; :param other: another one.
        :param picture: the original, RGB uint8 [h, w, 3].
        :param code: its motion code, float32 [2·N_F] in units of the coder's spread.
        """
        sent = torch.from_numpy(code[None]).to(self._device) * self._network.coder.spread
        original = resize(to_tensor(picture[None], self._device), _SIDE, _SIDE)
        still, moved = list[Tensor](), list[Tensor]()
        for each in (key, other):
            state = self._network.key_state(to_tensor(each[None], self._device), features=False)
            face = self._network.face_motion(state, sent, _SIDE)
            still.append(resize(state.picture, _SIDE, _SIDE))
            moved.append(sample(still[-1], face.displacement))
        apart = float(_difference(*moved))
        if apart > max(_SAME, _ALIKE * float(_difference(*still))):
            return False
        mixed = _difference((moved[0] + moved[1]) / 2, original)
        return bool(mixed <= _MARGIN * _difference(moved[0], original))

    def _error(self, state: KeyState, source: Tensor, codes: Tensor, frames: Tensor) -> Tensor:
        """What is left between ``frames`` and the key frame moved by ``codes``, each [N]."""
        face = self._network.face_motion(state, codes, _SIDE)
        return _difference(sample(source, face.displacement), frames)


def _difference(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).abs().mean(dim=(1, 2, 3))
