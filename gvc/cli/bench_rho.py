"""``gvc bench rho``."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click

from gvc.cli.lists import parse_distances, parse_names, parse_qps, parse_steps
from gvc.cli.options import (
    device_option,
    metric_weights_option,
    quiet_option,
    threads_option,
    weights_option,
)
from gvc.cli.progress import lines
from gvc.codec.settings import DISTANCES


@click.command("rho")
@click.argument(
    "sources", nargs=-1, required=True, metavar="CLIPS...", type=click.Path(path_type=Path)
)
@click.option(
    "--max-distance",
    "limits",
    default="0.15,0.2,0.25",
    show_default=True,
    callback=parse_distances,
    metavar="RHO,...",
    help="Greatest distances, one a row.",
)
@click.option(
    "--distance",
    "distances",
    default=",".join(DISTANCES),
    show_default=True,
    callback=parse_names,
    help="What says how far, as gvc encode has it.",
)
@click.option("--key-qp", default=32, show_default=True, help="QP of key frames with RHO.")
@click.option(
    "--plain-qps",
    default="22,32,42,52",
    show_default=True,
    callback=parse_qps,
    help="QPs of key frames without.",
)
@click.option(
    "--plain-steps",
    default="1,2",
    show_default=True,
    callback=parse_steps,
    help="Steps of motion codes without; all at each QP.",
)
@click.option("--size", default=256, show_default=True, help="Side of the square pictures.")
@click.option("--frames", default=150, show_default=True, help="Most pictures of a clip.")
@click.option("--per-identity", type=click.IntRange(1), help="Most clips of one person.")
@click.option("--limit", type=click.IntRange(1), help="Most clips, different people first.")
@click.option(
    "--every",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Mean LPIPS is of every so manieth picture; the worst distance is of all.",
)
@metric_weights_option
@weights_option
@device_option
@threads_option
@quiet_option
def rho(
    sources: tuple[Path, ...],
    limits: tuple[float, ...],
    distances: tuple[str, ...],
    key_qp: int,
    plain_qps: tuple[int, ...],
    plain_steps: tuple[Fraction, ...],
    size: int,
    frames: int,
    per_identity: int | None,
    limit: int | None,
    every: int,
    metric_weights: Path | None,
    weights: Path | None,
    device: str,
    threads: int | None,
    quiet: bool,
) -> None:
    """What --max-distance costs and saves.

    CLIPS are video files, or folders with a clips.tsv, of which the talking heads of split val
    count. Rates with a greatest distance stand beside what the plain encoder takes at the same
    mean LPIPS-alex, on its own curve over QPs and steps.
    """
    from gvc.bench.clips import Selection, find_clips
    from gvc.bench.rho import RhoSettings, measure_rho, rho_table

    clips = find_clips(sources, Selection(per_identity=per_identity, limit=limit))
    settings = RhoSettings(
        limits=limits,
        distances=distances,
        key_qp=key_qp,
        plain_qps=plain_qps,
        plain_steps=plain_steps,
        size=size,
        frames=frames,
        every=every,
        metric_weights=metric_weights,
        weights=weights,
        device=device,
        threads=threads,
    )

    click.echo(rho_table(measure_rho(clips, settings, on_point=lines(quiet=quiet))))
