"""An archive as a whole: totals, distributions, what went otherwise, all files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from gvc.archive.entry import Entry, Form, State
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
from gvc.report.totals import LOST, Totals

#: Most rows of the table of files: a browser still sorts these at once.
MAX_ROWS = 10_000

#: Most reasons of each kind that are listed, and most names of files beside each.
_REASONS, _NAMES = 20, 8

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
        f'<p class="less">All sources are as long as the bar; what is left of them is as long as '
        "its beginning.</p>"
    )


def _facts(totals: Totals) -> Iterator[tuple[str, str, str]]:
    saved = share(totals.source_size - totals.target_size, totals.source_size)
    yield "Saved", saved, f"{byte_size(totals.source_size)} → {byte_size(totals.target_size)}"
    forms = ", ".join(
        f"{totals.forms[form]:,} {name}" for form, name in FORM_NAMES.items() if totals.forms[form]
    )
    yield "Files kept", f"{totals.kept:,}", forms
    if totals.failed or totals.unfinished:
        waiting = f"{totals.unfinished:,} not begun or unfinished" if totals.unfinished else ""
        yield "Not kept", f"{totals.failed:,}", waiting
    yield "Length", duration(totals.seconds), ""
    if totals.rate is not None:
        yield "Rate", kilobits(totals.rate), "of all files together"
    if totals.distance is not None:
        compared = "all files" if totals.compared == totals.kept else f"{totals.compared:,} files"
        yield "Mean distance", f"{totals.distance:.3f}", compared


def distributions(entries: Iterable[Entry]) -> str:
    """Histograms of rate and of distance."""
    kept = [entry for entry in entries if entry.state == State.DONE]
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


def exceptions(entries: Sequence[Entry]) -> str:
    """What is not kept, what is kept otherwise, what was left out: reason by reason."""
    kinds: Sequence[tuple[str, Callable[[Entry], str | None]]] = (
        ("Not kept", lambda entry: entry.error or "unknown" if entry.state in LOST else None),
        ("Kept as VVC", lambda entry: _noted(entry, Form.VVC)),
        ("Copied", lambda entry: _noted(entry, Form.COPY)),
        ("Remarks", lambda entry: entry.note and _noted(entry, Form.GVC)),
    )
    parts = []
    for title, reason_of in kinds:
        by_reason = defaultdict[str, list[Path]](list)
        for entry in entries:
            reason = reason_of(entry)
            if reason is not None:
                by_reason[reason].append(entry.name)
        if by_reason:
            parts.append(_reasons(title, by_reason))
    return f"<h2>What went otherwise</h2>{''.join(parts)}" if parts else ""


def _noted(entry: Entry, form: Form) -> str | None:
    if entry.state != State.DONE or entry.form != form:
        return None
    return entry.note or "no reason given"


def _reasons(title: str, by_reason: Mapping[str, Sequence[Path]]) -> str:
    count = sum(len(names) for names in by_reason.values())
    commonest = sorted(by_reason.items(), key=lambda item: -len(item[1]))
    lines = []
    for reason, names in commonest[:_REASONS]:
        shown = ", ".join(f"<code>{escape(printable(name))}</code>" for name in names[:_NAMES])
        more = f" and {len(names) - _NAMES:,} more" if len(names) > _NAMES else ""
        number = f"{len(names):,} × " if len(names) > 1 else ""
        lines.append(
            f"<li>{number}{escape(printable(reason))}<br><small>{shown}{more}</small></li>"
        )
    if len(commonest) > _REASONS:
        lines.append(f"<li>{len(commonest) - _REASONS:,} further reasons</li>")
    return f'<h3>{title} <small>{count:,}</small></h3><ul class="reasons">{"".join(lines)}</ul>'


def file_table(entries: Sequence[Entry], links: Mapping[Path, str]) -> str:
    """All files that are kept, in the order given.

    :param links: to what there is to say of some of them, by name.
    """
    head = (
        "File", "Mean distance", "Worst", "kb/s", "Source", "Kept", "Saved", "Length", "As"
    )  # fmt: skip
    rows = (_row(entry, links.get(entry.name)) for entry in entries[:MAX_ROWS])
    shown = table(head, rows, caption="Files, worst first", words=(0, 8), sortable=True)
    if len(entries) > MAX_ROWS:
        shown += f"<p>{len(entries) - MAX_ROWS:,} further files are not listed.</p>"
    return shown


def _row(entry: Entry, link: str | None) -> list[Cell]:
    def cell(value: float | None, text: Callable[[float], str]) -> Cell:
        return Cell(UNKNOWN) if value is None else Cell(text(value), round(value, 6))

    saved = None
    if entry.saved is not None and entry.source_size:
        saved = entry.saved / entry.source_size
    rate = None if entry.bit_rate is None else entry.bit_rate / 1000
    name = printable(entry.name)
    form = UNKNOWN if entry.form is None else FORM_NAMES[entry.form]
    return [
        Cell(name, name, link),
        cell(entry.distance_mean, lambda value: f"{value:.3f}"),
        cell(entry.distance_worst, lambda value: f"{value:.3f}"),
        cell(rate, significant),
        cell(entry.source_size, byte_size),
        cell(entry.target_size, byte_size),
        cell(saved, lambda value: share(value, 1)),
        cell(entry.seconds, clock),
        Cell(form, form),
    ]
