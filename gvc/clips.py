"""The table of a folder of clips, which training and the benchmark read.

``clips.tsv`` has a row a video file, and at least the columns ``file``, ``identity`` (who is seen),
``split`` (``train`` or ``val``) and ``kind`` (``talking-head`` or ``body``). No identity may be on
both sides of the split: nobody is measured on whom a model has learnt from.

May import :mod:`gvc.errors`.
"""

from __future__ import annotations

import csv
import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gvc.errors import InvalidDataError, MediaError

#: Name of the table in its folder.
TABLE = "clips.tsv"


class Split(enum.StrEnum):
    """Which side of the identity split a clip is on."""

    TRAIN = "train"
    VALIDATION = "val"


class Kind(enum.StrEnum):
    """How much of a person a clip shows."""

    TALKING_HEAD = "talking-head"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of the table."""

    path: Path
    identity: str
    split: Split
    kind: Kind


def read_table(folder: Path) -> list[Clip]:
    """Read the table of ``folder``.

    :raises MediaError: if it cannot be read.
    :raises InvalidDataError: if a column is missing, a split or kind is none of ours, or an
        identity is on both sides of the split.
    """
    table = folder / TABLE
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except OSError as error:
        raise MediaError(error.strerror or str(error), path=table) from error
    try:
        clips = [_clip(folder, row) for row in rows]
    except KeyError as error:
        raise InvalidDataError(f"not a clip table: no column {error}", path=table) from error
    except (TypeError, ValueError) as error:
        raise InvalidDataError(f"not a clip table: {error}", path=table) from error
    _check_split(clips, table)
    return clips


def _clip(folder: Path, row: Mapping[str, Any]) -> Clip:
    path = folder / row["file"]
    return Clip(path, row["identity"], Split(row["split"]), Kind(row["kind"]))


def _check_split(clips: Iterable[Clip], table: Path) -> None:
    sides: dict[str, Split] = {}
    for clip in clips:
        if sides.setdefault(clip.identity, clip.split) is not clip.split:
            raise InvalidDataError(f"identity {clip.identity} is in both splits", path=table)
