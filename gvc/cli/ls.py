"""``gvc ls``."""

from __future__ import annotations

from pathlib import Path

import click

from gvc.archive.entry import Entry, State
from gvc.archive.manifest import Manifest
from gvc.cli.archive_lines import record, say_record, shown
from gvc.page.text import byte_size


@click.command("ls")
@click.argument("folder", metavar="DEST", type=click.Path(path_type=Path))
@click.option(
    "--failed",
    is_flag=True,
    help="Only those that failed, or differ from their source.",
)
@click.option("--json", "as_json", is_flag=True, help="A line for each, for machines.")
def command(folder: Path, failed: bool, as_json: bool) -> None:
    """Say what is known of the recordings in the archive DEST.

    The distance is the mean over frames that were compared, on the scale of LPIPS.
    """
    with Manifest(folder) as manifest:
        entries = manifest.entries()
    if failed:
        entries = [entry for entry in entries if _is_wrong(entry)]
    if as_json:
        for entry in entries:
            say_record(record(entry))
        return
    click.echo(_row("state", "as", "size", "of source", "kb/s", "distance", "name"))
    for entry in entries:
        click.echo(_of(entry))


def _is_wrong(entry: Entry) -> bool:
    return bool(entry.error or entry.difference) or entry.state is State.FAILED


def _of(entry: Entry) -> str:
    rate, distance = entry.bit_rate, entry.distance_mean
    share = None
    if entry.target_size is not None and entry.source_size:
        share = f"{entry.target_size / entry.source_size:.2%}"
    line = _row(
        entry.state.value,
        entry.form.value if entry.form is not None else "",
        byte_size(entry.target_size) if entry.target_size is not None else "",
        share or "",
        f"{rate / 1000:.1f}" if rate is not None else "",
        f"{distance:.3f}" if distance is not None else "",
        shown(entry.name),
    )
    if entry.difference is not None:
        line += f": differs from its source: {shown(entry.difference)}"
    return f"{line}: {shown(entry.error)}" if entry.error else line


def _row(*cells: str) -> str:
    state, form, space, share, rate, distance, name = cells
    return f"{state:8} {form:5} {space:>9} {share:>9} {rate:>8} {distance:>9}  {name}"
