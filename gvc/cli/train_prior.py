"""``gvc train-prior``."""

from __future__ import annotations

from pathlib import Path

import click

from gvc.cli.options import SEED, quiet_option, weights_option
from gvc.cli.progress import record_lines


@click.command("train-prior")
@click.argument("clips", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--cache", type=click.Path(path_type=Path), help="Motion codes.  [beside OUTPUT]")
@weights_option
@click.option("--steps", default=2000, show_default=True, type=click.IntRange(1))
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of everything random.")
@click.option("--threads", type=click.IntRange(1, 1024), help="CPU threads.")
@quiet_option
def command(
    clips: Path,
    output: Path,
    cache: Path | None,
    weights: Path | None,
    steps: int,
    seed: int,
    threads: int | None,
    quiet: bool,
) -> None:
    """Train the prior of motion codes on the folder CLIPS; write it to OUTPUT (a .prior file).

    It belongs to the weights that made the codes: encoders find it beside their file, or among
    those that ship. CLIPS holds videos and clips.tsv, as for gvc train.
    """
    from gvc.training.prior import PriorSettings, train_prior

    settings = PriorSettings(
        clips=clips,
        output=output,
        cache=cache or output.with_suffix(".codes"),
        weights=weights,
        steps=steps,
        seed=seed,
        threads=threads,
    )

    train_prior(settings, report=record_lines(quiet=quiet))
