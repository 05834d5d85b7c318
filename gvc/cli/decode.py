"""``gvc decode``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gvc.api.limits import DecodeLimits, OnError
from gvc.cli.options import (
    device_option,
    known_packs_option,
    known_weights_option,
    overwrite_option,
    precision_option,
    quiet_option,
    threads_option,
    verbose_option,
)
from gvc.cli.start import keep_freed_memory, making_what_stays, preload_torch
from gvc.errors import one_line

if TYPE_CHECKING:
    from gvc.api.transcode import Report

#: FFmpeg's format on standard output by the short names of the command line.
_PIPE_FORMATS = {
    "y4m": "yuv4mpegpipe",
    "nut": "nut",
    "mkv": "matroska",
    "mp4": "mp4",
    "png": "png",
    "jpg": "mjpeg",
}

#: Most lines about what of a damaged file is lost.
_MOST_LINES = 20


@click.command("decode")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@click.option(
    "-f",
    "--format",
    "container",
    type=click.Choice(list(_PIPE_FORMATS)),
    help="Format where OUT's name does not say it; y4m on a pipe, nut for sound too.",
)
@click.option(
    "--codec",
    help="FFmpeg's name of a video encoder.  [H.264; VP9 for webm; raw for nut and y4m]",
)
@click.option("--crf", type=click.IntRange(0, 63), help="Its constant rate factor.  [16]")
@click.option("--preset", help="Its preset.")
@click.option(
    "--size", type=int, help="Decode smaller, at this side of the square of equal area: faster."
)
@click.option("--audio/--no-audio", default=True, help="Whether to write the sound.")
@click.option(
    "--on-error",
    type=click.Choice([each.value for each in OnError]),
    default=OnError.STOP.value,
    show_default=True,
    help="Where IN is damaged: stop there, or hold the last picture and go on behind it.",
)
@click.option("--max-pixels", type=click.IntRange(1), help="Refuse larger pictures.")
@click.option("--max-frames", type=click.IntRange(1), help="Refuse more frames.")
@click.option("--max-seconds", type=float, help="Refuse a longer playing time.")
@click.option("--time-limit", type=float, help="Give up after so many seconds.")
@known_weights_option
@precision_option
@known_packs_option
@device_option
@threads_option
@overwrite_option
@quiet_option
@verbose_option
def command(
    source: str,
    target: str,
    container: str | None,
    codec: str | None,
    crf: int | None,
    preset: str | None,
    size: int | None,
    audio: bool,
    on_error: str,
    max_pixels: int | None,
    max_frames: int | None,
    max_seconds: float | None,
    time_limit: float | None,
    weights: Path | None,
    precision: str,
    pack: Path | None,
    device: str,
    threads: int | None,
    overwrite: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Decode IN (a .gvc file) to the video OUT; - is standard input or output.

    OUT's name chooses the format: .mp4, .mkv, .mov, .webm, .nut or .y4m, and .png or .jpg for a
    file of one frame. A file that is damaged or cut off is decoded up to there; the exit code is 1
    then, and OUT is kept. With --on-error conceal all that is whole is decoded, OUT has its full
    length, and the exit code is 0. A file beyond a --max or the time limit leaves no OUT.
    """
    keep_freed_memory()
    preload_torch()
    from gvc.api.input import InputContainer
    from gvc.api.transcode import decode
    from gvc.cli.files import STANDARD, readable, writable
    from gvc.cli.progress import progress_line, summary
    from gvc.media import SinkOptions, endings_of, format_of

    if container is not None:
        chosen = _PIPE_FORMATS[container]
    else:
        chosen = "yuv4mpegpipe" if target == STANDARD else format_of(target)
    with (
        InputContainer(
            readable(source),
            size=size,
            weights=weights,
            packs=pack,
            device=device,
            threads=threads,
            precision=precision,
            on_error=on_error,
            limits=DecodeLimits(max_pixels, max_frames, max_seconds, time_limit),
        ) as file,
        writable(target, source=source, overwrite=overwrite, endings=endings_of(chosen)) as output,
        progress_line("decode", quiet=quiet) as on_progress,
    ):
        with making_what_stays():
            _ = file.video_decoder
        report = decode(
            file,
            output,
            container=chosen,
            options=SinkOptions(codec=codec, crf=crf, preset=preset, threads=threads),
            audio=audio,
            name=target,
            on_progress=on_progress,
        )
    if verbose:
        click.echo(summary(target, report), err=True)
    if not quiet:
        _say_losses(source, report)
    if report.problem is not None:
        problem = f"{report.problem}; {report.frames} frames were decoded"
        click.echo(one_line(f"gvc: warning: {source}: {problem}"), err=True)
        sys.exit(1)


def _say_losses(source: str, report: Report) -> None:
    losses = [*map(str, report.losses[:_MOST_LINES])]
    if len(report.losses) > _MOST_LINES:
        losses.append(f"and so on, {len(report.losses)} times")
    if losses:
        held = sum(loss.frames for loss in report.losses)
        losses.append(f"{held} of {report.frames} frames are held for what is lost")
    for line in losses:
        click.echo(one_line(f"gvc: warning: {source}: {line}"), err=True)
