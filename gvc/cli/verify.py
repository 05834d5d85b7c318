"""``gvc verify``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gvc.cli.archive_lines import SOME_FAILED, say_record, shown
from gvc.cli.options import (
    device_option,
    job_threads_option,
    jobs_option,
    json_lines_option,
    known_packs_option,
    known_weights_option,
    quiet_option,
)
from gvc.cli.start import prepare_worker


@click.command("verify")
@click.argument("folder", metavar="DEST", type=click.Path(path_type=Path))
@click.option("--decode", is_flag=True, help="Decode all of each file, too.")
@jobs_option
@known_weights_option
@known_packs_option
@device_option
@job_threads_option
@json_lines_option
@quiet_option
def command(
    folder: Path,
    decode: bool,
    jobs: int,
    weights: Path | None,
    pack: Path | None,
    device: str,
    threads: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Look at every file of the archive DEST: whether it is there, unchanged and whole.

    Exit code 3: some are not.
    """
    from gvc.archive.archive import Archive

    good = bad = 0
    found = Archive(folder).verify(
        decode=decode,
        jobs=jobs,
        weights=weights,
        packs=pack,
        device=device,
        threads=threads,
        prepare=prepare_worker,
    )
    for each in found:
        good, bad = good + (each.error is None), bad + (each.error is not None)
        if as_json:
            target = str(each.entry.target)
            say_record({"name": str(each.entry.name), "target": target, "error": each.error})
        elif each.error is not None:
            click.echo(f"{shown(each.entry.target)}: {each.error}", err=True)
    if not (quiet or as_json):
        click.echo(f"{good} files are good, {bad} are not", err=True)
    if bad:
        sys.exit(SOME_FAILED)
