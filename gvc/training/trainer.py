"""The training loop: stages, checkpoints, validation, and the best weights kept."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from gvc.clips import Split, read_table
from gvc.errors import InvalidDataError, UsageError
from gvc.metrics import Lpips
from gvc.model import ranges, weights
from gvc.model.device import select_device
from gvc.model.motion import DenseMotion
from gvc.model.mttf import Mttf, network_from, weights_of
from gvc.model.profiles import get_profile
from gvc.training.calibration import calibrate
from gvc.training.card import write_card
from gvc.training.clips import load_frames, of_people
from gvc.training.face_motion import begin_with_faces
from gvc.training.footage import load_footage
from gvc.training.losses import analysis_terms, motion_terms, picture_terms, total
from gvc.training.pace import Pace
from gvc.training.pairs import Batch, PairDataset
from gvc.training.precision import convolve_in_bfloat16, prefers_bfloat16
from gvc.training.ranges import MEASURED_CLIPS, measure_ranges
from gvc.training.revival import revive
from gvc.training.settings import Phase, Stage, TrainingSettings
from gvc.training.validation import Scores, grouped, validate

#: One in so many training clips says how finely codes have to be sent.
_CALIBRATION_THINNING = 4

#: Batches in which a unit has to be silent to be made live.
_LOOKED_AT = 24

#: Called with one record for each line of the log.
Report = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class Progress:
    """Where a run stands; everything of it is in the checkpoint."""

    step: int = 0
    seconds: float = 0.0
    best: float = math.inf
    scores: dict[str, float] = field(default_factory=dict)
    calibrated: bool = False


class Trainer:
    """One training run, from its settings to ``best.safetensors``, ``best.ranges`` and ``card.md``.

    :raises UsageError: if the settings make no run.
    :raises MediaError, InvalidDataError, WeightsError: if the data or the metric's weights are
        not there.
    """

    def __init__(self, settings: TrainingSettings, *, report: Report) -> None:
        if not settings.stages:
            raise UsageError("a training run needs at least one stage")
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self.settings = settings
        self.device = select_device(settings.device)
        self._report = report
        table = read_table(settings.clips)
        self.train_clips = of_people(
            [clip for clip in table if clip.split is Split.TRAIN], settings.people, settings.seed
        )
        self.validation_clips = [
            clip
            for clip in table
            if clip.split is Split.VALIDATION and clip.kind in settings.judged
        ]
        if not self.train_clips or not self.validation_clips:
            raise InvalidDataError("needs training and validation clips", path=settings.clips)
        self._footage = load_footage(self.train_clips, settings)
        self._validation_frames = grouped(
            self.validation_clips,
            load_frames(self.validation_clips, settings.cache),
            settings.part,
        )
        self.perceptual = Lpips("squeeze", settings.metric_weights).to(self.device)
        torch.manual_seed(settings.seed)
        if settings.initial is not None:
            self.network = network_from(weights.load(settings.initial), path=settings.initial)
        else:
            self.network = Mttf(get_profile(settings.model))
            if settings.faces:
                begin_with_faces(
                    self.network, self._footage.faces, np.random.default_rng(settings.seed)
                )
        self._even_out()
        self.network.to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        chosen = settings.bfloat16
        if prefers_bfloat16(self.device) if chosen is None else chosen:
            convolve_in_bfloat16(self.network)
            convolve_in_bfloat16(self.perceptual)
        self.progress = Progress()
        self._optimiser: torch.optim.Optimizer | None = None
        settings.output.mkdir(parents=True, exist_ok=True)

    @property
    def best_path(self) -> Path:
        """The best weights so far."""
        return self.settings.output / "best.safetensors"

    @property
    def checkpoint_path(self) -> Path:
        """Everything needed to go on."""
        return self.settings.output / "checkpoint.pt"

    def run(self, *, resume: bool) -> Scores:
        """Train through all stages; returns the scores of the best weights at 256²."""
        if resume and self.checkpoint_path.exists():
            self._restore()
        elif self.settings.revive:
            self._revive()
        first = 0
        for stage in self.settings.stages:
            last = first + stage.steps
            if self.progress.step < last:
                self._run_stage(stage, first, last)
            first = last
        return self._finish()

    def _revive(self) -> None:
        dataset = self._dataset(self.settings.stages[-1])
        batches = [dataset[step].on(self.device) for step in range(_LOOKED_AT)]
        revived = revive(self.network, batches)
        self.average.load_state_dict(self.network.state_dict())
        self._report({"revived": revived})

    def _run_stage(self, stage: Stage, first: int, last: int) -> None:
        if self.progress.step == first:
            self._enter(stage)
        parameters = self._learning(stage)
        if self._optimiser is None:
            self._optimiser = torch.optim.AdamW(
                parameters, lr=stage.rate, betas=(0.9, 0.99), weight_decay=1e-4
            )
        loader = self._loader(stage, self.progress.step, last)
        sums: dict[str, Tensor] = {}
        summed = 0
        pace = Pace()
        for batch in pace.waiting_for(loader):
            position = (self.progress.step - first) / stage.steps
            rate = stage.final_rate + (stage.rate - stage.final_rate) * 0.5 * (
                1 + math.cos(math.pi * position)
            )
            terms = self._step(stage, batch, parameters, rate)
            self.progress.step += 1
            summed += 1
            pace.pairs += len(batch.frames)
            for name, value in terms.items():
                # Reading a value would make the device wait in every step.
                sums[name] = sums.get(name, 0) + value.detach()
            if self.progress.step % 25 == 0:
                means = {name: round(value.item() / summed, 4) for name, value in sums.items()}
                seconds, rates = pace.lap()
                self.progress.seconds += seconds
                self._log(stage, means | rates)
                sums.clear()
                summed = 0
            if self.progress.step % self.settings.validate_every == 0 or self.progress.step == last:
                self._validate(stage)
                if self.progress.step == last:
                    self._optimiser = None
                self._save()
        self._optimiser = None

    def _enter(self, stage: Stage) -> None:
        """What a phase needs before its first step."""
        self._optimiser = None
        if stage.phase is not Phase.EXPAND:
            return
        if self.best_path.exists():
            state = network_from(weights.load(self.best_path)).state_dict()
            self.network.load_state_dict(state)
        for route in largest_only(self.network):
            route.resizing[0].load_state_dict(next(iter(_twins(route))).state_dict())
        self.average.load_state_dict(self.network.state_dict())
        self.progress.best = math.inf

    def _learning(self, stage: Stage) -> list[Tensor]:
        network = self.network
        network.train(stage.phase is not Phase.EXPAND)
        if stage.frozen_norms:
            for module in network.modules():
                if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                    module.eval()
        if self.settings.faces:
            # The scale that the codes began with is what keypoints are read with.
            network.coder.scale.eval()
        modules: Sequence[torch.nn.Module]
        if stage.phase is Phase.POSE:
            modules = [network.extractor, network.coder, network.keypoint_motion]
        elif stage.phase is Phase.MOTION:
            modules = [network.extractor, network.coder, network.keypoint_motion, network.motion]
        elif stage.phase is Phase.JOINT:
            modules = [network]
        else:
            modules = [route.resizing[0] for route in largest_only(network)]
        network.requires_grad_(False)
        for module in modules:
            module.requires_grad_(True)
        return [parameter for module in modules for parameter in module.parameters()]

    def _dataset(self, stage: Stage) -> PairDataset:
        return PairDataset(
            self._footage,
            stage.shapes,
            seed=self.settings.seed,
            flow=stage.phase in (Phase.MOTION, Phase.JOINT),
            sampling=self.settings.sampling,
        )

    def _loader(self, stage: Stage, start: int, stop: int) -> Iterator[Batch]:
        loader: DataLoader[Batch] = DataLoader(
            self._dataset(stage),
            batch_size=None,
            sampler=range(start, stop),
            num_workers=1 if self.device.type == "cpu" else 12,
            prefetch_factor=4,
        )
        return iter(loader)

    def _step(
        self, stage: Stage, batch: Batch, parameters: list[Tensor], rate: float
    ) -> dict[str, Tensor]:
        assert self._optimiser is not None
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        target = batch.on(self.device)
        terms = self._terms(stage, target)
        loss = total(terms, stage.losses)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        if torch.isfinite(norm):
            self._optimiser.step()
            self._even_out()
            self._follow()
        return terms

    def _terms(self, stage: Stage, target: Batch) -> dict[str, Tensor]:
        noise = self._noise(len(target.frames))
        if stage.phase is Phase.POSE:
            return analysis_terms(
                self.network.exchange(target.key, target.frames, noise=noise), target
            )
        result, exchange = self.network(
            target.key, target.frames, noise=noise, generate=stage.phase is not Phase.MOTION
        )
        if isinstance(result, DenseMotion):
            terms = motion_terms(result, target)
        else:
            shift = divmod(self.progress.step % 4, 2)
            terms = picture_terms(result, target, self.perceptual, shift=shift)
            if stage.phase is Phase.EXPAND:
                return terms
            terms |= motion_terms(result.motion, target)
        return terms | analysis_terms(exchange, target)

    def _noise(self, count: int) -> Tensor:
        """Uniform noise as quantising with a step drawn for each frame would add."""
        generator = torch.Generator().manual_seed(
            self.settings.seed * 1_000_003 + self.progress.step
        )
        length = self.network.profile.code_length
        step = torch.rand(count, 1, generator=generator) * self.settings.noise
        return ((torch.rand(count, length, generator=generator) - 0.5) * step).to(self.device)

    def _even_out(self) -> None:
        for generator in (self.network.foreground, self.network.background):
            generator.head.even_out()

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averaged network towards the trained one, faster at the beginning."""
        keep = min(self.settings.average, (1 + self.progress.step) / (10 + self.progress.step))
        source = self.network.state_dict()
        for name, value in self.average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(source[name], 1 - keep)

    def _validate(self, stage: Stage) -> None:
        if stage.phase is Phase.POSE:
            return
        size = 512 if stage.phase is Phase.EXPAND else 256
        scores = validate(
            self.average, self._validation_frames, self.perceptual, size=size, device=self.device
        )
        self.progress.scores = scores.as_dict()
        if stage.phase in (Phase.JOINT, Phase.EXPAND) and scores.lpips_squeeze < self.progress.best:
            self.progress.best = scores.lpips_squeeze
            weights.save(weights_of(self.average), self.best_path)
        self._log(stage, {"size": size, **scores.as_dict()})

    def _log(self, stage: Stage, values: dict[str, float]) -> None:
        record = {
            "step": self.progress.step,
            "phase": stage.phase.value,
            "seconds": round(self.progress.seconds),
            **values,
        }
        with (self.settings.output / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self._report(record)

    def _save(self) -> None:
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict() if self._optimiser else None,
            "progress": asdict(self.progress),
        }
        partial = self.checkpoint_path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint_path)

    def _restore(self) -> None:
        state = torch.load(self.checkpoint_path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.progress = Progress(**state["progress"])
        stage = self._stage_at(self.progress.step)
        if state["optimiser"] is not None and stage is not None:
            self._optimiser = torch.optim.AdamW(
                self._learning(stage), lr=stage.rate, betas=(0.9, 0.99), weight_decay=1e-4
            )
            self._optimiser.load_state_dict(state["optimiser"])

    def _stage_at(self, step: int) -> Stage | None:
        first = 0
        for stage in self.settings.stages:
            if first <= step < first + stage.steps:
                return stage
            first += stage.steps
        return None

    def _finish(self) -> Scores:
        if not self.best_path.exists():
            weights.save(weights_of(self.average), self.best_path)
        best = weights.load(self.best_path)
        network = network_from(best).to(self.device)
        if not self.progress.calibrated:
            generator = torch.Generator().manual_seed(self.settings.seed)
            clips = self._footage.frames[::_CALIBRATION_THINNING]
            calibrate(network, clips, self.perceptual, generator)
            best = weights_of(network)
            weights.save(best, self.best_path)
            self.progress.calibrated = True
            self._save()
        scores = validate(
            network, self._validation_frames, self.perceptual, size=256, device=self.device
        )
        write_card(self, best, scores)
        clips = self._footage.frames[:: -(-len(self._footage.frames) // MEASURED_CLIPS)]
        measured = measure_ranges(network, best.fingerprint, clips, seed=self.settings.seed)
        ranges.save(measured, self.best_path.with_suffix(ranges.SUFFIX))
        return scores


def largest_only(network: Mttf) -> list[Any]:
    """The routes whose first resizing block serves the largest resolution alone."""
    foreground, background = network.foreground, network.background
    return [foreground.encoder, foreground.decoder, background.decoder]


def _twins(route: Any) -> Iterator[torch.nn.Module]:
    """Blocks of the next smaller resolutions that do the same work without changing the size."""
    for resolution in sorted(route.profile.resolutions, reverse=True):
        name = f"{resolution}_0"
        if name in route.keeping:
            yield route.keeping[name]
