"""Where networks run: the one place that looks at devices and threads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gvc.errors import UsageError
from gvc.process import is_forked


def select_device(name: str) -> torch.device:
    """The device called ``name`` (``cpu``, ``cuda``, ``cuda:1``…).

    :raises UsageError: if the name means nothing or this machine has no such device.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"no device is called {name!r}", hint="cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device {name!r} is not available on this machine", hint="use cpu")
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"device {name!r} is not supported", hint="cpu or cuda")
    return device


def to_tensor(pictures: npt.NDArray[np.uint8], device: torch.device) -> Tensor:
    """RGB pictures uint8 [N, H, W, 3] as networks take them: float32 [N, 3, H, W] in [0, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).to(device).float() / 255


def set_threads(count: int | None) -> None:
    """Let networks and native kernels use ``count`` CPU threads; None keeps torch's choice.

    In a forked process that choice would be threads that are not there: it is one thread then.
    """
    if count is None and is_forked():
        count = 1
    if count is not None:
        torch.set_num_threads(count)
