"""``gvc bench``."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gvc.cli.bench_adaptation import adaptation
from gvc.cli.bench_rho import rho
from gvc.cli.lists import parse_names, parse_options, parse_qps, parse_steps
from gvc.cli.options import (
    device_option,
    metric_weights_option,
    quiet_option,
    threads_option,
    weights_option,
)
from gvc.cli.progress import lines
from gvc.clips import Kind, Split

if TYPE_CHECKING:
    from gvc.bench.run import Step

#: Stands for every kind of clips.
_ALL = "all"


@click.group("bench")
def command() -> None:
    """Measure this codec: beside others (needs the extra gvc[bench]), or how fast it is."""


command.add_command(rho)
command.add_command(adaptation)


@command.command("rd")
@click.argument(
    "sources", nargs=-1, required=True, metavar="SOURCES...", type=click.Path(path_type=Path)
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of results."
)
@click.option(
    "--split",
    type=click.Choice([split.value for split in Split]),
    default=Split.VALIDATION.value,
    show_default=True,
    help="Rows of clips.tsv to take.",
)
@click.option(
    "--kind",
    type=click.Choice([*(kind.value for kind in Kind), _ALL]),
    default=Kind.TALKING_HEAD.value,
    show_default=True,
    help="Rows of which kind.",
)
@click.option("--per-identity", type=click.IntRange(1), help="Most clips of one person.")
@click.option("--limit", type=click.IntRange(1), help="Most clips, different people first.")
@click.option("--size", default=256, show_default=True, help="Side of the square pictures.")
@click.option("--frames", default=150, show_default=True, help="Most pictures of a clip.")
@click.option(
    "--codecs",
    default="gvc,vvc,vvc-ld,hevc,av1",
    show_default=True,
    callback=parse_names,
    help="Which to measure.",
)
@click.option(
    "--key-qp",
    "key_qps",
    default="22,32,42,52",
    show_default=True,
    callback=parse_qps,
    help="QPs of our key frames, one a point.",
)
@click.option(
    "--motion-step",
    "motion_steps",
    callback=parse_steps,
    help="Further points of ours: steps of the motion codes at key QP 32.",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    callback=parse_options,
    metavar="NAME=VALUE",
    help="Further option of our encoder at all points; refine=8, say.",
)
@click.option(
    "--every",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="LPIPS looks at every so manieth picture.",
)
@metric_weights_option
@weights_option
@device_option
@click.option("--threads", type=click.IntRange(1, 1024), help="CPU threads of gvc and the metrics.")
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Points at once."
)
@click.option("--restart", is_flag=True, help="Forget the results of earlier runs.")
@quiet_option
def rate_distortion(
    sources: tuple[Path, ...],
    output: Path,
    split: str,
    kind: str,
    per_identity: int | None,
    limit: int | None,
    size: int,
    frames: int,
    codecs: tuple[str, ...],
    key_qps: tuple[int, ...],
    motion_steps: tuple[Fraction, ...],
    options: tuple[tuple[str, str], ...],
    every: int,
    metric_weights: Path | None,
    weights: Path | None,
    device: str,
    threads: int | None,
    jobs: int,
    restart: bool,
    quiet: bool,
) -> None:
    """Rate and quality on SOURCES: video files, or folders of clips with a clips.tsv.

    Writes results.jsonl as it goes, and from it results.csv, summary.json, figures, a contact
    sheet and index.html. What is measured already is not measured again.
    """
    from gvc.bench.clips import Selection
    from gvc.bench.settings import RdSettings

    settings = RdSettings(
        sources=sources,
        output=output,
        selection=Selection(
            split=Split(split),
            kind=None if kind == _ALL else Kind(kind),
            per_identity=per_identity,
            limit=limit,
        ),
        size=size,
        frames=frames,
        codecs=codecs,
        key_qps=key_qps,
        motion_steps=motion_steps,
        options=options,
        every=every,
        metric_weights=metric_weights,
        weights=weights,
        device=device,
        threads=threads,
        jobs=jobs,
        restart=restart,
    )
    from gvc.bench.run import check_extra, run_rd

    # What writes the report imports packages of the extra.
    check_extra()
    from gvc.bench.identity import why_no_faces
    from gvc.bench.report import write_report
    from gvc.bench.tables import table

    missing = why_no_faces(metric_weights)
    if missing is not None:
        lines(quiet=quiet)(f"gvc: no face similarity: {missing}")
    with _points_line(quiet=quiet) as on_step:
        results = run_rd(settings, on_step=on_step)
    summary = write_report(results)
    if not quiet:
        click.echo(table(summary))
        click.echo(f"{output / 'index.html'} shows everything")


@command.command("speed")
@click.argument("clip", metavar="[CLIP]", required=False, type=click.Path(path_type=Path))
@click.option("--size", default=256, show_default=True, help="Side of the square pictures.")
@click.option("--seconds", default=10.0, show_default=True, help="Length of the measured file.")
@click.option(
    "--long",
    "long_seconds",
    type=float,
    help="Length of the file whose decoder's memory is compared.  [10 times --seconds]",
)
@click.option(
    "--repeat", type=click.IntRange(1), default=3, show_default=True, help="Runs of each part."
)
@click.option(
    "--paper/--no-paper",
    default=True,
    show_default=True,
    help="Whether the paper-size generator runs too: seconds a frame.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines; the keys are stable.")
@weights_option
@device_option
@threads_option
@quiet_option
def speed(
    clip: Path | None,
    size: int,
    seconds: float,
    long_seconds: float | None,
    repeat: int,
    paper: bool,
    as_json: bool,
    weights: Path | None,
    device: str,
    threads: int | None,
    quiet: bool,
) -> None:
    """Frames a second, start-up and memory on this machine.

    CLIP is a video or .gvc file whose pictures are taken; without it some are drawn.
    """
    from gvc.bench.speed_settings import SpeedSettings

    settings = SpeedSettings(
        clip=clip,
        size=size,
        seconds=seconds,
        long_seconds=long_seconds if long_seconds is not None else 10 * seconds,
        repeat=repeat,
        paper=paper,
        weights=weights,
        device=device,
        threads=threads,
    )
    from gvc.bench.speed import run_speed
    from gvc.bench.speed_table import speed_json, speed_table

    report = run_speed(settings, on_part=lines(quiet=quiet))
    click.echo(
        json.dumps(speed_json(report), indent=2, ensure_ascii=False)
        if as_json
        else speed_table(report)
    )


@command.command("entropy")
@click.argument(
    "sources", nargs=-1, required=True, metavar="CLIPS...", type=click.Path(path_type=Path)
)
@click.option(
    "--step",
    "steps",
    default="1/2,1,2",
    show_default=True,
    callback=parse_steps,
    help="Quantiser steps of the motion codes.",
)
@click.option(
    "--interpolate",
    type=int,
    help="Most frames in a row whose codes are not sent; 0 sends all.  [as gvc encode]",
)
@click.option("--per-identity", type=click.IntRange(1), help="Most clips of one person.")
@click.option("--limit", type=click.IntRange(1), help="Most clips, different people first.")
@weights_option
@device_option
@threads_option
@quiet_option
def motion_entropy(
    sources: tuple[Path, ...],
    steps: tuple[Fraction, ...],
    interpolate: int | None,
    per_identity: int | None,
    limit: int | None,
    weights: Path | None,
    device: str,
    threads: int | None,
    quiet: bool,
) -> None:
    """Bits a frame of motion codes, for every entropy model at some steps.

    CLIPS are video files, or folders with a clips.tsv, of which the talking heads of split val
    count. The reference is the scheme of the public software of generative face video coding.
    """
    from gvc.bench.clips import Selection, find_clips
    from gvc.bench.entropy import entropy_table, measure_entropy
    from gvc.codec.settings import EncoderSettings

    clips = find_clips(sources, Selection(per_identity=per_identity, limit=limit))

    settings = EncoderSettings(weights=weights, device=device, threads=threads)
    if interpolate is not None:
        settings = replace(settings, interpolate=interpolate)
    click.echo(entropy_table(measure_entropy(clips, steps, settings, on_clip=lines(quiet=quiet))))


@contextlib.contextmanager
def _points_line(*, quiet: bool) -> Iterator[Callable[[Step], None]]:
    """On a terminal a bar, elsewhere a line a measured point, on standard error."""
    if quiet:
        yield lambda _: None
    elif not sys.stderr.isatty():
        yield lambda step: click.echo(_line(step), err=True) if step.fresh else None
    else:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} % point {task.completed}/{task.fields[count]}"),
            TextColumn("{task.fields[last]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("bench", total=None, count="?", last="")

            def update(step: Step) -> None:
                record = step.record
                last = f"{record.codec} {record.point} {record.kbps:.1f} kb/s"
                bar.update(task, completed=step.done, total=step.total, count=step.total, last=last)

            yield update


def _line(step: Step) -> str:
    record = step.record
    scores = " ".join(f"{name}={value:.4g}" for name, value in record.scores.items())
    return (
        f"{step.done}/{step.total} {record.clip} {record.codec} {record.point} "
        f"{record.kbps:.2f} kb/s {scores}"
    )
