"""``gvc restore``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gvc.cli.archive_lines import SOME_FAILED, prepare_worker, say_record, shown
from gvc.cli.options import device_option, overwrite_option, quiet_option


@click.command("restore")
@click.argument("folder", metavar="DEST", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Files at once.")
@click.option("--weights", type=click.Path(path_type=Path), help="A weights file, or a folder.")
@click.option(
    "--pack", type=click.Path(path_type=Path), help="A speaker pack (.gvcp), or a folder of them."
)
@device_option
@click.option(
    "--threads", type=click.IntRange(1, 1024), help="CPU threads of each job.  [its share of all]"
)
@overwrite_option
@click.option("--json", "as_json", is_flag=True, help="A line for each file, for machines.")
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
