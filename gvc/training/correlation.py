"""How well the small perceptual distance agrees with LPIPS, and its model card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from gvc.model.device import to_tensor
from gvc.model.distance import DistanceNetwork
from gvc.model.weights import Weights
from gvc.training.distance_pairs import KINDS, Groups

if TYPE_CHECKING:
    from gvc.training.distance import DistanceTrainer

Values = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of a distance with another one, over pairs of pictures.

    :param pairs: how many.
    :param pearson: correlation of the values, over all pairs.
    :param spearman: correlation of their ranks, over all pairs.
    :param clip_pearson: correlation of the values within a clip, mean of all clips.
    :param clip_spearman: correlation of the ranks within a clip, mean of all clips.
    :param ratio: median of the other distance over this one.
    """

    pairs: int
    pearson: float
    spearman: float
    clip_pearson: float
    clip_spearman: float
    ratio: float


def pearson(one: Values, other: Values) -> float:
    """Correlation of two rows of numbers; 0 where one of them does not vary."""
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / scale if scale > 0 else 0.0


def spearman(one: Values, other: Values) -> float:
    """Correlation of ranks; equal values share the mean of theirs."""
    return pearson(_ranks(one), _ranks(other))


def _ranks(values: Values) -> Values:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[places]


@torch.inference_mode()
def agreement(
    network: DistanceNetwork, clips: Sequence[tuple[Groups, ...]]
) -> dict[str, Agreement]:
    """Agreement with LPIPS on ``clips`` whose groups know LPIPS-alex.

    :returns: by name: ``squeeze`` and ``alex`` over all pairs; the same with what a pair began as
        behind a slash.
    """

    def measure(groups: Groups) -> Values:
        cpu = torch.device("cpu")
        rows = [
            network(to_tensor(distorted, cpu), to_tensor(original[None], cpu)).numpy()
            for original, distorted in zip(groups.originals, groups.distorted, strict=True)
        ]
        return np.stack(rows)

    return compare(measure, clips)


def compare(
    measure: Callable[[Groups], Values], clips: Sequence[tuple[Groups, ...]]
) -> dict[str, Agreement]:
    """See :func:`agreement`; any distance, given as what it says [G, D] of groups."""
    rows = [
        np.stack(
            [
                np.concatenate([values(groups).ravel() for groups in clip])
                for values in (measure, _squeeze, _alex, _kinds)
            ]
        )
        for clip in clips
    ]
    scores = {}
    for place, name in ((1, "squeeze"), (2, "alex")):
        scores[name] = _agree([(row[0], row[place]) for row in rows])
        for number, kind in enumerate(KINDS):
            chosen = [row[:, row[3] == number] for row in rows]
            scores[f"{name}/{kind}"] = _agree([(row[0], row[place]) for row in chosen])
    return scores


def _squeeze(groups: Groups) -> Values:
    return groups.squeeze


def _alex(groups: Groups) -> Values:
    return groups.alex


def _kinds(groups: Groups) -> Values:
    return groups.kinds.astype(np.float32)


def _agree(rows: Sequence[tuple[Values, Values]]) -> Agreement:
    one, other = (np.concatenate([row[place] for row in rows]) for place in (0, 1))
    return Agreement(
        pairs=len(one),
        pearson=pearson(one, other),
        spearman=spearman(one, other),
        clip_pearson=float(np.mean([pearson(*row) for row in rows])),
        clip_spearman=float(np.mean([spearman(*row) for row in rows])),
        ratio=float(np.median(other[one > 0] / one[one > 0])),
    )


def write_distance_card(
    trainer: DistanceTrainer,
    weights: Weights,
    training: Sequence[tuple[Groups, ...]],
    scores: dict[str, Agreement],
    seconds: float,
) -> None:
    """Write ``distance.md`` into the run's output folder: data, recipe, agreement with LPIPS."""
    settings = trainer.settings
    train, validation = trainer.sides.values()
    pairs = sum(groups.kinds.size for clip in training for groups in clip)
    rows = "\n".join(
        f"| {kind} | {score.pairs} | "
        + " | ".join(
            f"{one.pearson:.3f} / {one.spearman:.3f} | "
            f"{one.clip_pearson:.3f} / {one.clip_spearman:.3f}"
            for one in (score, scores[name.replace("squeeze", "alex")])
        )
        + f" | {score.ratio:.2f}, {scores[name.replace('squeeze', 'alex')].ratio:.2f} |"
        for name, score in scores.items()
        if name.startswith("squeeze")
        for kind in (name.partition("/")[2] or "all",)
    )
    text = f"""# Model card: distance

How different two pictures look to people, in place of LPIPS where its networks are not at hand:
an encoder decides by it whether a frame is good enough. On the scale of LPIPS-squeeze.

| | |
| --- | --- |
| fingerprint | `{weights.fingerprint.hex()}` |
| parameters | {sum(array.size for array in weights.arrays.values())}, stored as float16 |
| training data | {pairs} pairs of {len(train)} clips of \
{len({clip.identity for clip in train})} identities |
| validation data | {len(validation)} clips of {len({clip.identity for clip in validation})} \
other identities |
| pairs | generated, key frame standing still, coded by VVC (QP 22 to 52), artificial, mixed; \
96² to 320² |
| labels | LPIPS-squeeze, whole and by place; LPIPS-alex was never learnt from nor chosen by |
| optimiser | Adam {settings.rate:g}, cosine, {settings.steps} steps of {settings.groups} \
originals; seed {settings.seed}; then shares of features by least squares over all pairs |
| time | {seconds / 60:.0f} minutes on {torch.get_num_threads()} CPU thread(s), \
after the pairs were made |

Correlation (Pearson / Spearman) with LPIPS on validation clips, over all pairs and within each clip
(mean); last, the median of LPIPS-squeeze and LPIPS-alex over this distance.

| pairs | how many | squeeze, all | squeeze, in a clip | alex, all | alex, in a clip | ratios |
| --- | --- | --- | --- | --- | --- | --- |
{rows}
"""
    (settings.output / "distance.md").write_text(text, encoding="utf-8")
