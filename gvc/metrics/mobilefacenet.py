"""MobileFaceNet (Chen et al. 2018): what a face recogniser sees in a face.

The weights are those of a published training with ArcFace; layers are named as that file names
them. It is looked for in the folder that ``GVC_METRIC_WEIGHTS`` (or ``--metric-weights``) names.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from gvc.errors import WeightsError
from gvc.metrics.alignment import CROP, crop_face
from gvc.metrics.folder import weights_folder

#: Name of the weights in their folder.
FILE = "mobilefacenet_foamliu.pt"

#: Blocks: by which factor they widen, channels, how many, stride of the first.
_BLOCKS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))

#: What reading a file raises that is none of ours.
_UNREADABLE = (OSError, EOFError, RuntimeError, AttributeError, TypeError, pickle.UnpicklingError)


def _convolution(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    )


class _Bottleneck(nn.Module):
    """Widened, seen 3×3 channel by channel, narrowed; added to what came in where that fits."""

    def __init__(self, inputs: int, outputs: int, factor: int, stride: int) -> None:
        super().__init__()
        wide = inputs * factor
        self.added = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            _convolution(inputs, wide, 1),
            _convolution(wide, wide, 3, stride=stride, groups=wide),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, features: Tensor) -> Tensor:
        changed = self.conv(features)
        return features + changed if self.added else changed


class _Separable(nn.Module):
    """3×3 channel by channel, then 1×1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        features = functional.relu(self.bn1(self.depthwise(features)))
        return functional.relu(self.bn2(self.pointwise(features)))


class _Global(nn.Module):
    """One weight for each place of each channel."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, side, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        return self.bn(self.depthwise(features))


class MobileFaceNet(nn.Module):
    """Aligned faces, standardised, [N, 3, 112, 112], to vectors [N, 128]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _convolution(3, 64, 3, stride=2)
        self.dw_conv = _Separable(64)
        blocks = []
        inputs = 64
        for factor, channels, count, stride in _BLOCKS:
            for place in range(count):
                blocks.append(_Bottleneck(inputs, channels, factor, stride if place == 0 else 1))
                inputs = channels
        self.features = nn.Sequential(*blocks)
        self.conv2 = _convolution(inputs, 512, 1)
        self.gdconv = _Global(512, CROP // 16)
        self.conv3 = nn.Conv2d(512, 128, 1)
        self.bn = nn.BatchNorm2d(128)

    def forward(self, faces: Tensor) -> Tensor:
        """See the class."""
        hidden = self.features(self.dw_conv(self.conv1(faces)))
        hidden = self.conv3(self.gdconv(self.conv2(hidden)))
        return self.bn(hidden).flatten(1)


class FaceEmbedding(nn.Module):
    """Faces as unit vectors; those of one person point the same way.

    :param folder: where the weights are; None takes the folder that ``GVC_METRIC_WEIGHTS`` names.
    :raises WeightsError: if they are not found, or are none.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__()
        path = self.path(folder)
        if path is None:
            raise WeightsError(
                f"the face embedding network {FILE} not found",
                hint="name its folder by --metric-weights or GVC_METRIC_WEIGHTS",
            )
        self.network = MobileFaceNet()
        try:
            self.network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        except _UNREADABLE as error:
            raise WeightsError("not the weights of MobileFaceNet", path=path) from error
        # ImageNet's, as in the training.
        self.register_buffer("shift", torch.tensor([0.485, 0.456, 0.406])[:, None, None])
        self.register_buffer("scale", torch.tensor([0.229, 0.224, 0.225])[:, None, None])
        self.requires_grad_(False)
        self.eval()

    @staticmethod
    def path(folder: Path | None = None) -> Path | None:
        """The file of the weights, or None if it is not at hand."""
        folder = weights_folder(folder)
        if folder is None or not (folder / FILE).is_file():
            return None
        return folder / FILE

    def forward(self, pictures: Tensor, points: npt.NDArray[np.floating]) -> Tensor:
        """Unit vectors [N, 128] of one face in each of RGB [N, 3, H, W] in [0, 1].

        :param points: where eyes, tip of the nose and corners of the mouth are, those on the left
            of the picture first: x and y in pixels, [N, 5, 2].
        """
        faces = torch.stack([crop_face(*each) for each in zip(pictures, points, strict=True)])
        return functional.normalize(self.network((faces - self.shift) / self.scale))
