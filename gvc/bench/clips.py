"""Which clips are measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from gvc.clips import read_table
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


def find_clips(sources: Sequence[Path], *, split: str, limit: int | None = None) -> list[Clip]:
    """The clips that ``sources`` name, those of different people first.

    :param sources: video files, or folders that hold a table of clips, see :mod:`gvc.clips`.
    :param split: which rows of such tables count.
    :param limit: most clips; the order makes them as many different people as there are.
    :raises MediaError: if a file or table cannot be read.
    :raises InvalidDataError: if a table is none, or has a person on both sides of its split.
    :raises UsageError: if there is no clip, or two have the same name.
    """
    clips: list[Clip] = []
    for source in sources:
        clips += _rows(source, split) if source.is_dir() else [_file(source)]
    if not clips:
        raise UsageError(f"no clip of split {split!r}", path=sources[0] if sources else None)
    names = [clip.name for clip in clips]
    for clip in clips:
        if names.count(clip.name) > 1:
            raise UsageError(f"two clips are called {clip.name}", path=clip.path)
    return _people_first(clips)[:limit]


def _file(path: Path) -> Clip:
    if not path.is_file():
        raise MediaError("no such file", path=path)
    return Clip(path.stem, path, path.stem)


def _rows(folder: Path, split: str) -> list[Clip]:
    return [
        Clip(row.path.stem, row.path, row.identity)
        for row in read_table(folder)
        if row.split == split
    ]


def _people_first(clips: Sequence[Clip]) -> list[Clip]:
    """One clip of each person, then their second ones, and so on."""
    people: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        people[clip.identity].append(clip)
    return [clip for turn in zip_longest(*people.values()) for clip in turn if clip is not None]
