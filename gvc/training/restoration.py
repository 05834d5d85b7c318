"""Training of the network that restores key frames (:mod:`gvc.model.restoration`).

It learns from the coded key frames that generators learn from, too: pictures of the training clips
coded by VVC at QP 22 to 52, beside what they were. Eyes and mouths count more than the rest.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as functional
from torch import Tensor

from gvc.clips import Clip, Split, read_table
from gvc.errors import InvalidDataError
from gvc.metrics import Lpips
from gvc.model import weights
from gvc.model.restoration import MODEL, RestorationNetwork, restoration_weights
from gvc.training.clips import load_frames
from gvc.training.coded_keys import CodedKeys, load_coded_keys
from gvc.training.faces import features_map, load_faces, no_faces
from gvc.training.pace import Pace
from gvc.training.precision import convolve_in_bfloat16, prefers_bfloat16

#: K_R and K_B of BT.709, in limited range: what training pictures are coded with.
_RED, _BLUE = 0.2126, 0.0722

#: How much more eyes and mouth count in a square.
_FEATURES = 8

#: Share of squares that are cut out around eyes and mouth.
_NEAR_FACE = 0.5

#: Side of the maps that say where eyes and mouth are.
_MAP = 64

Planes = npt.NDArray[np.uint8]

#: Called with one record for each line of the log.
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class RestorationSettings:
    """A training run.

    :param clips: folder of clips with ``clips.tsv``.
    :param output: folder for ``restoration.safetensors`` and the log.
    :param cache: folder for decoded frames, faces and coded key frames.
    :param metric_weights: folder of LPIPS's networks, see :mod:`gvc.metrics.lpips`.
    :param steps: optimiser steps. :param squares: in a batch. :param side: of a square in pixels.
    :param rate: AdamW's learning rate at the start; a cosine takes it to a hundredth.
    :param average: share of the old value in the running mean of the weights, each step.
    :param faces: weigh eyes and mouth by the landmarks of :mod:`gvc.training.faces`.
    :param threads: CPU threads; None leaves torch's choice.
    """

    clips: Path
    output: Path
    cache: Path
    metric_weights: Path | None = None
    steps: int = 4000
    squares: int = 8
    side: int = 128
    rate: float = 1e-3
    average: float = 0.995
    faces: bool = True
    seed: int = 2
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Pictures:
    """Coded key frames beside their originals, as planes of 4:2:0.

    :param coded: decoded again, uint8 [K, S·3/2, S]. :param originals: likewise.
    :param qps: of each, int64 [K].
    :param features: eyes and mouth, uint8 [K, 64, 64].
    :param owners: number of the identity of each, int64 [K].
    """

    coded: Planes
    originals: Planes
    qps: npt.NDArray[np.int64]
    features: npt.NDArray[np.uint8]
    owners: npt.NDArray[np.int64]


def load_pictures(clips: Sequence[Clip], settings: RestorationSettings) -> Pictures:
    """The coded key frames of ``clips``, prepared where the cache lacks them."""
    frames = load_frames(clips, settings.cache)
    keys = load_coded_keys(clips, frames, settings.cache, seed=settings.seed)
    faces = load_faces(clips, frames, settings.cache) if settings.faces else no_faces(frames)
    identities = sorted({clip.identity for clip in clips})
    coded, originals, features, owners = [], [], [], []
    for clip, pictures, key, face in zip(clips, frames, keys, faces, strict=True):
        coded += [_planes(picture) for picture in key.pictures]
        originals += [_planes(pictures[index]) for index in key.indices]
        landmarks = face.landmarks[key.indices].astype(np.float32)
        features += [features_map(one, _MAP) for one in landmarks]
        owners += [identities.index(clip.identity)] * len(key.indices)
    return Pictures(
        np.stack(coded),
        np.stack(originals),
        np.concatenate([key.qps for key in keys]),
        np.stack(features),
        np.array(owners),
    )


def _planes(picture: npt.NDArray[np.uint8]) -> Planes:
    """RGB [S, S, 3] as planes of 4:2:0 in BT.709, [S·3/2, S]."""
    # A machine that only trains gets the cache from elsewhere, and need not have PyAV.
    from gvc.bitstream import ColourDescription
    from gvc.media import from_rgb

    side = len(picture)
    frame = from_rgb(np.ascontiguousarray(picture), side, side, ColourDescription(1, 1, 1))
    return np.asarray(frame.to_ndarray(), np.uint8)


@dataclass(frozen=True, slots=True)
class Squares:
    """A batch of squares; planes are samples over 255."""

    luma: Tensor
    chroma: Tensor
    qp: Tensor
    wanted: tuple[Tensor, Tensor]
    features: Tensor


class SquareSampler:
    """Draws batches; each is a function of (seed, step) alone."""

    def __init__(self, pictures: Pictures, settings: RestorationSettings) -> None:
        self._pictures = pictures
        self._settings = settings
        self._own = [
            np.flatnonzero(pictures.owners == owner) for owner in np.unique(pictures.owners)
        ]

    def batch(self, step: int) -> Squares:
        """The batch of a step."""
        rng = np.random.default_rng([self._settings.seed, step])
        drawn = [self._draw(rng) for _ in range(self._settings.squares)]
        luma, chroma, wanted_luma, wanted_chroma, features = (
            torch.from_numpy(np.stack(parts)).float() / 255
            for parts in zip(*(one[1:] for one in drawn), strict=True)
        )
        qp = torch.tensor([one[0] for one in drawn], dtype=torch.float32)
        return Squares(luma, chroma, qp, (wanted_luma, wanted_chroma), features)

    def _draw(self, rng: np.random.Generator) -> tuple[Any, ...]:
        own = self._own[rng.integers(len(self._own))]
        number = own[rng.integers(len(own))]
        pictures, side = self._pictures, self._settings.side
        whole = pictures.coded.shape[2]
        top, left = self._corner(pictures.features[number], whole, rng)
        flip = rng.random() < 0.5
        cut = [
            part
            for planes in (pictures.coded[number], pictures.originals[number])
            for part in _square(planes, top, left, side, flip=flip)
        ]
        step = whole // _MAP
        features = pictures.features[number][
            top // step : (top + side) // step, left // step : (left + side) // step
        ]
        features = features[:, ::-1] if flip else features
        return pictures.qps[number], *cut, np.ascontiguousarray(features)[None]

    def _corner(
        self, features: npt.NDArray[np.uint8], whole: int, rng: np.random.Generator
    ) -> tuple[int, int]:
        room = whole - self._settings.side
        places = np.argwhere(features)
        step = whole // _MAP
        if len(places) and rng.random() < _NEAR_FACE:
            middle = places[rng.integers(len(places))] * step - self._settings.side // 2
            top, left = np.clip(middle, 0, room)
        else:
            top, left = rng.integers(0, room + 1, 2)
        return int(top) // step * step, int(left) // step * step


def _square(
    planes: Planes, top: int, left: int, side: int, *, flip: bool
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """A square of Y [1, side, side] and of Cb and Cr [2, side/2, side/2]."""
    luma, chroma = split_planes(planes)
    half = side // 2
    parts = (
        luma[:, top : top + side, left : left + side],
        chroma[:, top // 2 : top // 2 + half, left // 2 : left // 2 + half],
    )
    one, other = (np.ascontiguousarray(part[..., ::-1] if flip else part) for part in parts)
    return one, other


def split_planes(planes: Planes) -> tuple[Planes, Planes]:
    """Planes of 4:2:0 [S·3/2, S] as Y [1, S, S] and Cb and Cr [2, S/2, S/2]."""
    side = planes.shape[1]
    return planes[None, :side], planes[side:].reshape(2, side // 2, side // 2)


def to_rgb(luma: Tensor, chroma: Tensor) -> Tensor:
    """Planes of limited range, samples over 255, as RGB [N, 3, H, W], not clipped."""
    luma = (luma - 16 / 255) * (255 / 219)
    chroma = functional.interpolate(chroma, size=luma.shape[-2:], mode="bilinear")
    blue, red = ((chroma - 128 / 255) * (255 / 224)).split(1, dim=1)
    r = luma + 2 * (1 - _RED) * red
    b = luma + 2 * (1 - _BLUE) * blue
    g = (luma - _RED * r - _BLUE * b) / (1 - _RED - _BLUE)
    return torch.cat([r, g, b], dim=1)


@torch.inference_mode()
def restore_keys(network: RestorationNetwork, keys: CodedKeys) -> CodedKeys:
    """Coded key frames of a clip as a decoder that restores them shows them."""
    parts = [split_planes(_planes(picture)) for picture in keys.pictures]
    luma, chroma = (
        torch.from_numpy(np.stack(part)).float() / 255 for part in zip(*parts, strict=True)
    )
    restored = network(luma, chroma, torch.from_numpy(keys.qps).float())
    pictures = to_rgb(*restored).clamp(0, 1)
    rounded = (pictures * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    return replace(keys, pictures=np.ascontiguousarray(rounded.numpy()))


class RestorationTrainer:
    """One run, from its settings to ``restoration.safetensors``; goes on from its checkpoint.

    :raises MediaError, InvalidDataError, WeightsError: if the data or weights are not there.
    """

    def __init__(self, settings: RestorationSettings, *, report: Report) -> None:
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self.settings = settings
        self._report = report
        clips = [clip for clip in read_table(settings.clips) if clip.split is Split.TRAIN]
        if not clips:
            raise InvalidDataError("needs training clips", path=settings.clips)
        self._sampler = SquareSampler(load_pictures(clips, settings), settings)
        self._perceptual = Lpips("squeeze", settings.metric_weights)
        torch.manual_seed(settings.seed)
        self.network = RestorationNetwork().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        if prefers_bfloat16(torch.device("cpu")):
            convolve_in_bfloat16(self.network)
            convolve_in_bfloat16(self._perceptual)
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=settings.rate, betas=(0.9, 0.99), weight_decay=1e-4
        )
        self._step = 0
        settings.output.mkdir(parents=True, exist_ok=True)
        self._checkpoint = settings.output / "checkpoint.pt"

    def run(self) -> Path:
        """Train; returns where the weights are."""
        if self._checkpoint.exists():
            self._restore()
        pace, sums = Pace(), torch.zeros(2)
        while self._step < self.settings.steps:
            sums += self._learn()
            self._step += 1
            pace.pairs += self.settings.squares
            if self._step % 50 == 0:
                perceptual, pixel = (sums / 50).tolist()
                self._report(
                    {"step": self._step, "perceptual": perceptual, "pixel": pixel} | pace.lap()[1]
                )
                sums.zero_()
            if self._step % 500 == 0 or self._step == self.settings.steps:
                self._save()
        return self.path

    @property
    def path(self) -> Path:
        """The weights, averaged over the last steps."""
        return self.settings.output / f"{MODEL}.safetensors"

    def _learn(self) -> Tensor:
        position = self._step / self.settings.steps
        share = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * position))
        self._optimiser.param_groups[0]["lr"] = self.settings.rate * share
        batch = self._sampler.batch(self._step)
        terms = self._terms(batch)
        self._optimiser.zero_grad(set_to_none=True)
        (terms[0] + 2 * terms[1]).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        if torch.isfinite(norm):
            self._optimiser.step()
            self.network.even_out()
            self._follow()
        return terms.detach()

    def _terms(self, batch: Squares) -> Tensor:
        """LPIPS-squeeze at two sizes, and L1, both with eyes and mouth weighted: [2]."""
        restored = to_rgb(*self.network(batch.luma, batch.chroma, batch.qp))
        wanted = to_rgb(*batch.wanted)
        features = 1 + _FEATURES * batch.features
        features = features / features.mean()
        # Other rows and columns in each step: see gvc.training.losses.picture_terms.
        down, right = divmod(self._step % 4, 2)

        def describe(picture: Tensor) -> list[list[Tensor]]:
            half = functional.avg_pool2d(picture, 2)
            return [self._perceptual.describe(one[..., down:, right:]) for one in (picture, half)]

        with torch.no_grad():
            targets = describe(wanted)
        whole, half = (
            self._perceptual.distance(one, other, weights=features).mean()
            for one, other in zip(describe(restored), targets, strict=True)
        )
        emphasis = functional.interpolate(features, size=wanted.shape[-2:], mode="bilinear")
        pixel = ((restored - wanted).abs() * emphasis).mean()
        return torch.stack([whole + 0.5 * half, pixel])

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(self.settings.average, (1 + self._step) / (10 + self._step))
        for mean, value in zip(self.average.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(value, 1 - keep)

    def _save(self) -> None:
        weights.save(restoration_weights(self.average), self.path)
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "step": self._step,
        }
        partial = self._checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self._checkpoint)

    def _restore(self) -> None:
        state = torch.load(self._checkpoint, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._step = state["step"]
