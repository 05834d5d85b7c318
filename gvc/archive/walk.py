"""Files and folders to what may be recordings, each with its name in the archive's tree."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gvc.errors import UsageError

#: What names of recordings end in, mostly. Other files are recordings if FFmpeg says so; of these
#: it is said why if it does not.
_ENDINGS = frozenset(
    (
        *(".264", ".265", ".3g2", ".3gp", ".amv", ".asf", ".avi", ".av1", ".divx", ".dv", ".f4v"),
        *(".flv", ".h264", ".h265", ".hevc", ".ivf", ".m1v", ".m2t", ".m2ts", ".m2v", ".m4v"),
        *(".mk3d", ".mkv", ".mov", ".mp4", ".mp4v", ".mpe", ".mpeg", ".mpg", ".mpv"),
        *(".mts", ".mxf", ".nsv", ".nut", ".obu", ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".tod"),
        *(".trp", ".ts", ".vob", ".vro", ".webm", ".wmv", ".wtv", ".y4m"),
    )
)

#: Files of this codec are not coded again.
_CODED = ".gvc"


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be a recording.

    :param name: in the archive's tree. :param source: where it is, absolute.
    :param size: in bytes. :param mtime_ns: time of its last change.
    """

    name: Path
    source: Path
    size: int
    mtime_ns: int

    @property
    def ending(self) -> str:
        """What its name ends in, in small letters, the dot included."""
        return self.source.suffix.lower()

    @property
    def should_be_video(self) -> bool:
        """Whether its name says so."""
        return self.ending in _ENDINGS


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or folder that could not be looked at.

    :param name: in the archive's tree. :param source: where it is. :param error: why, in a line.
    """

    name: Path
    source: Path
    error: str


def named_roots(sources: Sequence[Path], archive: Path) -> dict[Path, Path]:
    """What each source is called in the archive's tree: by its own name, whatever is above it.

    :param sources: files and folders. :param archive: folder that the archive is in.
    :raises UsageError: if there is no such file, two have one name, or one lies in the archive.
    """
    roots: dict[Path, Path] = {}
    for source in (Path(os.path.abspath(source)) for source in sources):
        if not source.exists():
            raise UsageError("no such file or folder", path=source)
        place = Path(os.path.realpath(source))
        if place == archive or archive in place.parents:
            raise UsageError("lies in the archive itself", path=source, hint=f"{archive}")
        name = Path(source.name)
        if not source.name:
            raise UsageError("has no name to keep its files under", path=source)
        if roots.get(name, source) != source:
            raise UsageError(
                f"is called {name} as {roots[name]} is",
                path=source,
                hint="archive a folder that holds both",
            )
        roots[name] = source
    return roots


def walk(roots: dict[Path, Path], archive: Path) -> Iterator[Found | Unreadable]:
    """All files of the roots that may be recordings.

    Folders are looked through in order of names, each once, also if links lead there again; links
    are followed after all else, and only to what was not found without them. The archive's own
    folder is left out, as are .gvc files, and pipes and devices whose names are not those of
    recordings.
    """
    walker = _Walker(archive)
    for name, source in roots.items():
        yield from walker.visit(name, source)
    yield from walker.follow_links()


class _Walker:
    """Remembers which folders and files it has seen: by device and inode."""

    def __init__(self, archive: Path) -> None:
        status = archive.stat() if archive.exists() else None
        self._folders = set() if status is None else {(status.st_dev, status.st_ino)}
        self._files = set[tuple[int, int]]()
        self._links: list[tuple[Path, Path]] = []

    def visit(
        self, name: Path, source: Path, *, linked: bool = False
    ) -> Iterator[Found | Unreadable]:
        try:
            status = source.stat()
        except OSError as error:
            nowhere = linked and error.errno == errno.ENOENT
            reason = "is a link to nothing" if nowhere else error.strerror or str(error)
            yield Unreadable(name, source, reason)
            return
        identity = status.st_dev, status.st_ino
        if stat.S_ISDIR(status.st_mode):
            if identity not in self._folders:
                self._folders.add(identity)
                yield from self._visit_folder(name, source)
            return
        if not stat.S_ISREG(status.st_mode):
            if source.suffix.lower() in _ENDINGS:
                yield Unreadable(name, source, f"is {_kind_of(status.st_mode)}, and no file")
            return
        known = linked and identity in self._files
        if source.suffix.lower() != _CODED and not known:
            self._files.add(identity)
            yield Found(name, source, status.st_size, status.st_mtime_ns)

    def follow_links(self) -> Iterator[Found | Unreadable]:
        while self._links:
            yield from self.visit(*self._links.pop(0), linked=True)

    def _visit_folder(self, name: Path, folder: Path) -> Iterator[Found | Unreadable]:
        try:
            with os.scandir(folder) as listing:
                items = sorted(listing, key=lambda item: os.fsencode(item.name))
        except OSError as error:
            yield Unreadable(name, folder, f"folder cannot be read: {error.strerror}")
            return
        for item in items:
            if item.is_symlink():
                self._links.append((name / item.name, folder / item.name))
            else:
                yield from self.visit(name / item.name, folder / item.name)


def _kind_of(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
