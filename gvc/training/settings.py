"""What a training run is: its phases and every number that changes its outcome."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path

from gvc.clips import Kind
from gvc.training.losses import LossWeights
from gvc.training.pairs import BatchShape, Sampling


class Phase(enum.StrEnum):
    """Which part of the network learns, from which losses."""

    POSE = "pose"
    """E_F and the coder alone: finding the keypoints of faces, and coding how they move."""

    MOTION = "motion"
    """Motion networks alone, taught by optical flow and the warped key frame."""

    JOINT = "joint"
    """The whole network."""

    EXPAND = "expand"
    """Only the generators' blocks that the largest size alone uses; all others rest."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Consecutive steps with the same settings.

    :param phase: what learns.
    :param steps: number of optimiser steps.
    :param shapes: batch shapes, taken in turn; their sizes choose the routes (eq. 28).
    :param rate: AdamW learning rate at the start of the stage.
    :param final_rate: where a cosine takes it until the end of the stage.
    :param frozen_norms: batch norms use their running statistics, as they will when coding. With
        those of each batch, which vary a lot since most pairs hardly move and some move far, the
        network learns to rely on a scale that it will not find later.
    :param losses: weights of the loss terms.
    """

    phase: Phase
    steps: int
    shapes: tuple[BatchShape, ...]
    rate: float
    final_rate: float
    frozen_norms: bool = True
    losses: LossWeights = field(default_factory=LossWeights)


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """A training run.

    :param clips: folder of clips with ``clips.tsv``.
    :param output: folder for checkpoints, the best weights, the log and the model card.
    :param cache: folder for decoded frames.
    :param model: profile name.
    :param metric_weights: folder of the perceptual network, see :mod:`gvc.metrics.lpips`.
    :param initial: weights to begin with; None begins with random ones.
    :param stages: run one after the other.
    :param sampling: of what batches are made.
    :param revive: begin by making units live that are silent, see :mod:`gvc.training.revival`.
    :param judged: kinds of the validation clips that choose the best weights; each counts alike.
    :param part: those of bodies are cut into parts of at most so many frames, each with a key frame
        of its own; None takes them whole.
    :param restoration: weights that restore coded key frames; most of them are shown restored then.
    :param average: share of the old value in the running mean of the weights, each step.
    :param noise: motion codes get uniform noise of quantiser steps drawn up to this one.
    :param faces: learn from the landmarks and mattes of :mod:`gvc.training.faces`.
    :param coded_keys: learn from the key frames of :mod:`gvc.training.coded_keys`.
    :param people: train on so many identities, chosen by ``seed``; None takes all. For learning
        curves.
    :param bfloat16: compute in bfloat16 with weights in float32; None does where the device is made
        for it (:func:`gvc.training.precision.prefers_bfloat16`).
    :param validate_every: steps between validations (and checkpoints).
    :param threads: CPU threads of the networks; None leaves torch's choice.
    """

    clips: Path
    output: Path
    cache: Path
    model: str = "lite"
    metric_weights: Path | None = None
    initial: Path | None = None
    stages: tuple[Stage, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    revive: bool = False
    judged: tuple[Kind, ...] = (Kind.TALKING_HEAD,)
    part: int | None = None
    seed: int = 2
    noise: float = 0.6
    faces: bool = True
    coded_keys: bool = True
    restoration: Path | None = None
    average: float = 0.99
    people: int | None = None
    bfloat16: bool | None = None
    validate_every: int = 250
    device: str = "cpu"
    threads: int | None = None
