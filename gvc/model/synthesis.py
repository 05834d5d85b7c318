"""What a decoder runs: a key picture and motion codes to pictures of 8-bit planes 4:2:0."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from gvc.model.canvas import Canvas, Place
from gvc.model.device import select_device, to_tensor
from gvc.model.mttf import KeyState, Mttf
from gvc.ops import Branches, compose_planes
from gvc.ops import YuvMatrix as YuvMatrix


class Synthesiser:
    """Animates key pictures.

    :param network: in evaluation mode; it is moved to ``device``.
    :raises UsageError: if this machine has no such device.
    """

    def __init__(self, network: Mttf, *, device: str = "cpu") -> None:
        self._device = select_device(device)
        self._network = network.to(self._device)

    @torch.inference_mode()
    def prepare(self, picture: npt.NDArray[np.uint8]) -> KeyState:
        """Compute once what depends on the key picture alone.

        :param picture: RGB, uint8 [H, W, 3], H and W multiples of 16.
        """
        key = to_tensor(picture[None], self._device)
        return self._network.key_state(key.contiguous(memory_format=torch.channels_last))

    @torch.inference_mode()
    def animate(
        self, state: KeyState, codes: npt.NDArray[np.float32], matrix: YuvMatrix
    ) -> npt.NDArray[np.uint8]:
        """Generate one picture for each motion code.

        :param codes: float32 [N, 2·N_F], in units of the coder's spread.
        :param matrix: from RGB to the pictures' Y'CbCr.
        :returns: planes 4:2:0, uint8 [N, H·3/2, W], as ``av.VideoFrame.from_ndarray`` takes
            yuv420p.
        """
        return compose_planes(self._branches(state, codes), matrix).cpu().numpy()

    @torch.inference_mode()
    def spread(
        self, state: KeyState, planes: npt.NDArray[np.uint8], place: Place, matrix: YuvMatrix
    ) -> Canvas:
        """Compute once what depends on a key picture of which a part is animated.

        :param state: of that part. The rest is as for :class:`Canvas`.
        """
        return Canvas(state, planes, place, matrix)

    @torch.inference_mode()
    def animate_on(
        self,
        canvas: Canvas,
        codes: npt.NDArray[np.float32],
        pictures: npt.NDArray[np.uint8] | None = None,
    ) -> npt.NDArray[np.uint8]:
        """The same as :meth:`animate`, in the whole picture: uint8 [N, H·3/2, W] of its size.

        :param pictures: see :meth:`Canvas.draw`.
        """
        branches = self._branches(canvas.state, codes)
        return canvas.draw(branches, compose_planes(branches, canvas.matrix), pictures)

    def _branches(self, state: KeyState, codes: npt.NDArray[np.float32]) -> Branches:
        code = torch.from_numpy(codes).to(self._device) * self._network.coder.spread
        return self._network.generate(state, self._network.estimate(state, code))
