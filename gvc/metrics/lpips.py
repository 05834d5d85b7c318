"""LPIPS (Zhang et al. 2018, version 0.1), as a loss and as a score.

The two files that a backbone needs are looked for where their owners put them, then in the folder
that the environment variable ``GVC_METRIC_WEIGHTS`` (or ``--metric-weights``) names:

* the convolutions of torchvision's network, in the torch hub cache;
* the linear heads inside the package ``lpips`` (its code is not imported).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from gvc.errors import UsageError, WeightsError
from gvc.metrics.folder import weights_folder
from gvc.metrics.heads import packaged_heads


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


def _squeezenet() -> nn.Sequential:
    pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
    return nn.Sequential(
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


def _alexnet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(),
    )


@dataclass(frozen=True, slots=True)
class _Backbone:
    """A network behind whose layers ``taps`` LPIPS looks, at so many ``channels``."""

    build: Callable[[], nn.Sequential]
    taps: tuple[int, ...]
    channels: tuple[int, ...]
    hub_name: str
    file: str


_BACKBONES = {
    "squeeze": _Backbone(
        _squeezenet,
        (1, 4, 7, 9, 10, 11, 12),
        (64, 128, 256, 384, 384, 512, 512),
        "squeezenet1_1-*.pth",
        "squeezenet1_1_features_tv.pth",
    ),
    "alex": _Backbone(
        _alexnet,
        (1, 4, 7, 9, 11),
        (64, 192, 384, 256, 256),
        "alexnet-owt-*.pth",
        "alexnet_features_tv.pth",
    ),
}


class Lpips(nn.Module):
    """LPIPS with one backbone; lower is more alike.

    :param backbone: ``squeeze`` or ``alex``. Models are trained with ``squeeze`` and judged with
        ``alex``, which must never be trained or tuned on.
    :param folder: where to look for the weights besides the usual places; None takes the folder
        that ``GVC_METRIC_WEIGHTS`` names.
    :raises UsageError: if there is no such backbone.
    :raises WeightsError: if the weights are not found.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, backbone: str, folder: Path | None = None) -> None:
        super().__init__()
        if backbone not in _BACKBONES:
            raise UsageError(f"LPIPS has no backbone {backbone!r}", hint=", ".join(_BACKBONES))
        kind = _BACKBONES[backbone]
        self.taps = kind.taps
        self.features = kind.build()
        self.heads = nn.ParameterList(torch.zeros(1, count, 1, 1) for count in kind.channels)
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188])[:, None, None])
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450])[:, None, None])
        self._load(backbone, kind, weights_folder(folder))
        self.requires_grad_(False)
        self.eval()

    def _load(self, name: str, kind: _Backbone, folder: Path | None) -> None:
        backbone = [*(Path(torch.hub.get_dir()) / "checkpoints").glob(kind.hub_name)]
        heads = packaged_heads(name)
        if folder is not None:
            backbone.append(folder / kind.file)
            heads.append(folder / f"{name}.pth")
        state = _read(_first(backbone, f"the {name} network of LPIPS"))
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
            if index in self.taps:
                # The small term keeps the root differentiable where all features are zero.
                length = (hidden.square().sum(dim=1, keepdim=True) + 1e-16).sqrt()
                described.append(hidden / (length + 1e-10))
        return described

    def distance(
        self, one: list[Tensor], other: list[Tensor], *, weights: Tensor | None = None
    ) -> Tensor:
        """LPIPS of each pair of described pictures, [N].

        :param weights: how much each place counts, [N, 1, h, w] of mean 1; None counts all alike.
        """
        total = torch.zeros(len(one[0]), device=one[0].device)
        for error in self.errors(one, other):
            if weights is not None:
                height, width = error.shape[-2:]
                error = error * functional.adaptive_avg_pool2d(weights, (height, width))
            total = total + error.mean(dim=(1, 2, 3))
        return total

    def errors(self, one: list[Tensor], other: list[Tensor]) -> list[Tensor]:
        """What each place of each layer adds to the mean that is LPIPS, [N, 1, h, w]."""
        return [
            ((left - right).square() * head).sum(dim=1, keepdim=True)
            for head, left, right in zip(self.heads, one, other, strict=True)
        ]

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """LPIPS of each pair of RGB pictures [N, 3, H, W] in [0, 1]: [N]."""
        return self.distance(self.describe(one), self.describe(other))


def _first(candidates: list[Path], what: str) -> Path:
    for path in candidates:
        if path.is_file():
            return path
    raise WeightsError(
        f"{what} not found",
        hint="install lpips without its dependencies, and name the folder of the network "
        "by --metric-weights or GVC_METRIC_WEIGHTS",
    )


def _read(path: Path) -> dict[str, Tensor]:
    return torch.load(path, map_location="cpu", weights_only=True)
