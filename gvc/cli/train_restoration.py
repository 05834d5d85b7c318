"""``gvc train-restoration``."""

from __future__ import annotations

from pathlib import Path

import click

from gvc.cli.options import SEED, metric_weights_option, quiet_option
from gvc.cli.progress import record_lines


@click.command("train-restoration")
@click.argument("clips", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--cache", type=click.Path(path_type=Path), help="Prepared data.  [OUTPUT/cache]")
@metric_weights_option
@click.option("--steps", type=click.IntRange(1), default=4000, show_default=True)
@click.option("--faces/--no-faces", default=True, help="Weigh eyes and mouth by landmarks.")
@click.option("--seed", type=SEED, default=2, show_default=True, help="Of everything random.")
@click.option("--threads", type=click.IntRange(1, 1024), help="CPU threads.")
@quiet_option
def command(
    clips: Path,
    output: Path,
    cache: Path | None,
    metric_weights: Path | None,
    steps: int,
    faces: bool,
    seed: int,
    threads: int | None,
    quiet: bool,
) -> None:
    """Train the restoration of key frames on the folder CLIPS; write weights to OUTPUT.

    CLIPS is as for gvc train, whose cache may be shared. An interrupted run goes on from its last
    checkpoint. Give the weights to gvc train --restoration, so that generators learn from restored
    key frames.
    """
    from gvc.training.restoration import RestorationSettings, RestorationTrainer

    settings = RestorationSettings(
        clips=clips,
        output=output,
        cache=cache or output / "cache",
        metric_weights=metric_weights,
        steps=steps,
        faces=faces,
        seed=seed,
        threads=threads,
    )

    RestorationTrainer(settings, report=record_lines(quiet=quiet)).run()
