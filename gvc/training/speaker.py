"""Fitting the biases of the networks behind the motion code to one speaker, in few bytes."""

from __future__ import annotations

import enum
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from gvc.codec import speaker_packs
from gvc.codec.settings import EncoderSettings
from gvc.codec.speaker_packs import LoadedPack
from gvc.errors import UsageError
from gvc.metrics import Lpips
from gvc.model import models
from gvc.model.device import select_device, set_threads
from gvc.model.distance import FeatureDistance, load_network
from gvc.model.layers import resize
from gvc.model.mttf import KeyState, Mttf, network_from
from gvc.model.speaker import Difference, biases
from gvc.training.speaker_data import Shot, Shots, load_shots

#: Most frames that are kept, and of those that are held out most that are looked at.
_MOST_SHOTS, _MOST_HELD = 320, 32

#: Frames a step, all of one key frame.
_BATCH = 4

#: Steps of biases. Features are of the order of 1, whatever the biases of a layer are.
_UNIT = 2.0**-6

#: Levels are rounded down from this far above a half: zeros cost least.
_DEAD_ZONE = 0.1

#: Learning rate, in steps of the levels.
_RATE = 0.2

#: Weight of the mean absolute error beside the perceptual distance.
_PIXEL = 2.0

#: From this share of the run on, levels are rounded while they learn.
_ROUNDING_FROM = 0.3

#: By how much the distance falls when recordings take e times the bytes, at usual rates.
_SLOPE = 0.03

#: How often a run looks at the frames that are held out.
_LOOKS = 5


class Loss(enum.StrEnum):
    """What an adaptation minimises, besides the error of pixels."""

    DISTANCE = "distance"
    """The perceptual distance that ships."""

    LPIPS = "lpips"
    """LPIPS on SqueezeNet, whose network does not ship."""

    BOTH = "both"
    """The mean of both."""


@dataclass(frozen=True, slots=True)
class AdaptSettings:
    """An adaptation.

    :param recordings: of one speaker. :param weights: a file in place of the weights that ship.
    :param key_qps: QPs of the key frames from which to learn. :param size: as of an encoder.
    :param steps: most steps. :param seconds: most seconds that they may take.
    :param worth: perceptual distance that a kilobyte of the pack has to save; None asks for what a
        kilobyte saves if it goes into the recordings themselves.
    :param loss: what to minimise. :param metric_weights: folder of LPIPS's networks, where it is
        part of that.
    :param seed: of everything random.
    """

    recordings: tuple[Path, ...]
    weights: Path | None = None
    key_qps: tuple[int, ...] = (32,)
    size: int = 256
    steps: int = 600
    seconds: float = 240.0
    worth: float | None = None
    loss: Loss = Loss.DISTANCE
    metric_weights: Path | None = None
    device: str = "cpu"
    threads: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.recordings or not self.key_qps:
            raise UsageError("an adaptation needs a recording and a QP of key frames")
        if self.steps < 1 or self.seconds <= 0:
            raise UsageError("an adaptation needs at least one step")
        if self.worth is not None and self.worth < 0:
            raise UsageError("what a kilobyte has to save cannot be negative")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an adaptation.

    :param pack: None if nothing was gained on the frames that were held out.
    :param before: distance on them with the weights as they are. :param after: with the pack.
    :param seconds: of learning. :param steps: likewise.
    :param frames: to learn from. :param held: held out.
    :param measure: name of the distance.
    """

    pack: LoadedPack | None
    before: float
    after: float
    seconds: float
    steps: int
    frames: int
    held: int
    measure: str


def adapt(settings: AdaptSettings, *, report: Callable[[Mapping[str, Any]], None]) -> Outcome:
    """Adapt the weights to the speaker of some recordings.

    :param report: gets a record of numbers now and then.
    :raises GvcError: if a recording cannot be coded, or has too little to learn from.
    """
    base = models.weights_for(models.FACE, settings.weights)
    network = network_from(base, path=settings.weights).to(select_device(settings.device))
    loss, measure = _measure(settings), settings.loss.value
    variants = [
        EncoderSettings(
            size=settings.size,
            key_qp=qp,
            weights=settings.weights,
            device=settings.device,
            threads=settings.threads,
        )
        for qp in settings.key_qps
    ]
    shots = load_shots(settings.recordings, network, variants, most=_MOST_SHOTS)
    set_threads(settings.threads)
    report({"frames": len(shots.train), "held_out": len(shots.held), "keys": len(shots.keys)})
    worth = settings.worth if settings.worth is not None else 1000 * _SLOPE / shots.coded
    run = _Run(network, shots, loss, worth, settings)
    before = best = run.held_loss(run.differences(zero=True))
    chosen: list[Difference] | None = None
    started = time.monotonic()
    looks = max(1, settings.steps // _LOOKS)
    while run.position < 1:
        run.step(time.monotonic() - started)
        if run.steps % looks and run.position < 1:
            continue
        differences = run.differences()
        size = len(speaker_packs.make(base, differences).data)
        after = run.held_loss(differences)
        figures = {"step": run.steps, "loss": run.mean_loss(), "bytes": size}
        figures |= {f"{measure}_before": round(before, 5), f"{measure}_after": round(after, 5)}
        report(figures | {"seconds": round(time.monotonic() - started)})
        if after + worth * size / 1000 < best:
            best, chosen, reached = after + worth * size / 1000, differences, after
    pack = speaker_packs.make(base, chosen) if chosen is not None else None
    return Outcome(
        pack=pack,
        before=before,
        after=before if pack is None else reached,
        seconds=time.monotonic() - started,
        steps=run.steps,
        frames=len(shots.train),
        held=len(shots.held),
        measure=measure,
    )


class _Mean:
    """The mean of several distances; see :class:`gvc.model.distance.FeatureDistance`."""

    def __init__(self, parts: Sequence[FeatureDistance]) -> None:
        self._parts = parts
        self._counts = list[int]()

    def describe(self, picture: Tensor) -> list[Tensor]:
        """The features of all, one after the other."""
        described = [part.describe(picture) for part in self._parts]
        self._counts = [len(features) for features in described]
        return [scale for features in described for scale in features]

    def errors(self, one: list[Tensor], other: list[Tensor]) -> list[Tensor]:
        """What each place adds to the mean."""
        found, first = list[Tensor](), 0
        for part, count in zip(self._parts, self._counts, strict=True):
            mine = slice(first, first + count)
            found += [error / len(self._parts) for error in part.errors(one[mine], other[mine])]
            first += count
        return found

    def distance(self, one: list[Tensor], other: list[Tensor]) -> Tensor:
        """Of described pictures, [N]."""
        means = [error.mean(dim=(1, 2, 3)) for error in self.errors(one, other)]
        return torch.stack(means).sum(dim=0)


def _measure(settings: AdaptSettings) -> FeatureDistance:
    """What learning minimises."""
    device = select_device(settings.device)
    parts = list[FeatureDistance]()
    if settings.loss in (Loss.DISTANCE, Loss.BOTH):
        parts.append(load_network().to(device))
    if settings.loss in (Loss.LPIPS, Loss.BOTH):
        parts.append(Lpips("squeeze", settings.metric_weights).to(device))
    return parts[0] if len(parts) == 1 else _Mean(parts)


class _Animation(nn.Module):
    """What a decoder does with the parts of the network that may change."""

    def __init__(self, network: Mttf) -> None:
        super().__init__()
        self.network = network

    def forward(self, state: KeyState, code: Tensor) -> Tensor:
        """Pictures, RGB [N, 3, H, W] in [0, 1], of motion codes [N, 2·N_F] and one key frame."""
        features = self.network.foreground.encode(state.picture)
        state = replace(state, features=features).repeat(len(code))
        return self.network.synthesise(state, code).picture


class _Run:
    """The levels while they learn."""

    def __init__(
        self,
        network: Mttf,
        shots: Shots,
        loss: FeatureDistance,
        worth: float,
        settings: AdaptSettings,
    ) -> None:
        self.steps = 0
        self.position = 0.0
        self._settings, self._worth = settings, worth
        self._shots, self._loss = shots, loss
        self._held = shots.held[:: -(-len(shots.held) // _MOST_HELD)]
        self._animation = _Animation(network)
        parameters = dict(network.named_parameters())
        self._base = {name: parameters[name].detach() for name in biases(parameters)}
        self._levels = {
            name: torch.zeros_like(value, requires_grad=True) for name, value in self._base.items()
        }
        self._optimiser = torch.optim.Adam(self._levels.values(), lr=_RATE, betas=(0.9, 0.99))
        self._random = np.random.default_rng(settings.seed)
        self._losses = list[Tensor]()
        self._by_key: dict[int, list[Shot]] = {}
        for shot in shots.train:
            self._by_key.setdefault(shot.key, []).append(shot)

    def step(self, elapsed: float) -> None:
        """Learn from a few frames.

        :param elapsed: seconds since the run began.
        """
        self.position = max(self.steps / self._settings.steps, elapsed / self._settings.seconds)
        for group in self._optimiser.param_groups:
            group["lr"] = _RATE * (0.51 + 0.49 * math.cos(math.pi * min(1.0, self.position)))
        shot = self._shots.train[self._random.integers(len(self._shots.train))]
        alike = self._by_key[shot.key]
        chosen = [alike[place] for place in self._random.integers(len(alike), size=_BATCH)]
        made = self._draw(chosen, self._tensors())
        target = torch.cat([each.target for each in chosen]).float() / 255
        shift = divmod(self.steps % 4, 2)
        loss = self._distance(made, target, shift).mean() + _PIXEL * (made - target).abs().mean()
        # About the bits that levels take, so that they stay zero where they change little.
        rate = torch.stack([(1 + 4 * u.square()).log2().sum() for u in self._levels.values()])
        cost = self._worth / 8000 * rate.sum()
        self._optimiser.zero_grad()
        (loss + cost).backward()
        self._optimiser.step()
        self._losses.append(loss.detach())
        self.steps += 1
        self.position = max(self.position, self.steps / self._settings.steps)

    def mean_loss(self) -> float:
        """Of the steps since this was asked last."""
        mean = torch.stack(self._losses).mean().item()
        self._losses.clear()
        return round(mean, 4)

    def differences(self, *, zero: bool = False) -> list[Difference]:
        """What the levels come to."""
        return [
            Difference(
                name,
                (0 * level if zero else _rounded(level)).detach().cpu().numpy().astype(np.int32),
                _UNIT,
            )
            for name, level in self._levels.items()
        ]

    @torch.no_grad()
    def held_loss(self, differences: Sequence[Difference]) -> float:
        """Mean distance of the frames that are held out, as a decoder with these shows them."""
        tensors = {}
        for each in differences:
            base = self._base[each.name]
            change = torch.from_numpy(each.levels).to(base) * each.step
            tensors[each.name] = (base + change).half().float()
        distances = []
        for shot in self._held:
            made = (self._draw([shot], tensors) * 255).round() / 255
            target = shot.target.float() / 255
            one, other = self._loss.describe(made), self._loss.describe(target)
            distances.append(self._loss.distance(one, other))
        return torch.cat(distances).mean().item()

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {}
        for name, level in self._levels.items():
            if self.position >= _ROUNDING_FROM:
                level = level + (_rounded(level) - level).detach()
            tensors[name] = self._base[name] + level * _UNIT
        return tensors

    def _draw(self, shots: Sequence[Shot], tensors: Mapping[str, Tensor]) -> Tensor:
        """Pictures of shots of one key frame."""
        named = {f"network.{name}": value for name, value in tensors.items()}
        state, code = self._shots.keys[shots[0].key], torch.cat([shot.code for shot in shots])
        made: Tensor = functional_call(self._animation, named, (state, code))
        return made

    def _distance(self, made: Tensor, target: Tensor, shift: tuple[int, int]) -> Tensor:
        """At full and at half size, on a grid that is another one in each step: see
        :func:`gvc.training.losses.picture_terms`."""
        total = torch.zeros(len(made), device=made.device)
        for factor in (1, 2):
            size = [side // factor for side in made.shape[-2:]]
            one, other = (
                self._loss.describe(resize(picture, *size)[..., shift[0] :, shift[1] :])
                for picture in (made, target)
            )
            total = total + self._loss.distance(one, other) / factor
        return total


def _rounded(level: Tensor) -> Tensor:
    return level.sign() * (level.abs() + 0.5 - _DEAD_ZONE).floor().clamp_min(0)
