"""``gvc decode``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

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

#: FFmpeg's format on standard output by the short names of the command line.
_PIPE_FORMATS = {
    "y4m": "yuv4mpegpipe",
    "nut": "nut",
    "mkv": "matroska",
    "mp4": "mp4",
    "png": "png",
    "jpg": "mjpeg",
}


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
    then, and OUT is kept.
    """
    keep_freed_memory()
    preload_torch()
    from gvc.api.input import InputContainer
    from gvc.api.transcode import decode
    from gvc.cli.files import STANDARD, readable, writable
    from gvc.cli.progress import progress_line, summary
    from gvc.media import SinkOptions, format_of

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
        ) as file,
        writable(target, source=source, overwrite=overwrite) as output,
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
    if report.problem is not None:
        click.echo(
            f"gvc: warning: {source}: {report.problem}; {report.frames} frames were decoded",
            err=True,
        )
        sys.exit(1)
