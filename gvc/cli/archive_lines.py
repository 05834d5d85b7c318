"""What commands of archives say: names that may hold anything, sizes, entries for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from gvc.archive.entry import Entry, Form
from gvc.page.text import byte_size, printable

#: Exit status where some of the files failed, and the others did not.
SOME_FAILED = 3

#: Longer lines lose their middle.
_LONGEST = 10_000


def shown(text: str | Path | None) -> str:
    """A path, or what contains one, on one line: control characters and foreign bytes escaped."""
    return printable(str(text), longest=_LONGEST)


def line(entry: Entry) -> str:
    """A finished file, in a line."""
    if entry.error is not None:
        return f"{shown(entry.name)}: failed: {shown(entry.error)}"
    parts = [f"{byte_size(entry.source_size or 0)} to {byte_size(entry.target_size or 0)}"]
    if entry.form is not Form.GVC:
        parts.append("kept as it was" if entry.form is Form.COPY else "kept as VVC")
    if entry.bit_rate is not None:
        parts.append(f"{entry.bit_rate / 1000:.1f} kb/s")
    if entry.distance_mean is not None and entry.compared:
        parts.append(f"distance {entry.distance_mean:.3f}, {entry.distance_worst:.3f} at most")
    if entry.elapsed is not None:
        parts.append(f"{entry.elapsed:.1f} s")
    if entry.difference is not None:
        parts.append(f"differs from its source: {shown(entry.difference)}")
    return f"{shown(entry.name)}: {', '.join(parts)}"


def record(entry: Entry) -> dict[str, Any]:
    """Everything known of an entry, and its ``bit_rate``, in plain values.

    Bytes of names that are not UTF-8 become lone surrogates, as :func:`os.fsdecode` does it.
    """
    values = {each.name: getattr(entry, each.name) for each in fields(Entry)}
    values = {key: str(v) if isinstance(v, Path) else v for key, v in values.items()}
    values["settings"] = None if entry.settings is None else json.loads(entry.settings)
    values["bit_rate"] = entry.bit_rate
    return values


def say_record(values: Mapping[str, Any]) -> None:
    """A record as a line of JSON on standard output, in ASCII."""
    click.echo(json.dumps(values))
