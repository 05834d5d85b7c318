"""An archive as a whole: totals, distributions, all files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from gvc.archive.entry import Entry, Form
from gvc.page.axis import linear_axis, log_axis
from gvc.page.charts import bins_for, histogram
from gvc.page.document import Cell, facts, table
from gvc.page.text import (
    UNKNOWN,
    byte_size,
    clock,
    duration,
    kilobits,
    printable,
    share,
    significant,
)
from gvc.report.totals import Totals

#: Most rows of the table of files: a browser still sorts these at once.
MAX_ROWS = 10_000

#: As what a file is kept.
FORM_NAMES = {Form.GVC: "gvc", Form.VVC: "VVC", Form.COPY: "copy"}


def totals_shown(totals: Totals) -> str:
    """The figures that matter most."""
    inside = facts(_facts(totals))
    if not totals.source_size:
        return inside
    part = 100 * min(1.0, totals.target_size / totals.source_size)
    return (
        f'{inside}<div class="saved" aria-hidden="true"><i style="width:{part:.2f}%"></i></div>'
        '<p class="less">The bar is what the sources take; its beginning, what the archive takes.'
        "</p>"
    )


def _facts(totals: Totals) -> Iterator[tuple[str, str, str]]:
    saved = share(totals.source_size - totals.target_size, totals.source_size)
    yield "Saved", saved, f"{byte_size(totals.source_size)} → {byte_size(totals.target_size)}"
    forms = ", ".join(
        f"{totals.forms[form]:,} {name}" for form, name in FORM_NAMES.items() if totals.forms[form]
    )
    yield "Files kept", f"{totals.kept:,}", forms
    if totals.failed:
        yield "Failed", f"{totals.failed:,}", ""
    if totals.unfinished:
        yield "Unfinished", f"{totals.unfinished:,}", ""
    yield "Length", duration(totals.seconds), ""
    if totals.rate is not None:
        yield "Rate", kilobits(totals.rate), "of all files together"
    if totals.distance is not None:
        compared = "all files" if totals.compared == totals.kept else f"{totals.compared:,} files"
        yield "Mean distance", f"{totals.distance:.3f}", compared


def distributions(entries: Iterable[Entry]) -> str:
    """Histograms of rate and of distance."""
    kept = [entry for entry in entries if entry.is_kept]
    rates = [entry.bit_rate / 1000 for entry in kept if entry.bit_rate]
    found = [entry.distance_mean for entry in kept if entry.distance_mean is not None]
    charts = []
    if rates:
        chart = histogram(rates, log_axis(rates), what="kb/s", bins=bins_for(len(rates)))
        charts.append(("Rate", "kb/s, logarithmic; files", chart))
    if found:
        axis = linear_axis(max(found), ticks=5)
        chart = histogram(found, axis, what="distance", bins=bins_for(len(found)))
        charts.append(("Distance", "mean of each file; 0 is identical", chart))
    inside = "".join(
        f"<section><h3>{name} <small>{what}</small></h3>{chart}</section>"
        for name, what, chart in charts
    )
    return f'<div class="distributions">{inside}</div>' if charts else ""


def file_table(entries: Sequence[Entry], links: Mapping[Path, str]) -> str:
    """All files that are kept, in the order given.

    :param links: to what there is to say of some of them, by name.
    """
    head = (
        "File", "Mean distance", "Worst", "kb/s", "Source", "Stored", "Saved", "Length", "As"
    )  # fmt: skip
    rows = (_row(entry, links.get(entry.name)) for entry in entries[:MAX_ROWS])
    shown = table(head, rows, caption="Files, worst first", words=(0, 8), sortable=True)
    if len(entries) > MAX_ROWS:
        shown += f"<p>{len(entries) - MAX_ROWS:,} further files are not listed.</p>"
    return shown


def _row(entry: Entry, link: str | None) -> list[Cell | str]:
    def cell(value: float | None, text: Callable[[float], str]) -> Cell:
        return Cell(UNKNOWN) if value is None else Cell(text(value), round(value, 6))

    saved = None
    if entry.saved is not None and entry.source_size:
        saved = entry.saved / entry.source_size
    rate = None if entry.bit_rate is None else entry.bit_rate / 1000
    name = printable(entry.name)
    form = UNKNOWN if entry.form is None else FORM_NAMES[entry.form]
    return [
        Cell(name, link=link),
        cell(entry.distance_mean, lambda value: f"{value:.3f}"),
        cell(entry.distance_worst, lambda value: f"{value:.3f}"),
        cell(rate, significant),
        cell(entry.source_size, byte_size),
        cell(entry.target_size, byte_size),
        cell(saved, lambda value: share(value, 1)),
        cell(entry.seconds, clock),
        form,
    ]
