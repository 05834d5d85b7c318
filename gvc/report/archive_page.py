"""A page about an archive."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from gvc.archive.entry import Entry, Form
from gvc.archive.manifest import Manifest
from gvc.errors import GvcError
from gvc.page.document import document
from gvc.page.text import file_name, printable
from gvc.report.exceptions import exceptions
from gvc.report.file_page import STYLE, examine, file_section, notes
from gvc.report.overview import distributions, file_table, totals_shown
from gvc.report.settings import ReportSettings
from gvc.report.totals import totals_of, worst_first

#: Sorts and filters the table, opens what a link leads to.
_SCRIPT = Path(__file__).with_name("report.js")

#: Told how many files were looked at, of how many, and which one is next.
OnFile = Callable[[int, int, Path], None]


def archive_page(folder: Path, settings: ReportSettings, on_file: OnFile) -> str:
    """A whole page.

    :param on_file: called before each file that is looked at closely.
    :raises GvcError: if it is no archive, or its manifest cannot be read.
    """
    with Manifest(folder) as manifest:
        entries = manifest.entries()
    kept = worst_first(entries)
    chosen = [entry for entry in kept if entry.form == Form.GVC][: settings.details]
    links = {entry.name: f"file-{place}" for place, entry in enumerate(chosen, start=1)}
    details = []
    for place, entry in enumerate(chosen):
        on_file(place, len(chosen), entry.name)
        details.append(_details(folder, entry, links[entry.name], settings, opened=place == 0))
    name = file_name(folder)
    body = "\n".join(
        (
            f'<header><h1>{escape(name)}</h1><p class="less">{_when(entries)}</p></header>',
            f"<main>{totals_shown(totals_of(entries))}",
            distributions(entries),
            exceptions(entries),
            _section(f"Files <small>{len(kept):,}, worst first</small>", file_table(kept, links)),
            _section(_closely(len(chosen), len(kept)), "\n".join(details)),
            f"</main>\n<footer>{notes()}{_settings(kept)}</footer>",
        )
    )
    return document(
        f"{name} – gvc report",
        body,
        style=STYLE.read_text(encoding="utf-8"),
        script=_SCRIPT.read_text(encoding="utf-8"),
    )


def _when(entries: Sequence[Entry]) -> str:
    """Of how many recordings it is an archive, and when these were coded."""
    days = sorted(_day(entry.ended) for entry in entries if entry.ended is not None)
    span = (
        "" if not days else f", {days[0]}" if days[0] == days[-1] else f", {days[0]} to {days[-1]}"
    )
    return f"Archive of {len(entries):,} recordings{span}"


def _day(when: float) -> str:
    return datetime.fromtimestamp(when, tz=UTC).date().isoformat()


def _section(title: str, inside: str) -> str:
    return f"<section><h2>{title}</h2>{inside}</section>" if inside else ""


def _closely(count: int, kept: int) -> str:
    which = "all" if count == kept else f"the {count:,} worst kept as gvc"
    return f"Looked at closely <small>{which}</small>"


def _details(
    folder: Path, entry: Entry, link: str, settings: ReportSettings, *, opened: bool
) -> str:
    if entry.distance_mean is None:
        said = ""
    else:
        said = f' <span class="less">distance {entry.distance_mean:.3f}</span>'
    return (
        f'<details id="{link}"{" open" if opened else ""}>'
        f"<summary>{escape(printable(entry.name))}{said}</summary>"
        f"{_inside(folder, entry, settings)}</details>"
    )


def _inside(folder: Path, entry: Entry, settings: ReportSettings) -> str:
    """What was seen of a file, with its source if that is what was coded; else why not."""
    assert entry.target is not None
    path, remarks = folder / entry.target, list[str]()
    source = entry.source if _is_unchanged(entry) else None
    if source is None:
        remarks.append("The source is not there any more, or has changed since.")
    for at_hand in dict.fromkeys((source, None)):
        try:
            return _remarks(remarks) + file_section(examine(path, at_hand, settings))
        except GvcError as error:
            remarks.append(f"{error}.")
    return _remarks(remarks)


def _is_unchanged(entry: Entry) -> bool:
    """Whether the source is the file that was coded, as far as can be told without reading it."""
    try:
        found = os.stat(entry.source)
    except OSError:
        return False
    return (found.st_size, found.st_mtime_ns) == (entry.source_size, entry.source_mtime_ns)


def _remarks(lines: Sequence[str]) -> str:
    return "".join(f'<p class="remark">{escape(printable(line))}</p>' for line in lines)


def _settings(entries: Sequence[Entry]) -> str:
    """With which settings files were coded, the commonest first."""
    counts = Counter(entry.settings for entry in entries if entry.settings)
    lines = []
    for text, count in counts.most_common(5):
        given = json.loads(text).items()
        shown = ", ".join(f"{key} {value}" for key, value in given if value not in (None, False))
        lines.append(f"<li>{count:,} files: {escape(printable(shown, longest=1000))}</li>")
    return f'<h2>Settings</h2><ul class="less">{"".join(lines)}</ul>' if lines else ""
