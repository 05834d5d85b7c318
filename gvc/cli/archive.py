"""``gvc archive``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gvc.archive.entry import Verification
from gvc.archive.recipe import EngineName, Options, Recipe, Redo
from gvc.cli.archive_lines import SOME_FAILED, record, say_record, shown
from gvc.cli.coding_options import coding_options, coding_settings
from gvc.cli.options import json_lines_option, quiet_option
from gvc.cli.start import prepare_worker
from gvc.page.text import byte_size

if TYPE_CHECKING:
    from gvc.archive.archive import Archive


@click.command("archive")
@click.argument(
    "sources", metavar="SRC...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.argument("folder", metavar="DEST", type=click.Path(path_type=Path))
@click.option(
    "--verify",
    "verification",
    type=click.Choice([each.value for each in Verification]),
    default=Verification.SAMPLE.value,
    show_default=True,
    help="Decode all, or some, of each file and compare it with its source.",
)
@click.option(
    "--min-quality",
    type=float,
    metavar="D",
    help="Keep as VVC, or as it is, what is further from its source than this on average.",
)
@click.option(
    "--delete-source",
    is_flag=True,
    help="Delete each source whose file was verified in full, agrees with its packets, and is on "
    "disk.",
)
@click.option("--jobs", type=click.IntRange(1), help="Files at once.  [1; with Ray all that fit]")
@click.option(
    "--engine",
    type=click.Choice([each.value for each in EngineName]),
    default=EngineName.LOCAL.value,
    show_default=True,
    help="Work in processes here, or on a Ray cluster.",
)
@click.option(
    "--redo",
    type=click.Choice([each.value for each in Redo]),
    default=Redo.CHANGED.value,
    show_default=True,
    help="Which files that are done are coded again: of changed sources, or also those that differ "
    "from their source, or those of other settings, or all.",
)
@click.option("--check", is_flag=True, help="Read and hash the files that are done.")
@click.option("--rehash", is_flag=True, help="Read and hash sources that look unchanged.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@coding_options
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    help="CPU threads of each job.  [its share of all; with Ray 2]",
)
@json_lines_option
@quiet_option
def command(
    sources: tuple[Path, ...],
    folder: Path,
    verification: str,
    min_quality: float | None,
    delete_source: bool,
    jobs: int | None,
    engine: str,
    redo: str,
    check: bool,
    rehash: bool,
    dry_run: bool,
    passes: int | None,
    audio: str,
    audio_bitrate: int,
    as_json: bool,
    quiet: bool,
    **coding: Any,
) -> None:
    """Code all recordings in SRC... (files and folders) to .gvc files in the folder DEST.

    The tree of each SRC is kept under its own name. It can be stopped anywhere, and goes on where
    it was; what is done is skipped. Exit code 3: some files failed, could not be read, or differ
    from their source (gvc ls DEST --failed).
    """
    from gvc.archive.archive import Archive
    from gvc.cli.archive_progress import JsonLines, progress
    from gvc.media import AudioMode

    recipe = Recipe(
        encoder=coding_settings(coding),
        audio=AudioMode(audio),
        audio_bit_rate=audio_bitrate,
        passes=passes,
        verification=Verification(verification),
        min_quality=min_quality,
    )
    options = Options(
        jobs=jobs,
        engine=EngineName(engine),
        redo=Redo(redo),
        check=check,
        rehash=rehash,
        delete_source=delete_source,
    )
    archive = Archive(folder)
    if dry_run:
        _say_plan(archive, sources, recipe, options, as_json=as_json)
        return
    with progress(as_json=as_json, quiet=quiet) as observer:
        report = archive.run(sources, recipe, options, observer=observer, prepare=prepare_worker)
    totals = {
        "coded": len(report.coded),
        "skipped": report.skipped,
        "failed": len(report.failed),
        "unreadable": report.unreadable,
        "differing": len(report.differing),
        "not_recordings": report.others,
        "deleted": report.deleted,
        "other_settings": report.other_settings,
        "source_bytes": sum(entry.source_size or 0 for entry in report.coded),
        "target_bytes": sum(entry.target_size or 0 for entry in report.coded),
        "elapsed": round(report.elapsed, 3),
    }
    if isinstance(observer, JsonLines):
        say_record({"event": "total", **totals})
    elif not quiet:
        click.echo(_summary(totals), err=True)
    if report.failed or report.differing:
        sys.exit(SOME_FAILED)


def _say_plan(
    archive: Archive, sources: tuple[Path, ...], recipe: Recipe, options: Options, *, as_json: bool
) -> None:
    plan = archive.plan(sources, recipe, options)
    if as_json:
        for entry in (*plan.todo, *plan.problems):
            say_record({"event": "plan", **record(entry)})
        return
    for entry in plan.todo:
        click.echo(f"{shown(entry.name)}: would be coded, {byte_size(entry.source_size or 0)}")
    for entry in plan.problems:
        click.echo(f"{shown(entry.name)}: would fail: {entry.error}")
    total = sum(entry.source_size or 0 for entry in plan.todo)
    click.echo(
        f"{len(plan.todo)} to be coded, {byte_size(total)}; {len(plan.skipped)} done, "
        f"{plan.other_settings} of these with other settings; {len(plan.problems)} would fail; "
        f"{plan.others} are no recordings",
        err=True,
    )


def _summary(totals: dict[str, Any]) -> str:
    text = (
        f"{totals['coded']} coded, {byte_size(totals['source_bytes'])} to "
        f"{byte_size(totals['target_bytes'])}; {totals['skipped']} done before; "
        f"{totals['failed']} failed; {totals['elapsed']:.1f} s"
    )
    if totals["unreadable"]:
        text += f"; {totals['unreadable']} of the failed could not be read"
    if totals["differing"]:
        text += f"; {totals['differing']} differ from their source"
    if totals["not_recordings"]:
        text += f"; {totals['not_recordings']} are no recordings"
    if totals["deleted"]:
        text += f"; {totals['deleted']} sources deleted"
    if totals["other_settings"]:
        text += f"; {totals['other_settings']} have other settings (--redo settings)"
    return text
