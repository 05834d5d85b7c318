"""``gvc report``."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import click

from gvc.cli.options import (
    device_option,
    overwrite_option,
    quiet_option,
    threads_option,
    verbose_option,
)
from gvc.cli.start import keep_freed_memory, preload_torch
from gvc.errors import MediaError


@click.command("report")
@click.argument("path", type=click.Path(path_type=Path), metavar="PATH")
@click.option(
    "-o",
    "--output",
    metavar="PAGE",
    help="The page; - is standard output.  [PATH with .html; report.html in an archive]",
)
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    metavar="SRC",
    help="What the file was made from; archives know theirs.",
)
@click.option(
    "--details",
    default=20,
    show_default=True,
    metavar="N",
    help="How many files of an archive, the worst, are decoded and looked at closely; up to 200.",
)
@click.option(
    "--frames",
    default=200,
    show_default=True,
    metavar="N",
    help="Most frames of each that are compared with the source; up to 1000.",
)
@click.option("--weights", type=click.Path(path_type=Path), help="A weights file, or a folder.")
@click.option(
    "--pack", type=click.Path(path_type=Path), help="A speaker pack (.gvcp), or a folder of them."
)
@device_option
@threads_option
@overwrite_option
@quiet_option
@verbose_option
def command(
    path: Path,
    output: str | None,
    source: Path | None,
    details: int,
    frames: int,
    weights: Path | None,
    pack: Path | None,
    device: str,
    threads: int | None,
    overwrite: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Write a page of HTML about PATH, a .gvc file or the folder of an archive.

    The page needs no other file and no network: what was saved, where bits go over time, and, where
    the source is at hand, how far decoded frames are from it.
    """
    if not path.exists():
        raise MediaError(os.strerror(errno.ENOENT), path=path)
    keep_freed_memory()
    preload_torch()
    from gvc.cli.files import writable
    from gvc.cli.progress import counting_line
    from gvc.page.text import byte_size, printable
    from gvc.report import ReportSettings, page_about

    settings = ReportSettings(
        details=details,
        frames=frames,
        weights=weights,
        packs=pack,
        device=device,
        threads=threads,
    )
    if output is None:
        output = str(path / "report.html" if path.is_dir() else path.with_suffix(".html"))
    with writable(output, source=str(path), overwrite=overwrite, endings=(".html", ".htm")) as file:
        with counting_line("report", quiet=quiet) as on_count:
            page = page_about(
                path,
                source=source,
                settings=settings,
                on_file=lambda done, total, name: on_count(done, total, printable(name)),
            )
        data = page.encode()
        file.write(data)
    if verbose:
        click.echo(f"{printable(output)}: {byte_size(len(data))}", err=True)
