"""What commands say of their work: a progress line, on terminals only; records of training."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from gvc.errors import one_line

if TYPE_CHECKING:
    from gvc.api.transcode import Progress as Done
    from gvc.api.transcode import Report


@contextlib.contextmanager
def progress_line(label: str, *, quiet: bool) -> Iterator[Callable[[Done], None]]:
    """A bar with frames, frames a second, kb/s, time spent and left, on standard error.

    Nothing is shown on a pipe or a file, nor if ``quiet``.
    """
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    # Slow to import, and not needed on a pipe.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} % frame {task.completed}/{task.fields[count]}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, count="?", rate="")

        def update(done: Done) -> None:
            rate = f"{done.frames / max(done.elapsed, 1e-3):.1f} fps"
            if done.size and done.media_seconds:
                rate += f" {done.size * 8 / 1000 / done.media_seconds:.1f} kb/s"
            bar.update(
                task,
                description=f"{label}, pass 1 of 2" if done.first_pass else label,
                completed=done.frames,
                total=done.total,
                count=done.total or "?",
                rate=rate,
            )

        yield update


@contextlib.contextmanager
def counting_line(label: str, *, quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """A bar with how many of how many are done and what is next, on standard error.

    Nothing is shown on a pipe or a file, nor if ``quiet``.
    """
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield lambda done, total, name: None
        return
    # Slow to import, and not needed on a pipe.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[name]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, name="")
        yield lambda done, total, name: bar.update(task, completed=done, total=total, name=name)


def summary(label: str, report: Report) -> str:
    """One line of what a run did."""
    rate = report.size * 8 / 1000 / report.seconds
    return (
        f"{one_line(label)}: {report.frames} frames, {report.seconds:.2f} s, {report.size} bytes, "
        f"{rate:.2f} kb/s, {report.frames / max(report.elapsed, 1e-3):.1f} fps"
    )


def lines(*, quiet: bool) -> Callable[[str], None]:
    """Says a line on standard error, or nothing if ``quiet``."""

    def say(line: str) -> None:
        if not quiet:
            click.echo(one_line(line), err=True)

    return say


def record_lines(*, quiet: bool) -> Callable[[Mapping[str, Any]], None]:
    """Says a record of numbers as a line on standard error, or nothing if ``quiet``."""
    say = lines(quiet=quiet)
    return lambda record: say(" ".join(f"{key}={value}" for key, value in record.items()))
