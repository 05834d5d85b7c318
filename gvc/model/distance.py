"""How different two pictures look to people: a small network that an encoder decides by.

LPIPS in miniature: the same sum over scales of weighted squared differences between features of
unit length, from a few strided convolutions that learned to agree with it (``gvc
train-distance``), and from fixed filters of edges and grain, which are what blur and noise change.
Distances are on the scale of LPIPS with SqueezeNet, so that a threshold means
the same whichever of the two is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from gvc.errors import UsageError
from gvc.model import weights
from gvc.model.device import select_device, to_tensor
from gvc.model.network_weights import filled, stored
from gvc.model.weights import Weights

#: Name of the network in its weights file.
MODEL = "distance"

#: Channels behind each convolution; each of them halves the picture.
_WIDTHS = (16, 32, 48, 64, 64)

#: Convolutions before features are compared. Those of the first are large and say little.
_SKIPPED = 1

#: Scales of the fixed filters; each sees a picture half as large as the one before.
_DETAILS = 2

#: Smallest side of a picture, so that the last features are more than one.
MIN_SIDE = 32

#: Share of red, green and blue in a picture's brightness (BT.601).
_LUMA = (0.299, 0.587, 0.114)

Pictures = npt.NDArray[np.uint8]


class FeatureDistance(Protocol):
    """What :class:`Distance` can measure with; LPIPS of :mod:`gvc.metrics` is another one.

    Pictures are RGB [N, 3, H, W] in [0, 1]; gradients flow through both methods.
    """

    def describe(self, picture: Tensor) -> list[Tensor]:
        """Features of each picture, one tensor [N, C, h, w] for each scale."""

    def distance(self, one: list[Tensor], other: list[Tensor]) -> Tensor:
        """Distance of each pair of described pictures, [N], at least 0."""

    def errors(self, one: list[Tensor], other: list[Tensor]) -> list[Tensor]:
        """What each place adds to the mean that is the distance, by scale [N, 1, h, w]."""


class DistanceNetwork(nn.Module):
    """The network, as it is trained and as gradients flow through it."""

    details: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
            for inputs, outputs in zip((3, *_WIDTHS[:-1]), _WIDTHS, strict=True)
        )
        self.register_buffer("details", _detail_filters(), persistent=False)
        widths = (len(self.details),) * _DETAILS + _WIDTHS[_SKIPPED:]
        # Squared wherever they are used, so that no difference can make pictures more alike.
        self.roots = nn.ParameterList(torch.full((1, width, 1, 1), 0.3) for width in widths)
        self.floors = nn.Parameter(torch.full((len(widths),), 0.1))

    def features(self, picture: Tensor) -> list[Tensor]:
        """Features of RGB [N, 3, H, W] in [0, 1], of unit length where they are not faint.

        :returns: details [N, 16, H/2, W/2] and [N, 16, H/4, W/4]; learned features [N, C, H/4,
            W/4] and so on down to 1/32; sides rounded up or down.
        """
        hidden = (picture * 2 - 1).contiguous(memory_format=torch.channels_last)
        grey = functional.conv2d(hidden, hidden.new_tensor(_LUMA)[None, :, None, None])
        features = []
        for _ in range(_DETAILS):
            features.append(functional.conv2d(grey, self.details, stride=2, padding=1).relu())
            grey = functional.avg_pool2d(grey, 2)
        for depth, convolution in enumerate(self.convolutions):
            hidden = functional.relu(convolution(hidden))
            if depth >= _SKIPPED:
                features.append(hidden)
        # The floor is for noise in flat areas, which should hardly count.
        return [
            values * (values.square().sum(dim=1, keepdim=True) + floor.square() + 1e-8).rsqrt()
            for values, floor in zip(features, self.floors, strict=True)
        ]

    def describe(self, picture: Tensor) -> list[Tensor]:
        """The same, weighted for squared distances."""
        features = self.features(picture)
        return [values * root for values, root in zip(features, self.roots, strict=True)]

    def errors(self, one: list[Tensor], other: list[Tensor]) -> list[Tensor]:
        """What each place of each scale adds to the mean that is the distance, [N, 1, h, w]."""
        return [
            (left - right).square().sum(dim=1, keepdim=True)
            for left, right in zip(one, other, strict=True)
        ]

    def distance(self, one: list[Tensor], other: list[Tensor]) -> Tensor:
        """Distance of each pair of described pictures, [N]."""
        scales = [error.mean(dim=(1, 2, 3)) for error in self.errors(one, other)]
        return torch.stack(scales).sum(dim=0)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Distance of each pair of RGB pictures [N, 3, H, W] in [0, 1]: [N]."""
        return self.distance(self.describe(one), self.describe(other))


def _detail_filters() -> Tensor:
    """Both signs of the cosines over 3×3 pixels but for the mean, of unit length: [16, 1, 3, 3]."""
    cosines = torch.tensor([[1.0, 1, 1], [1, 0, -1], [1, -2, 1]])
    cosines = cosines / cosines.norm(dim=1, keepdim=True)
    filters = torch.einsum("ay,bx->abyx", cosines, cosines).reshape(9, 1, 3, 3)[1:]
    return torch.cat([filters, -filters])


def distance_weights(network: DistanceNetwork) -> Weights:
    """The state of ``network`` as it is stored, in float16."""
    return stored(network, MODEL)


def load_network(path: Path | None = None) -> DistanceNetwork:
    """The network with weights in float32, without gradients of its own parameters.

    :param path: a weights file; None takes the one that ships.
    :raises WeightsError: if it cannot be read or is of another network.
    """
    loaded = weights.load_or_default(path, MODEL)
    cause = "holds no weights of the perceptual distance"
    return filled(DistanceNetwork(), loaded, cause, path=path)


class Description:
    """What is known of pictures once they are described; only :class:`Distance` looks inside.

    :param features: of N pictures, by scale.
    :param size: height and width of the pictures.
    """

    __slots__ = ("features", "size")

    def __init__(self, features: list[Tensor], size: tuple[int, int]) -> None:
        self.features = features
        self.size = size

    def __len__(self) -> int:
        return len(self.features[0])

    def __getitem__(self, part: slice) -> Description:
        """Some of the pictures."""
        return Description([features[part] for features in self.features], self.size)


class Distance:
    """Perceptual distances of pictures in memory.

    :param network: what to measure with; it is not moved to ``device``.
    :raises UsageError: if this machine has no such device.
    """

    def __init__(self, network: FeatureDistance, *, device: str = "cpu") -> None:
        self._network = network
        self._device = select_device(device)

    @classmethod
    def load(cls, path: Path | None = None, *, device: str = "cpu") -> Distance:
        """Measure with the small network.

        :param path: its weights; None takes those that ship.
        :raises WeightsError: if they cannot be read or are of another network.
        :raises UsageError: if this machine has no such device.
        """
        return cls(load_network(path).to(select_device(device)), device=device)

    @torch.inference_mode()
    def describe(self, pictures: Pictures | Sequence[Pictures] | Tensor) -> Description:
        """Do once what a picture needs however often it is compared.

        :param pictures: RGB uint8 [N, H, W, 3] (or N of [H, W, 3]), or a tensor [N, 3, H, W] in
            [0, 1].
        :raises UsageError: if they have another shape or a side is under :data:`MIN_SIDE`.
        """
        if not isinstance(pictures, Tensor):
            stacked = np.ascontiguousarray(pictures)
            if stacked.ndim != 4 or stacked.shape[3] != 3 or stacked.dtype != np.uint8:
                raise UsageError(f"not RGB pictures uint8 [N, H, W, 3]: {_shape(stacked)}")
            pictures = to_tensor(stacked, self._device)
        elif pictures.ndim != 4 or pictures.shape[1] != 3:
            raise UsageError(f"not RGB pictures [N, 3, H, W]: {_shape(pictures)}")
        height, width = pictures.shape[2:]
        if min(height, width) < MIN_SIDE:
            raise UsageError(f"{width}×{height} is too small to compare", hint=f"{MIN_SIDE} a side")
        return Description(self._network.describe(pictures.to(self._device)), (height, width))

    @torch.inference_mode()
    def compare(self, one: Description, other: Description) -> npt.NDArray[np.float32]:
        """Distance of each pair, float32 [N], at least 0; either may be a single picture.

        :raises UsageError: if sizes or numbers of pictures differ.
        """
        if one.size != other.size:
            raise UsageError(f"pictures of {one.size} and {other.size} cannot be compared")
        if len(one) != len(other) and 1 not in (len(one), len(other)):
            raise UsageError(f"{len(one)} pictures cannot be compared with {len(other)}")
        return self._network.distance(one.features, other.features).float().cpu().numpy()

    def distance(
        self,
        one: Pictures | Sequence[Pictures] | Tensor,
        other: Pictures | Sequence[Pictures] | Tensor,
    ) -> npt.NDArray[np.float32]:
        """Distance of each pair of pictures, see :meth:`describe` and :meth:`compare`."""
        return self.compare(self.describe(one), self.describe(other))

    @torch.inference_mode()
    def blocks(
        self, one: Sequence[Pictures], other: Sequence[Pictures], *, side: int
    ) -> npt.NDArray[np.float32]:
        """Where pairs of pictures of one size differ: float32 [N, side, side].

        Pictures are cut into ``side`` by ``side`` blocks; the mean of all is about the distance.

        :raises UsageError: as :meth:`describe` does.
        """
        described = [self.describe(pictures).features for pictures in (one, other)]
        errors = self._network.errors(*described)
        pooled = [functional.adaptive_avg_pool2d(error, side)[:, 0] for error in errors]
        return torch.stack(pooled).sum(dim=0).float().cpu().numpy()


def _shape(pictures: npt.NDArray[np.generic] | Tensor) -> str:
    return f"{pictures.dtype} {list(pictures.shape)}"
