"""``gvc train-ranges``."""

from __future__ import annotations

from pathlib import Path

import click

from gvc.cli.options import SEED, quiet_option, weights_option
from gvc.cli.progress import record_lines


@click.command("train-ranges")
@click.argument("clips", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--cache", type=click.Path(path_type=Path), help="Decoded frames.  [beside OUTPUT]")
@weights_option
@click.option("--seed", type=SEED, default=0, show_default=True, help="Draws the frames.")
@click.option("--threads", type=click.IntRange(1, 1024), help="CPU threads.")
@quiet_option
def command(
    clips: Path,
    output: Path,
    cache: Path | None,
    weights: Path | None,
    seed: int,
    threads: int | None,
    quiet: bool,
) -> None:
    """Measure on the folder CLIPS what decoding in 8-bit integers needs; write OUTPUT (.ranges).

    It belongs to the weights: decoders find it beside their file, or among those that ship. CLIPS
    is as for gvc train, whose cache may be shared.
    """
    from gvc.training.ranges import RangeSettings, write_ranges

    settings = RangeSettings(
        clips=clips,
        output=output,
        cache=cache or output.with_suffix(".frames"),
        weights=weights,
        seed=seed,
        threads=threads,
    )

    write_ranges(settings, report=record_lines(quiet=quiet))
