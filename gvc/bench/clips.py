"""Which clips are measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from gvc.clips import Clip as Row
from gvc.clips import Kind, Split, read_table
from gvc.errors import MediaError, UsageError


@dataclass(frozen=True, slots=True)
class Clip:
    """A video file to measure on.

    :param name: by which results tell it from the others.
    :param identity: the person in it; clips that are alone are their own.
    """

    name: str
    path: Path
    identity: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which clips of those that are there.

    :param split: rows of clip tables that count. :param kind: likewise; None for every kind.
    :param per_identity: most clips of one person, the first ones.
    :param limit: most clips; the order makes them as many different people as there are.
    """

    split: Split = Split.VALIDATION
    kind: Kind | None = Kind.TALKING_HEAD
    per_identity: int | None = None
    limit: int | None = None

    def __str__(self) -> str:
        kind = f" and kind '{self.kind}'" if self.kind else ""
        return f"split '{self.split}'{kind}"

    def takes(self, row: Row) -> bool:
        """Whether a row of a clip table counts."""
        return row.split is self.split and self.kind in (None, row.kind)


def find_clips(sources: Sequence[Path], selection: Selection) -> list[Clip]:
    """The clips that ``sources`` name, those of different people first.

    :param sources: video files, or folders that hold a table of clips, see :mod:`gvc.clips`.
    :raises MediaError: if a file or table cannot be read.
    :raises InvalidDataError: if a table is none, or has a person on both sides of its split.
    :raises UsageError: if there is no clip, or two have the same name.
    """
    clips: list[Clip] = []
    for source in sources:
        clips += _rows(source, selection) if source.is_dir() else [_file(source)]
    if not clips:
        raise UsageError(f"no clip of {selection}", path=sources[0] if sources else None)
    names = [clip.name for clip in clips]
    for clip in clips:
        if names.count(clip.name) > 1:
            raise UsageError(f"two clips are called {clip.name}", path=clip.path)
    return _people_first(clips, selection.per_identity)[: selection.limit]


def _file(path: Path) -> Clip:
    if not path.is_file():
        raise MediaError("no such file", path=path)
    return Clip(path.stem, path, path.stem)


def _rows(folder: Path, selection: Selection) -> list[Clip]:
    rows = filter(selection.takes, read_table(folder))
    return [Clip(row.path.stem, row.path, row.identity) for row in rows]


def _people_first(clips: Sequence[Clip], each: int | None) -> list[Clip]:
    """One clip of each person, then their second ones, and so on; at most ``each`` of anyone."""
    people: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        people[clip.identity].append(clip)
    turns = zip_longest(*(own[:each] for own in people.values()))
    return [clip for turn in turns for clip in turn if clip is not None]
