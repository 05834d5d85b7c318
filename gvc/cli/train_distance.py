"""``gvc train-distance``."""

from __future__ import annotations

from pathlib import Path

import click

from gvc.cli.options import SEED, metric_weights_option, quiet_option, weights_option
from gvc.cli.progress import record_lines


@click.command("train-distance")
@click.argument("clips", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--cache", type=click.Path(path_type=Path), help="Prepared data.  [OUTPUT/cache]")
@weights_option
@metric_weights_option
@click.option("--steps", type=click.IntRange(1), default=1500, show_default=True)
@click.option("--seed", type=SEED, default=2, show_default=True, help="Of everything random.")
@click.option("--threads", type=click.IntRange(1, 1024), help="CPU threads.")
@quiet_option
def command(
    clips: Path,
    output: Path,
    cache: Path | None,
    weights: Path | None,
    metric_weights: Path | None,
    steps: int,
    seed: int,
    threads: int | None,
    quiet: bool,
) -> None:
    """Train the perceptual distance on the folder CLIPS; write weights and card to OUTPUT.

    CLIPS is as for gvc train, whose cache may be shared. Pairs of pictures are made once, by the
    generator of --weights among others, and kept in the cache with their distances. The card says
    how well distances agree with LPIPS on people that were not trained on.
    """
    from gvc.training.distance import DistanceSettings, DistanceTrainer

    settings = DistanceSettings(
        clips=clips,
        output=output,
        cache=cache or output / "cache",
        generator=weights,
        metric_weights=metric_weights,
        steps=steps,
        seed=seed,
        threads=threads,
    )

    DistanceTrainer(settings, report=record_lines(quiet=quiet)).run()
