"""What an encoder runs: pictures to motion codes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from gvc.model.device import select_device, to_tensor
from gvc.model.mttf import Mttf


class Analyser:
    """Motion codes of pictures, without the generators.

    :param network: in evaluation mode; it is moved to ``device``.
    :raises UsageError: if this machine has no such device.
    """

    def __init__(self, network: Mttf, *, device: str = "cpu") -> None:
        self._device = select_device(device)
        self._extractor = network.extractor.to(self._device)
        self._coder = network.coder.to(self._device)

    @torch.inference_mode()
    def codes(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        """Motion codes (w, b) of RGB pictures uint8 [H, W, 3].

        :returns: float32 [N, 2·N_F], in units of the coder's spread.
        """
        batch = to_tensor(np.stack(pictures), self._device)
        code = self._coder(self._extractor(batch)) / self._coder.spread
        return code.float().cpu().numpy()
