"""What a network makes of a few pictures before a stream is coded with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from gvc.model.adaptation import ADAPTATION_SIDE, shrink
from gvc.model.analysis import Analyser
from gvc.model.check import MotionCheck
from gvc.model.device import select_device, to_tensor
from gvc.model.distance import Distance
from gvc.model.inference import for_inference
from gvc.model.mttf import network_from
from gvc.model.weights import Weights
from gvc.ops import paint


@torch.inference_mode()
def mean_distance(
    weights: Weights,
    pictures: Sequence[npt.NDArray[np.uint8]],
    distance: Distance,
    *,
    device: str = "cpu",
) -> float:
    """How far on average the others are from what is made of them, if the middle one is the key.

    Neither the key frame nor motion codes are coded: both cost all models about the same.

    :param pictures: RGB uint8 [H, W, 3], two at least, H and W multiples of 16.
    """
    network = for_inference(network_from(weights)).to(select_device(device))
    middle = len(pictures) // 2
    key, others = pictures[middle], [*pictures[:middle], *pictures[middle + 1 :]]
    codes = Analyser(network, device=device).codes(others)
    small = [shrink(picture, ADAPTATION_SIDE) for picture in others]
    codes = MotionCheck(network, device=device).check(key, small, codes)
    state = network.key_state(to_tensor(key[None], select_device(device)))
    sent = torch.from_numpy(codes).to(select_device(device)) * network.coder.spread
    made = paint(network.generate(state, network.estimate(state, sent))).flatten()
    return float(distance.distance(others, made).mean())
