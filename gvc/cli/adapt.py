"""``gvc adapt``."""

from __future__ import annotations

from pathlib import Path

import click

from gvc.cli.lists import parse_qps
from gvc.cli.options import (
    SEED,
    FiniteRange,
    device_option,
    loss_option,
    metric_weights_option,
    overwrite_option,
    quiet_option,
    threads_option,
    weights_option,
)
from gvc.cli.progress import record_lines
from gvc.errors import GvcError


@click.command("adapt")
@click.argument(
    "recordings", nargs=-1, required=True, metavar="RECORDINGS...", type=click.Path(path_type=Path)
)
@click.option("-o", "--output", required=True, metavar="SPEAKER.gvcp", help="The pack to write.")
@click.option(
    "--seconds",
    type=FiniteRange(0),
    default=240.0,
    show_default=True,
    help="Most seconds of learning, preparing apart.",
)
@click.option("--steps", default=600, show_default=True, type=click.IntRange(1), help="Most steps.")
@click.option(
    "--key-qp",
    "key_qps",
    default="32",
    show_default=True,
    callback=parse_qps,
    help="QPs of the key frames to learn from.",
)
@click.option("--size", default=256, show_default=True, help="As of gvc encode.")
@click.option(
    "--worth",
    type=FiniteRange(0),
    help="Distance that a kilobyte of the pack has to save; less makes larger packs, for many "
    "recordings.  [what it saves in RECORDINGS]",
)
@loss_option
@metric_weights_option
@weights_option
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of everything random.")
@device_option
@threads_option
@overwrite_option
@quiet_option
def command(
    recordings: tuple[Path, ...],
    output: str,
    seconds: float,
    steps: int,
    key_qps: tuple[int, ...],
    size: int,
    worth: float | None,
    loss: str,
    metric_weights: Path | None,
    weights: Path | None,
    seed: int,
    device: str,
    threads: int | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Adapt the network's biases to the speaker of RECORDINGS; write a speaker pack.

    gvc encode --pack codes with it, and decoders need it; gvc encode --embed-pack stores it in the
    file. If frames that were held out do not come closer to their originals, nothing is written,
    and the exit code is 1.
    """
    from gvc.cli.files import writable
    from gvc.training.speaker import AdaptSettings, Loss, adapt

    settings = AdaptSettings(
        recordings=recordings,
        weights=weights,
        key_qps=key_qps,
        size=size,
        steps=steps,
        seconds=seconds,
        worth=worth,
        loss=Loss(loss),
        metric_weights=metric_weights,
        device=device,
        threads=threads,
        seed=seed,
    )
    with writable(
        output, source=str(recordings[0]), overwrite=overwrite, endings=(".gvcp",)
    ) as file:
        outcome = adapt(settings, report=record_lines(quiet=quiet))
        if outcome.pack is None:
            raise GvcError(
                f"nothing is gained on {outcome.held} frames that were held out",
                hint="longer recordings, more --steps, or a smaller --worth may help",
            )
        file.write(outcome.pack.data)
    if not quiet:
        gain = 100 * (outcome.after / outcome.before - 1)
        click.echo(
            f"{output}: {len(outcome.pack.data)} bytes, {outcome.pack.fingerprint.hex()}; "
            f"{outcome.steps} steps in {outcome.seconds:.0f} s on {outcome.frames} frames; "
            f"{outcome.measure} of {outcome.held} held-out frames "
            f"{outcome.before:.4f} -> {outcome.after:.4f} ({gain:+.1f} %)",
            err=True,
        )
