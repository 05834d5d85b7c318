"""LPIPS on SqueezeNet features (Zhang et al. 2018, version 0.1), as a loss and a validation score.

The two files it needs are looked for where their owners put them, then in the folder that the
environment variable ``GVC_METRIC_WEIGHTS`` (or ``--metric-weights``) names:

* the convolutions of torchvision's SqueezeNet 1.1, in the torch hub cache;
* the linear heads inside the package ``lpips`` (its code is not imported).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from gvc.errors import WeightsError

_CHANNELS = (64, 128, 256, 384, 384, 512, 512)
#: Indices into SqueezeNet's ``features`` behind which LPIPS looks.
_TAPS = (1, 4, 7, 9, 10, 11, 12)


class Fire(nn.Module):
    """SqueezeNet's module: squeeze 1×1, then expand 1×1 beside 3×3."""

    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, 2·expand, H, W]."""
        features = functional.relu(self.squeeze(features))
        both = torch.cat([self.expand1x1(features), self.expand3x3(features)], dim=1)
        return functional.relu(both)


class LpipsSqueeze(nn.Module):
    """LPIPS with SqueezeNet 1.1; lower is more alike.

    :param folder: where to look for the weights besides the usual places.
    :raises WeightsError: if they are not found.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__()
        pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2),
            nn.ReLU(),
            pool,
            Fire(64, 16, 64),
            Fire(128, 16, 64),
            pool,
            Fire(128, 32, 128),
            Fire(256, 32, 128),
            pool,
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            Fire(512, 64, 256),
        )
        self.heads = nn.ParameterList(torch.zeros(1, count, 1, 1) for count in _CHANNELS)
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188])[:, None, None])
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450])[:, None, None])
        self._load(folder)
        self.requires_grad_(False)
        self.eval()

    def _load(self, folder: Path | None) -> None:
        hub = Path(torch.hub.get_dir()) / "checkpoints"
        backbone = [*hub.glob("squeezenet1_1-*.pth")]
        heads = [path for path in [_packaged_heads()] if path]
        if folder is not None:
            backbone.append(folder / "squeezenet1_1_features_tv.pth")
            heads.append(folder / "squeeze.pth")
        state = _read(_first(backbone, "SqueezeNet 1.1"))
        own = {name.removeprefix("features."): value for name, value in state.items()}
        self.features.load_state_dict(
            {name: value for name, value in own.items() if not name.startswith("classifier")}
        )
        linear = _read(_first(heads, "the LPIPS heads"))
        for index, head in enumerate(self.heads):
            head.data.copy_(linear[f"lin{index}.model.1.weight"])

    def describe(self, picture: Tensor) -> list[Tensor]:
        """Unit-length features of RGB [N, 3, H, W] in [0, 1], weighted for squared distances."""
        hidden = (picture * 2 - 1 - self.shift) / self.scale
        described = []
        for index, layer in enumerate(self.features):
            hidden = layer(hidden)
            if index in _TAPS:
                # The small term keeps the root differentiable where all features are zero.
                length = (hidden.square().sum(dim=1, keepdim=True) + 1e-16).sqrt()
                described.append(hidden / (length + 1e-10))
        return described

    def distance(self, one: list[Tensor], other: list[Tensor]) -> Tensor:
        """LPIPS of each pair of described pictures, [N]."""
        total = torch.zeros(len(one[0]), device=one[0].device)
        for head, left, right in zip(self.heads, one, other, strict=True):
            total = total + ((left - right).square() * head).sum(dim=1).mean(dim=(1, 2))
        return total

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """LPIPS of each pair of RGB pictures [N, 3, H, W] in [0, 1]: [N]."""
        return self.distance(self.describe(one), self.describe(other))


def _packaged_heads() -> Path | None:
    spec = importlib.util.find_spec("lpips")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "weights" / "v0.1" / "squeeze.pth"


def _first(candidates: list[Path], what: str) -> Path:
    for path in candidates:
        if path.is_file():
            return path
    raise WeightsError(
        f"{what} not found for the perceptual loss",
        hint="install lpips without its dependencies, and name the folder of the network "
        "by --metric-weights or GVC_METRIC_WEIGHTS",
    )


def _read(path: Path) -> dict[str, Tensor]:
    return torch.load(path, map_location="cpu", weights_only=True)
