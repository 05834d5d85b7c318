"""``gvc train``."""

from __future__ import annotations

from pathlib import Path

import click

from gvc.cli.options import (
    SEED,
    FiniteRange,
    device_option,
    metric_weights_option,
    quiet_option,
)
from gvc.cli.progress import record_lines


@click.command("train")
@click.argument("clips", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--cache", type=click.Path(path_type=Path), help="Decoded frames.  [OUTPUT/cache]")
@click.option("--model", default="lite", show_default=True, help="Profile of the network.")
@metric_weights_option
@click.option(
    "--recipe",
    type=click.Choice(("face", "body", "further", "people")),
    default="face",
    show_default=True,
    help="What to train for: stages, data, and weights to begin with.",
)
@click.option(
    "--initial",
    type=click.Path(path_type=Path),
    help="Weights to begin with.  [random; with other recipes than face those that ship]",
)
@click.option(
    "--revive/--as-they-are",
    default=False,
    help="Begin by making units of the initial weights live that give nothing.",
)
@click.option(
    "--scale",
    type=FiniteRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Length of the run, 1 is the default.",
)
@click.option("--faces/--no-faces", default=True, help="Learn from landmarks and mattes.")
@click.option(
    "--coded-keys/--raw-keys", default=True, help="Learn from key frames that VVC has coded."
)
@click.option(
    "--restoration",
    type=click.Path(path_type=Path),
    help="Weights that restore coded key frames.  [shown as they were decoded]",
)
@click.option("--people", type=click.IntRange(1), help="Train on so many identities.  [all]")
@click.option(
    "--bfloat16/--float32",
    default=None,
    help="Precision of the arithmetic.  [bfloat16 where the device is made for it]",
)
@click.option("--seed", type=SEED, default=2, show_default=True, help="Of everything random.")
@click.option("--resume/--restart", default=True, help="Whether to go on from a checkpoint.")
@device_option
@click.option("--threads", type=click.IntRange(1, 1024), help="CPU threads.")
@quiet_option
def command(
    clips: Path,
    output: Path,
    cache: Path | None,
    model: str,
    metric_weights: Path | None,
    recipe: str,
    initial: Path | None,
    revive: bool,
    scale: float,
    faces: bool,
    coded_keys: bool,
    restoration: Path | None,
    people: int | None,
    bfloat16: bool | None,
    seed: int,
    resume: bool,
    device: str,
    threads: int | None,
    quiet: bool,
) -> None:
    """Train on the folder CLIPS; write weights, log and model card to the folder OUTPUT.

    CLIPS holds square videos and clips.tsv with the columns file, identity, split and kind. What
    is prepared of them (frames, landmarks, coded key frames) is kept in the cache. An
    interrupted run goes on where its last checkpoint was; the best weights so far are always in
    OUTPUT/best.safetensors.
    """
    from gvc.training.recipes import of_recipe
    from gvc.training.trainer import Trainer

    settings = of_recipe(
        recipe,
        scale=scale,
        clips=clips,
        output=output,
        cache=cache or output / "cache",
        model=model,
        metric_weights=metric_weights,
        initial=initial,
        revive=revive,
        faces=faces,
        coded_keys=coded_keys,
        restoration=restoration,
        people=people,
        bfloat16=bfloat16,
        seed=seed,
        device=device,
        threads=threads,
    )

    Trainer(settings, report=record_lines(quiet=quiet)).run(resume=resume)
