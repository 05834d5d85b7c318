"""A network's parameters to what a weights file holds, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from gvc.errors import WeightsError
from gvc.model.weights import Weights, fingerprint

Network = TypeVar("Network", bound=nn.Module)


def stored(network: nn.Module, model: str) -> Weights:
    """The parameters of ``network`` as they are stored, in float16.

    :param model: name of the network in its file.
    """
    arrays = {
        name: np.ascontiguousarray(value.detach().cpu().numpy().astype(np.float16))
        for name, value in network.state_dict().items()
        if value.is_floating_point()
    }
    return Weights(model, arrays, fingerprint(arrays))


def filled(network: Network, loaded: Weights, cause: str, *, path: Path | None) -> Network:
    """``network`` with stored parameters in float32, for inference; they get no gradients.

    :param cause: what is wrong where the tensors do not fit. :param path: where they come from.
    :raises WeightsError: if they do not fit.
    """
    expected = {
        name: tuple(value.shape)
        for name, value in network.state_dict().items()
        if value.is_floating_point()
    }
    if {name: array.shape for name, array in loaded.arrays.items()} != expected:
        raise WeightsError(cause, path=path)
    state = {name: torch.from_numpy(array).float() for name, array in loaded.arrays.items()}
    # What counts batches is no parameter, and is not stored.
    network.load_state_dict(state, strict=False)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)
