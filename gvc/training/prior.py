"""Training the prior of motion codes: clips to codes, codes to a network, that to integers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from gvc.api.motion_codes import GroupMotion, motion_codes
from gvc.clips import Clip, Split, read_table
from gvc.codec.settings import EncoderSettings
from gvc.errors import UsageError
from gvc.model import models, priors
from gvc.training.clips import Arrays, cached
from gvc.training.prior_data import Codes, Frames
from gvc.training.prior_network import PriorNetwork

#: Settings whose levels the prior learns.
_SETTINGS = tuple(
    EncoderSettings(motion_step=Fraction(step), interpolate=interpolate)
    for step in ("1/2", "7/10", "1", "7/5", "2")
    for interpolate in (EncoderSettings().interpolate, 0)
)

#: Hidden units. :data:`_BATCH` frames a step; every so manieth step is reported.
_UNITS, _BATCH, _EVERY = 48, 512, 250

_RATE, _DECAY, _DROPOUT = 4e-3, 0.02, 0.1

#: A logistic distribution's scale for a standard deviation of one, a little less for its tails.
_SCALE = 0.5


@dataclass(frozen=True, slots=True)
class PriorSettings:
    """A training run.

    :param clips: folder with ``clips.tsv``. :param output: the file to write.
    :param cache: folder of motion codes; those that are not there are computed.
    :param weights: a weights file in place of the one that ships.
    :param steps: of the optimiser. :param seed: of everything random.
    :param threads: CPU threads.
    """

    clips: Path
    output: Path
    cache: Path
    weights: Path | None = None
    steps: int = 2000
    seed: int = 0
    threads: int | None = None


def train_prior(settings: PriorSettings, *, report: Callable[[dict[str, Any]], None]) -> None:
    """Train on the rows of split ``train`` and write the prior.

    :param report: gets a record of numbers now and then.
    :raises GvcError: if clips cannot be read or coded.
    """
    torch.manual_seed(settings.seed)
    found = models.weights_for(models.FACE, settings.weights)
    rows = [row for row in read_table(settings.clips) if row.split is Split.TRAIN]
    if not rows:
        raise UsageError("no clip of split 'train'", path=settings.clips)
    groups = [group for row in rows for group in _codes(row, settings)]
    arrays = {**_first(groups), **_layers(groups, settings, report)}
    priors.save(
        priors.Prior(found.fingerprint, arrays, priors.fingerprint(arrays)), settings.output
    )


def _codes(clip: Clip, settings: PriorSettings) -> list[Codes]:
    """Groups of a clip, from the cache or computed and put there."""

    def coded() -> Arrays:
        encoder = EncoderSettings(weights=settings.weights, threads=settings.threads)
        groups = motion_codes(clip.path, encoder)
        parts = (array for group in groups for array in (group.codes, group.times))
        return {f"{number}": array for number, array in enumerate(parts)}

    settings.cache.mkdir(parents=True, exist_ok=True)
    arrays = list(cached(settings.cache / f"{clip.path.stem}.npz", coded).values())
    motions = map(GroupMotion, arrays[::2], arrays[1::2])
    return [Codes(clip.identity, motion) for motion in motions if len(motion.codes) > 1]


def _first(groups: Sequence[Codes]) -> Mapping[str, npt.NDArray[np.integer]]:
    """Mean and scale of codes, in 1/16; every person counts alike."""
    shares = Counter(group.identity for group in groups)
    counted = [
        np.full(len(g.motion.codes), 1 / (shares[g.identity] * len(g.motion.codes))) for g in groups
    ]
    codes = np.concatenate([group.motion.codes for group in groups])
    counts = np.concatenate(counted)
    mean = np.average(codes, axis=0, weights=counts)
    deviation = np.sqrt(np.average((codes - mean) ** 2, axis=0, weights=counts))
    scale = np.maximum(1, 16 * _SCALE * deviation)
    return {
        "first.mean": (16 * mean).round().astype(np.int16),
        "first.scale": scale.round().astype(np.int16),
    }


def _layers(
    groups: Sequence[Codes], settings: PriorSettings, report: Callable[[dict[str, Any]], None]
) -> Mapping[str, npt.NDArray[np.integer]]:
    frames = Frames(groups, _SETTINGS)
    network = PriorNetwork(groups[0].motion.codes.shape[1], _UNITS)
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _RATE, total_steps=settings.steps, pct_start=0.1
    )
    started, mean = time.monotonic(), torch.zeros(4)
    for step in range(1, settings.steps + 1):
        chosen = torch.randint(len(frames), (_BATCH,))
        bits = network(frames.batch(chosen, flip=True), dropout=_DROPOUT) / _BATCH
        optimiser.zero_grad()
        bits.sum().backward()
        optimiser.step()
        schedule.step()
        mean += bits.detach() / _EVERY
        if step % _EVERY == 0 or step == settings.steps:
            names = ("counts", "places", "signs", "magnitudes")
            figures = {name: round(float(n), 3) for name, n in zip(names, mean, strict=True)}
            seconds = round(time.monotonic() - started)
            report({"step": step, "frames": len(frames), **figures, "seconds": seconds})
            mean = torch.zeros(4)
    return network.integers()
