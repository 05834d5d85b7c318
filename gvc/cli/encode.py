"""``gvc encode``."""

from __future__ import annotations

from typing import Any

import click

from gvc.cli.coding_options import coding_options, coding_settings
from gvc.cli.options import overwrite_option, quiet_option, threads_option, verbose_option
from gvc.cli.start import keep_freed_memory, preload_torch


@click.command("encode")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@coding_options
@threads_option
@overwrite_option
@quiet_option
@verbose_option
def command(
    source: str,
    target: str,
    passes: int | None,
    audio: str,
    audio_bitrate: int,
    overwrite: bool,
    quiet: bool,
    verbose: bool,
    **coding: Any,
) -> None:
    """Code the video IN as OUT (a .gvc file); - is standard input or output.

    IN can be an address that begins with http:// or https://, and a still picture, too. Streams
    that are left out, and changes that are made to pictures, are said in a line each.
    """
    keep_freed_memory()
    preload_torch()
    from gvc.api.transcode import encode
    from gvc.cli.files import readable_media, writable
    from gvc.cli.progress import lines, progress_line, summary
    from gvc.media import AudioMode

    settings = coding_settings(coding)
    say = lines(quiet=quiet)
    with (
        writable(target, source=source, overwrite=overwrite, endings=(".gvc",)) as file,
        progress_line("encode", quiet=quiet) as on_progress,
    ):
        report = encode(
            readable_media(source),
            file,
            settings=settings,
            audio=AudioMode(audio),
            audio_bit_rate=audio_bitrate,
            passes=passes,
            on_progress=on_progress,
            on_warning=lambda line: say(f"gvc: warning: {source}: {line}"),
        )
    if report.problem is not None:
        say(f"gvc: warning: {source}: {report.problem}")
    if verbose:
        click.echo(summary(target, report), err=True)
