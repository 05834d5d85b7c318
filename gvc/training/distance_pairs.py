"""Pictures beside worse ones of the same, and how different LPIPS finds them.

Prepared once for each clip and kept in the cache: what the generator makes of frames from near
and distant key frames, coded and not; what VVC makes of them; the key frame standing still; and
:mod:`gvc.training.distortions` of all these. Labels are LPIPS with SqueezeNet; LPIPS with AlexNet,
the judge, is measured on validation clips alone and never learnt from.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as functional
from torch import Tensor

from gvc.metrics import Lpips
from gvc.model.device import to_tensor
from gvc.model.mttf import Mttf
from gvc.training.coded_keys import CodedKeys
from gvc.training.distortions import Distortion, distort

Picture = npt.NDArray[np.uint8]

#: Originals that are shown by the generator, and originals that VVC coded, for each size.
_GENERATED, _CODED = 2, 1

#: Distorted pictures of each original.
DISTORTED = 5

#: Distances are also told apart by place, on so many squares a side.
GRID = 8

#: Sides of pictures: half of all have the first, others one of the rest.
_SIDES = (256, 96, 128, 160, 192, 320)

#: Step of the motion codes that pictures are generated from, drawn up to this one.
_CODE_STEP = 2.0


class Kind(enum.StrEnum):
    """What a distorted picture began as."""

    GENERATED = "generated"
    STILL = "key frame standing still"
    CODED = "coded by VVC"
    ARTIFICIAL = "artificial"
    MIXED = "mixed"


KINDS = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Groups:
    """G originals of one clip, each with D distorted pictures.

    :param originals: uint8 RGB [G, S, S, 3].
    :param distorted: uint8 RGB [G, D, S, S, 3].
    :param kinds: index in :data:`KINDS` of each, int64 [G, D].
    :param squeeze: LPIPS-squeeze of each, float32 [G, D].
    :param maps: the same by place, float32 [G, D, GRID, GRID], of about that mean.
    :param alex: LPIPS-alex of each, float32 [G, D]; NaN for training clips.
    """

    originals: Picture
    distorted: Picture
    kinds: npt.NDArray[np.int64]
    squeeze: npt.NDArray[np.float32]
    maps: npt.NDArray[np.float32]
    alex: npt.NDArray[np.float32]

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """All of it by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class _Drawn:
    """An original, its distorted pictures, and what each began as."""

    original: Picture
    distorted: list[Picture]
    kinds: list[Kind]


class GroupMaker:
    """Makes groups of clips.

    :param network: the generator, in evaluation mode.
    :param labels: LPIPS-squeeze.
    :param judge: LPIPS-alex, for validation clips.
    """

    def __init__(self, network: Mttf, labels: Lpips, judge: Lpips | None = None) -> None:
        self._network = network
        self._labels = labels
        self._judge = judge

    def make(
        self, frames: Picture, keys: CodedKeys, rng: np.random.Generator
    ) -> tuple[Groups, Groups]:
        """Groups of one clip's frames [F, S, S, 3], of the usual size and of another one."""
        draws = self._draw(frames, keys, rng)
        half = len(draws) // 2
        other = int(rng.choice(_SIDES[1:]))
        return (
            self._label(draws[:half]),
            self._label([_cut(draw, other, rng) for draw in draws[half:]]),
        )

    def _draw(self, frames: Picture, keys: CodedKeys, rng: np.random.Generator) -> list[_Drawn]:
        places = rng.choice(len(keys.indices), 2, replace=len(keys.indices) < 2)
        # One as decoders see it, one as it was filmed.
        sources = [keys.pictures[places[0]], frames[keys.indices[places[1]]]]
        chosen = rng.choice(len(frames), 2 * _GENERATED, replace=len(frames) < 2 * _GENERATED)
        generated = [self._generate(source, frames[chosen], rng) for source in sources]
        draws = []
        for place, index in enumerate(chosen):
            made = [pictures[place] for pictures in generated]
            still = sources[int(rng.integers(2))]
            draws.append(_complete(frames[index], made, [Kind.GENERATED] * 2, still, rng))
        for place in rng.choice(len(keys.indices), 2 * _CODED):
            original, coded = frames[keys.indices[place]], keys.pictures[place]
            still = sources[int(rng.integers(2))]
            draws.append(_complete(original, [coded], [Kind.CODED], still, rng))
        # So that both halves have both sorts.
        return draws[::2] + draws[1::2]

    @torch.inference_mode()
    def _generate(self, key: Picture, frames: Picture, rng: np.random.Generator) -> Picture:
        """What a decoder shows of ``frames`` after a key frame."""
        state = self._network.key_state(to_tensor(key[None], torch.device("cpu")))
        code = self._network.encode(to_tensor(frames, torch.device("cpu")))[1]
        step = rng.uniform(0.1, _CODE_STEP) * self._network.coder.spread
        pictures = self._network.synthesise(state, torch.round(code / step) * step).picture
        return (pictures * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()

    @torch.inference_mode()
    def _label(self, draws: Sequence[_Drawn]) -> Groups:
        squeeze, maps, alex = [], [], []
        for draw in draws:
            original = to_tensor(draw.original[None], torch.device("cpu"))
            distorted = to_tensor(np.stack(draw.distorted), torch.device("cpu"))
            one, other = self._labels.describe(distorted), self._labels.describe(original)
            squeeze.append(self._labels.distance(one, other).numpy())
            maps.append(places(self._labels.errors(one, other)).numpy())
            scores = np.full(len(distorted), np.nan, np.float32)
            alex.append(scores if self._judge is None else self._judge(distorted, original).numpy())
        return Groups(
            originals=np.stack([draw.original for draw in draws]),
            distorted=np.stack([np.stack(draw.distorted) for draw in draws]),
            kinds=np.array([[KINDS.index(kind) for kind in draw.kinds] for draw in draws]),
            squeeze=np.stack(squeeze),
            maps=np.stack(maps),
            alex=np.stack(alex),
        )


def places(errors: Sequence[Tensor]) -> Tensor:
    """A distance by place, [N, GRID, GRID], of errors [N, 1, h, w] at several scales.

    The mean over all places is nearly the distance.
    """
    pooled = [functional.adaptive_avg_pool2d(error, GRID)[:, 0] for error in errors]
    return torch.stack(pooled).sum(dim=0)


def _complete(
    original: Picture,
    made: Sequence[Picture],
    kinds: Sequence[Kind],
    still: Picture,
    rng: np.random.Generator,
) -> _Drawn:
    """Add the key frame standing still, distortions of the original, and mixes."""
    pictures, sorts = [*made, still], [*kinds, Kind.STILL]
    pictures.append(_distorted(original, rng))
    sorts.append(Kind.ARTIFICIAL)
    while len(pictures) < DISTORTED:
        base = pictures[int(rng.integers(len(made) + 1))]
        pictures.append(_mixed(original, base, rng))
        sorts.append(Kind.MIXED)
    return _Drawn(original, pictures, sorts)


def _distorted(picture: Picture, rng: np.random.Generator) -> Picture:
    """One distortion, or two."""
    for _ in range(1 + int(rng.random() < 0.25)):
        kind = list(Distortion)[int(rng.integers(len(Distortion)))]
        picture = distort(picture, kind, rng.uniform(0.05, 1), rng)
    return picture


def _mixed(original: Picture, other: Picture, rng: np.random.Generator) -> Picture:
    """Something between both pictures, the other one in a part of the original, or distorted."""
    way = rng.integers(3)
    if way == 0:
        return _distorted(other, rng)
    if way == 1:
        return _blended(original, other, np.float32(rng.uniform(0.1, 1)))
    side = original.shape[0]
    corner, extent = rng.uniform(0, 0.7, 2) * side, rng.uniform(0.15, 0.6, 2) * side
    part = np.zeros((side, side, 1), np.float32)
    (left, top), (right, bottom) = corner.astype(int), (corner + extent).astype(int)
    part[top:bottom, left:right] = 1
    blurred = cv2.GaussianBlur(part, (0, 0), 3)[..., None].astype(np.float32)
    return _blended(original, other, blurred)


def _blended(
    original: Picture, other: Picture, share: np.float32 | npt.NDArray[np.float32]
) -> Picture:
    """``original`` with a ``share`` of ``other``, everywhere alike or [H, W, 1]."""
    mixed = original + (other.astype(np.float32) - original) * share
    return np.rint(mixed).clip(0, 255).astype(np.uint8)


def _cut(draw: _Drawn, side: int, rng: np.random.Generator) -> _Drawn:
    """The same part of all pictures, as squares of ``side`` pixels."""
    whole = draw.original.shape[0]
    extent = round(rng.uniform(0.5, 1) * whole)
    left, top = rng.integers(whole - extent + 1, size=2)
    method = cv2.INTER_AREA if extent > side else cv2.INTER_CUBIC

    def cut(picture: Picture) -> Picture:
        part = picture[top : top + extent, left : left + extent]
        resized = cv2.resize(part, (side, side), interpolation=method)
        return np.asarray(resized, dtype=np.uint8)

    return _Drawn(cut(draw.original), [cut(one) for one in draw.distorted], draw.kinds)
