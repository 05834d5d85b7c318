"""``gvc restore``."""

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
    overwrite_option,
    quiet_option,
)
from gvc.cli.start import prepare_worker


@click.command("restore")
@click.argument("folder", metavar="DEST", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@jobs_option
@known_weights_option
@known_packs_option
@device_option
@job_threads_option
@overwrite_option
@json_lines_option
@quiet_option
def command(
    folder: Path,
    out: Path,
    jobs: int,
    weights: Path | None,
    pack: Path | None,
    device: str,
    threads: int | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Decode the archive DEST to MP4 files in the folder OUT, its tree as it was.

    Files that were kept as they were are copied. What is there already is skipped. Exit code 3:
    some files failed.
    """
    from gvc.archive.archive import Archive

    made = skipped = failed = 0
    found = Archive(folder).restore(
        out,
        overwrite=overwrite,
        jobs=jobs,
        weights=weights,
        packs=pack,
        device=device,
        threads=threads,
        prepare=prepare_worker,
    )
    for each in found:
        failed += each.error is not None
        skipped += each.skipped
        made += each.error is None and not each.skipped
        if as_json:
            name, target = str(each.entry.name), str(each.target)
            values = {"name": name, "target": target, "skipped": each.skipped, "error": each.error}
            say_record(values)
        elif each.error is not None:
            click.echo(f"{shown(each.entry.name)}: failed: {each.error}", err=True)
        elif not (quiet or each.skipped):
            click.echo(f"{shown(each.target)}", err=True)
    if not (quiet or as_json):
        text = f"{made} restored, {skipped} there before (-y replaces them), {failed} failed"
        click.echo(text, err=True)
    if failed:
        sys.exit(SOME_FAILED)
