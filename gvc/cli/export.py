"""``gvc export``."""

from __future__ import annotations

from pathlib import Path

import click

from gvc.cli.options import known_weights_option, overwrite_option, quiet_option, verbose_option
from gvc.errors import UsageError


@click.command("export")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@click.option("--sei", is_flag=True, help="As a VVC stream with motion codes in SEI messages.")
@known_weights_option
@overwrite_option
@quiet_option
@verbose_option
def command(
    source: str,
    target: str,
    sei: bool,
    weights: Path | None,
    overwrite: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Write IN (a .gvc file) as OUT, a VVC stream (.266) that gvc import reads back.

    Every VVC decoder shows its key frames. Motion codes are Generative Face Video messages. Sound
    is left out.
    """
    from gvc.cli.files import opened, writable
    from gvc.cli.progress import lines
    from gvc.sei import export_stream

    if not sei:
        raise UsageError("say how motion codes are to be written", hint="--sei")
    say = lines(quiet=quiet)
    with (
        opened(source) as file,
        writable(
            target, source=source, overwrite=overwrite, endings=(".266", ".vvc", ".h266")
        ) as output,
    ):
        report = export_stream(
            file,
            output,
            extra_weights=weights,
            on_warning=lambda line: say(f"gvc: warning: {source}: {line}"),
        )
    if verbose:
        text = f"{report.groups} groups, {report.pictures} pictures, {report.repeated} repeated"
        click.echo(f"{target}: {text}", err=True)
