"""How an archiving run shows what it does: a display, lines of text, or lines of JSON."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gvc.archive.entry import Entry
from gvc.archive.observer import Observer
from gvc.archive.planning import Plan
from gvc.archive.task import Step
from gvc.cli.archive_lines import line, record, say_record, shown

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Lines(Observer):
    """A line for each finished file, on standard error."""

    def ended(self, entry: Entry) -> None:
        """See :class:`Observer`."""
        click.echo(line(entry), err=True)

    def said(self, line: str) -> None:
        """See :class:`Observer`."""
        click.echo(f"gvc: warning: {shown(line)}", err=True)


class OnlyFailures(Lines):
    """A line for each file that failed, or differs from its source."""

    def ended(self, entry: Entry) -> None:
        """See :class:`Observer`."""
        if entry.error is not None or entry.difference is not None:
            super().ended(entry)


class JsonLines(Observer):
    """A line of JSON for each finished file, on standard output; ``event`` says what it is."""

    def ended(self, entry: Entry) -> None:
        """See :class:`Observer`."""
        say_record({"event": "file", **record(entry)})

    def said(self, line: str) -> None:
        """See :class:`Observer`."""
        say_record({"event": "warning", "text": line})


class Display(Observer):
    """A line for each running file, and the total with the time that is left.

    :param display: where they are shown.
    """

    def __init__(self, display: Progress) -> None:
        self._display = display
        self._total = display.add_task("total", total=None, text="")
        self._rows: dict[Path, TaskID] = {}
        self._files = self._done = 0
        #: Of sources, by name: what time goes with, and known of all.
        self._bytes: dict[Path, float] = {}

    def planned(self, plan: Plan) -> None:
        """See :class:`Observer`."""
        self._files = len(plan.todo)
        total = sum(entry.source_size or 0 for entry in plan.todo)
        self._display.update(self._total, total=total)
        self._count()

    def began(self, entry: Entry) -> None:
        """See :class:`Observer`."""
        self._rows[entry.name] = self._display.add_task(_short(entry), total=None, text="")

    def went(self, entry: Entry, step: Step) -> None:
        """See :class:`Observer`."""
        count = f"{step.stage} {step.frames}/{step.total or '?'}" if step.frames else step.stage
        row = self._rows[entry.name]
        self._display.update(row, total=step.total, completed=step.frames, text=count)
        if step.stage == "encode" and step.total:
            self._bytes[entry.name] = (entry.source_size or 0) * step.frames / step.total
            self._count()

    def ended(self, entry: Entry) -> None:
        """See :class:`Observer`."""
        row = self._rows.pop(entry.name, None)
        if row is not None:
            self._display.remove_task(row)
            self._done += 1
            self._bytes[entry.name] = entry.source_size or 0
            self._count()
        self._display.console.print(line(entry), markup=False, highlight=False)

    def _count(self) -> None:
        text = f"{self._done}/{self._files} files"
        self._display.update(self._total, completed=sum(self._bytes.values()), text=text)

    def said(self, line: str) -> None:
        """See :class:`Observer`."""
        self._display.console.print(f"gvc: warning: {shown(line)}", markup=False)


def _short(entry: Entry) -> str:
    """A name that leaves room for the rest of the line; nothing in it is markup."""
    text = shown(entry.name)
    text = text if len(text) <= 40 else f"…{text[-39:]}"
    return text.replace("[", r"\[")


@contextlib.contextmanager
def progress(*, as_json: bool, quiet: bool) -> Iterator[Observer]:
    """What fits where standard error goes: a display on a terminal, else lines."""
    if as_json:
        yield JsonLines()
        return
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield OnlyFailures() if quiet else Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[text]}"),
        TextColumn("ETA"),
        TimeRemainingColumn(),
    )
    # Rates over ten minutes: files differ, and come in at once at their ends.
    display = Progress(
        *columns, console=Console(stderr=True), transient=True, speed_estimate_period=600
    )
    with display:
        yield Display(display)
