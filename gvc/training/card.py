"""The model card written beside trained weights."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING

from gvc.model.weights import Weights
from gvc.training.losses import LossWeights
from gvc.training.validation import CODE_STEP, Scores

if TYPE_CHECKING:
    from gvc.training.trainer import Trainer


def write_card(trainer: Trainer, weights: Weights, scores: Scores) -> None:
    """Write ``card.md`` into the run's output folder: data, steps, losses, scores."""
    settings = trainer.settings
    parameters = sum(array.size for array in weights.arrays.values())
    stages = "\n".join(
        f"| {stage.phase.value} | {stage.steps} | "
        + ", ".join(f"{s.keys}×{s.inters} at {s.size}²" for s in stage.shapes)
        + f" | {stage.rate:g} → {stage.final_rate:g} | {_changed(stage.losses)} |"
        for stage in settings.stages
    )
    losses = ", ".join(f"{field.name} {field.default:g}" for field in fields(LossWeights))
    teachers = ["optical flow (DIS)"]
    if settings.faces:
        teachers.append("face landmarks and mattes (MediaPipe)")
    kinds = Counter(clip.kind for clip in trainer.train_clips)
    text = f"""# Model card: {weights.model}

| | |
| --- | --- |
| fingerprint | `{weights.fingerprint.hex()}` |
| parameters | {parameters / 1e6:.2f} M, stored as float16 |
| training data | {len(trainer.train_clips)} clips of \
{len({clip.identity for clip in trainer.train_clips})} identities \
({", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))}) |
| validation data | {len(trainer.validation_clips)} clips of \
{len({clip.identity for clip in trainer.validation_clips})} other identities |
| seed | {settings.seed} |
| optimiser | AdamW, cosine, averaged weights ({settings.average:g}) |
| code noise | uniform, quantiser steps up to {settings.noise:g} |
| key frames | {"coded by VVC, QP 22 to 52" if settings.coded_keys else "uncoded"} |
| teachers | {", ".join(teachers)} |
| loss weights | {losses} |
| time | {trainer.progress.seconds / 60:.0f} minutes on {settings.device} |

| stage | steps | batch | learning rate | other loss weights |
| --- | --- | --- | --- | --- |
{stages}

Scores on the validation identities at 256×256, key frame uncoded, motion codes quantised with
step {CODE_STEP:g}; LPIPS-squeeze was also the training loss.

| | generated | key frame unmoved |
| --- | --- | --- |
| LPIPS (SqueezeNet) | {scores.lpips_squeeze:.4f} | {scores.still_lpips_squeeze:.4f} |
| PSNR, dB | {scores.psnr:.2f} | {scores.still_psnr:.2f} |
| L1 of the warped key frame at 64² | {scores.warped:.4f} | {scores.still:.4f} |
"""
    (settings.output / "card.md").write_text(text, encoding="utf-8")


def _changed(losses: LossWeights) -> str:
    """Those of ``losses`` that are not the usual ones."""
    values = ((field, getattr(losses, field.name)) for field in fields(LossWeights))
    return ", ".join(f"{field.name} {value:g}" for field, value in values if value != field.default)
