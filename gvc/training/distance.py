"""Training of the small perceptual distance (:mod:`gvc.model.distance`), towards LPIPS-squeeze."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from gvc.clips import Clip, Split, read_table
from gvc.errors import InvalidDataError
from gvc.metrics import Lpips
from gvc.model import models, weights
from gvc.model.device import to_tensor
from gvc.model.distance import MODEL, DistanceNetwork, distance_weights, load_network
from gvc.model.mttf import network_from
from gvc.training.clips import load_frames, store
from gvc.training.coded_keys import load_coded_keys
from gvc.training.correlation import Agreement, agreement, write_distance_card
from gvc.training.distance_pairs import GroupMaker, Groups, places

#: Added to distances before relative errors are taken, so that hardly visible ones do not rule.
_NEAR = 0.05

#: Weight of the distances by place.
_PLACES = 0.5


@dataclass(frozen=True, slots=True)
class DistanceSettings:
    """A training run.

    :param clips: folder of clips with ``clips.tsv``.
    :param output: folder for the weights and their card.
    :param cache: folder for decoded frames, coded key frames and pairs with their labels.
    :param generator: weights of the generator that makes pictures; None takes those that ship.
    :param metric_weights: folder of LPIPS's networks, see :mod:`gvc.metrics.lpips`.
    :param steps: optimiser steps.
    :param groups: originals in a batch, each with all its distorted pictures.
    :param rate: Adam's learning rate at the start; a cosine takes it to a hundredth.
    :param threads: CPU threads; None leaves torch's choice.
    """

    clips: Path
    output: Path
    cache: Path
    generator: Path | None = None
    metric_weights: Path | None = None
    steps: int = 1500
    groups: int = 3
    rate: float = 3e-3
    seed: int = 2
    threads: int | None = None


#: Where it is trained.
_CPU = torch.device("cpu")

#: Steps that fit how much each feature counts.
_FIT_STEPS = 3000

#: Called with one record for each line of the log.
Report = Callable[[dict[str, Any]], None]


class DistanceTrainer:
    """One run, from its settings to ``distance.safetensors`` and ``distance.md``.

    :raises MediaError, InvalidDataError, WeightsError: if the data or weights are not there.
    """

    def __init__(self, settings: DistanceSettings, *, report: Report) -> None:
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self.settings = settings
        self._report = report
        table = read_table(settings.clips)
        self.sides = {
            Split.TRAIN: _one_of_each(clip for clip in table if clip.split is Split.TRAIN),
            Split.VALIDATION: [clip for clip in table if clip.split is Split.VALIDATION],
        }
        if not all(self.sides.values()):
            raise InvalidDataError("needs training and validation clips", path=settings.clips)
        settings.output.mkdir(parents=True, exist_ok=True)

    def run(self) -> dict[str, Agreement]:
        """Prepare pairs, train, and say how well distances of other people agree with LPIPS."""
        training = self.prepare(self.sides[Split.TRAIN])
        validation = self.prepare(self.sides[Split.VALIDATION], judged=True)
        started = time.monotonic()
        network = self._train(training)
        fit_roots(network, training)
        seconds = time.monotonic() - started
        path = self.settings.output / f"{MODEL}.safetensors"
        weights.save(distance_weights(network), path)
        scores = agreement(load_network(path), validation)
        write_distance_card(self, weights.load(path), training, scores, seconds)
        return scores

    def prepare(self, clips: Sequence[Clip], *, judged: bool = False) -> list[tuple[Groups, ...]]:
        """Groups of each clip; those that the cache lacks are made.

        :param judged: measure LPIPS-alex too.
        """
        cache = self.settings.cache
        paths = [cache / f"{clip.path.stem}-distances-{self.settings.seed}.npz" for clip in clips]
        missing = [number for number, path in enumerate(paths) if not path.exists()]
        if missing:
            self._make([clips[number] for number in missing], judged=judged)
        return [_load(path) for path in paths]

    def _make(self, clips: Sequence[Clip], *, judged: bool) -> None:
        """Make groups of ``clips`` and leave them in the cache."""
        settings = self.settings
        frames = load_frames(clips, settings.cache)
        keys = load_coded_keys(clips, frames, settings.cache, seed=settings.seed)
        chosen = settings.generator
        maker = GroupMaker(
            network_from(models.weights_for(models.FACE, chosen), path=chosen),
            Lpips("squeeze", settings.metric_weights),
            Lpips("alex", settings.metric_weights) if judged else None,
        )
        for number, (clip, pictures, coded) in enumerate(zip(clips, frames, keys, strict=True)):
            stem = clip.path.stem
            # Of the clip's name, so that it does not matter which others were there already.
            rng = np.random.default_rng((settings.seed, *stem.encode()))
            made = maker.make(pictures, coded, rng)
            arrays = {
                f"{name}-{place}": array
                for place, groups in enumerate(made)
                for name, array in groups.arrays().items()
            }
            store(settings.cache / f"{stem}-distances-{settings.seed}.npz", arrays)
            self._report({"prepared": number + 1, "of": len(clips)})

    def _train(self, clips: Sequence[tuple[Groups, ...]]) -> DistanceNetwork:
        settings = self.settings
        random = torch.Generator().manual_seed(settings.seed)
        network = DistanceNetwork().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        initialise(network, random)
        optimiser = torch.optim.Adam(network.parameters(), lr=settings.rate)
        by_side = _by_side(clips)
        sums = torch.zeros(2)
        started = time.monotonic()
        for step in range(settings.steps):
            position = step / settings.steps
            share = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * position))
            optimiser.param_groups[0]["lr"] = settings.rate * share
            terms = _terms(network, by_side, settings.groups, random)
            optimiser.zero_grad(set_to_none=True)
            (terms[0] + _PLACES * terms[1]).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            sums += terms.detach()
            if (step + 1) % 50 == 0:
                distance, place = (sums / 50).tolist()
                seconds = round(time.monotonic() - started)
                self._report(
                    {
                        "step": step + 1,
                        "seconds": seconds,
                        "distance": round(distance, 4),
                        "places": round(place, 4),
                    }
                )
                sums.zero_()
        return network


def _one_of_each(clips: Iterable[Clip]) -> list[Clip]:
    """The first clip of each identity: people differ more than clips of the same do."""
    first: dict[str, Clip] = {}
    for clip in clips:
        first.setdefault(clip.identity, clip)
    return list(first.values())


def initialise(network: DistanceNetwork, random: torch.Generator) -> None:
    """Random convolutions (He et al.), drawn from ``random`` alone."""
    for convolution in network.convolutions:
        convolution = cast(nn.Conv2d, convolution)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu", generator=random)
        nn.init.zeros_(cast(Tensor, convolution.bias))


def _load(path: Path) -> tuple[Groups, ...]:
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    count = 1 + max(int(name.rpartition("-")[2]) for name in arrays)
    names = {name.rpartition("-")[0] for name in arrays}
    return tuple(
        Groups(**{name: arrays[f"{name}-{place}"] for name in names}) for place in range(count)
    )


def fit_roots(network: DistanceNetwork, clips: Sequence[tuple[Groups, ...]]) -> None:
    """Set how much each feature counts to what suits all pairs at once; the features stay."""
    rows, wanted = [], []
    with torch.inference_mode():
        for groups in (groups for clip in clips for groups in clip):
            for place, original in enumerate(groups.originals):
                one = network.features(to_tensor(groups.distorted[place], _CPU))
                other = network.features(to_tensor(original[None], _CPU))
                pairs = zip(one, other, strict=True)
                rows.append(torch.cat([(a - b).square().mean(dim=(2, 3)) for a, b in pairs], 1))
            wanted.append(torch.from_numpy(groups.squeeze).flatten())
    shares = _least_squares(torch.cat(rows).double(), torch.cat(wanted).double())
    widths = [root.numel() for root in network.roots]
    for root, values in zip(network.roots, shares.sqrt().split(widths), strict=True):
        root.data.copy_(values.reshape(root.shape))


def _least_squares(differences: Tensor, distances: Tensor) -> Tensor:
    """Shares ≥ 0 [F] by which ``differences`` [N, F] come closest to ``distances`` [N].

    By errors relative to what is wanted, with Nesterov's gradient steps cut off at zero.
    """
    weights = 1 / (distances + _NEAR)
    differences = differences * weights[:, None]
    scale = differences.norm(dim=0).clamp_min(1e-9)
    differences = differences / scale
    square, target = differences.T @ differences, differences.T @ (distances * weights)
    rate = 1 / torch.linalg.eigvalsh(square)[-1]
    shares = ahead = torch.zeros_like(target)
    speed = 1.0
    for _ in range(_FIT_STEPS):
        found = (ahead - rate * (square @ ahead - target)).clamp_min(0)
        faster = (1 + math.sqrt(1 + 4 * speed * speed)) / 2
        ahead = found + (speed - 1) / faster * (found - shares)
        shares, speed = found, faster
    return shares / scale


#: Groups of one size, and which of them each original is in.
_Pool = list[tuple[Groups, int]]


def _by_side(clips: Sequence[tuple[Groups, ...]]) -> list[_Pool]:
    pools: dict[int, _Pool] = {}
    for groups in (groups for clip in clips for groups in clip):
        pool = pools.setdefault(groups.originals.shape[1], [])
        pool += [(groups, place) for place in range(len(groups.originals))]
    return list(pools.values())


def _terms(
    network: DistanceNetwork, pools: Sequence[_Pool], count: int, random: torch.Generator
) -> Tensor:
    """Relative errors of distances and of distances by place, on a batch drawn anew: [2]."""
    sizes = torch.tensor([len(pool) for pool in pools], dtype=torch.float64)
    pool = pools[int(torch.multinomial(sizes, 1, generator=random))]
    drawn = [pool[place] for place in torch.randint(len(pool), (count,), generator=random).tolist()]
    originals = to_tensor(np.stack([groups.originals[place] for groups, place in drawn]), _CPU)
    distorted = to_tensor(
        np.concatenate([groups.distorted[place] for groups, place in drawn]), _CPU
    )
    wanted = torch.from_numpy(np.concatenate([groups.squeeze[place] for groups, place in drawn]))
    maps = torch.from_numpy(np.concatenate([groups.maps[place] for groups, place in drawn]))
    if torch.rand((), generator=random) < 0.5:
        originals, distorted, maps = originals.flip(3), distorted.flip(3), maps.flip(2)
    times = len(distorted) // count
    one = network.describe(distorted)
    other = [features.repeat_interleave(times, dim=0) for features in network.describe(originals)]
    by_place = places(network.errors(one, other))
    distance = network.distance(one, other)
    return torch.stack(
        [
            ((distance - wanted).abs() / (wanted + _NEAR)).mean(),
            ((by_place - maps).abs() / (maps + 2 * _NEAR)).mean(),
        ]
    )
