"""What a run has to do: files that were found, beside what the manifest knows of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gvc.archive import files
from gvc.archive.entry import Entry, State
from gvc.archive.recipe import Redo
from gvc.archive.recognition import is_recording
from gvc.archive.task import reason_of
from gvc.archive.walk import Found, Unreadable
from gvc.errors import GvcError, UsageError


@dataclass(slots=True)
class Plan:
    """What a run does.

    :param todo: recordings to be coded, in order of names. :param changed: entries that are no
        longer what the manifest says: failed ones, gone ones, those whose source is elsewhere.
    :param forgotten: names of entries that stand for nothing any more.
    :param skipped: entries that are done, and whose source is there.
    :param other_settings: how many of these were coded with other settings.
    :param unreadable: how many files look like recordings, and cannot be read.
    :param others: how many files are no recordings.
    """

    todo: list[Entry] = field(default_factory=list)
    changed: list[Entry] = field(default_factory=list)
    forgotten: list[Path] = field(default_factory=list)
    skipped: list[Entry] = field(default_factory=list)
    other_settings: int = 0
    unreadable: int = 0
    others: int = 0

    @property
    def problems(self) -> list[Entry]:
        """Those of which nothing can be made, whoever works on them."""
        return [entry for entry in self.changed if entry.error and entry.state is not State.GONE]


class Planner:
    """Makes a plan.

    :param archive: its folder. :param known: what the manifest holds, by name.
    :param settings: canonical JSON of those asked for. :param redo: what is coded again.
    :param check: whether files that are done are read and hashed, which else have to be there with
        the size and the time that they got. :param rehash: whether sources that are done are read
        and hashed, which else have to have the size and time that they had.
    """

    def __init__(
        self,
        archive: Path,
        known: Mapping[Path, Entry],
        *,
        settings: str,
        redo: Redo,
        check: bool,
        rehash: bool,
    ) -> None:
        self._archive, self._known = archive, known
        self._settings, self._redo = settings, redo
        self._check, self._rehash = check, rehash
        self._plan = Plan()

    def plan(self, roots: Mapping[Path, Path], listing: Iterable[Found | Unreadable]) -> Plan:
        """What is to be done.

        :param roots: sources by their names in the archive's tree. :param listing: what is there.
        :raises UsageError: if the archive holds another recording under the same name, whose source
            is still there.
        """
        seen = set[Path]()
        for item in listing:
            if isinstance(item, Unreadable):
                self._fail(item)
            elif not self._take(item):
                self._plan.others += 1
                continue
            seen.add(item.name)
        for name, entry in self._known.items():
            root = roots.get(Path(name.parts[0]))
            here = root is not None and root.joinpath(*name.parts[1:]) == entry.source
            if here and name not in seen and entry.state is not State.DONE:
                self._miss(entry)
        return self._plan

    def _take(self, found: Found) -> bool:
        """Decide what becomes of a file; False if it is no recording."""
        entry = self._known.get(found.name)
        if entry is not None and entry.source != found.source:
            self._check_same(entry, found)
        if entry is not None and self._is_another(entry, found):
            message = "another recording of this name is kept already"
            self._plan.changed.append(replace(entry, error=message))
            return True
        if entry is not None and entry.state is State.DONE:
            self._take_done(entry, found)
            return True
        try:
            if not is_recording(found):
                return False
        except GvcError as error:
            self._fail(Unreadable(found.name, found.source, reason_of(error)))
            return True
        self._do(entry, found)
        return True

    def _take_done(self, entry: Entry, found: Found) -> None:
        if (
            not self._is_unchanged(entry, found)
            or self._is_wanted_again(entry)
            or not self._is_there(entry)
        ):
            self._do(entry, found)
        else:
            self._skip(entry, found)

    def _skip(self, entry: Entry, found: Found) -> None:
        now = replace(
            entry,
            source=found.source,
            source_mtime_ns=found.mtime_ns,
            source_deleted=False,
            error=None,
        )
        if now != entry:
            self._plan.changed.append(now)
        self._plan.skipped.append(now)
        self._plan.other_settings += now.settings != self._settings

    def _is_wanted_again(self, entry: Entry) -> bool:
        if self._redo is Redo.DIFFERENT:
            return entry.difference is not None
        other = entry.settings != self._settings
        return self._redo is Redo.ALL or (self._redo is Redo.SETTINGS and other)

    def _do(self, entry: Entry | None, found: Found) -> None:
        entry = entry or Entry(found.name, found.source)
        entry = replace(
            entry,
            source=found.source,
            source_size=found.size,
            source_mtime_ns=found.mtime_ns,
            source_deleted=False,
            state=State.WAITING,
        )
        self._plan.todo.append(entry)

    def _fail(self, item: Unreadable) -> None:
        self._plan.unreadable += 1
        entry = self._known.get(item.name) or Entry(item.name, item.source)
        if entry.state is not State.DONE:
            entry = replace(entry, state=State.FAILED)
        self._plan.changed.append(replace(entry, error=item.error))

    def _miss(self, entry: Entry) -> None:
        """An entry of which nothing was found that could be coded."""
        if entry.source.exists():
            self._plan.forgotten.append(entry.name)
        elif entry.state is not State.GONE:
            self._plan.changed.append(replace(entry, state=State.GONE, error="source vanished"))

    def _check_same(self, entry: Entry, found: Found) -> None:
        """Complain of two recordings of one name."""
        if entry.source.exists() and not entry.source.samefile(found.source):
            raise UsageError(
                f"the archive holds {entry.name} already, from {entry.source}",
                path=found.source,
                hint="rename the folder, or take another archive",
            )

    def _is_another(self, entry: Entry, found: Found) -> bool:
        """Whether the file of an entry may be all that is left of another recording."""
        if not entry.is_kept or not (entry.source_deleted or entry.source != found.source):
            return False
        if entry.state is State.DONE:
            return not self._is_unchanged(entry, found)
        return not _has_hash(found.source, entry.source_hash)

    def _is_unchanged(self, entry: Entry, found: Found) -> bool:
        stamp = found.size, found.mtime_ns
        same = stamp == (entry.source_size, entry.source_mtime_ns)
        if found.size != entry.source_size or (same and not self._rehash):
            return same
        # Copying a disk changes times; hashing takes far less than coding.
        return _has_hash(found.source, entry.source_hash)

    def _is_there(self, entry: Entry) -> bool:
        """Whether the file of an entry is what was made."""
        assert entry.target is not None
        path = self._archive / entry.target
        try:
            size, mtime_ns = files.stamp_of(path)
        except OSError:
            return False
        if size != entry.target_size:
            return False
        # Copying an archive changes times.
        unchanged = mtime_ns == entry.target_mtime_ns and not self._check
        return unchanged or _has_hash(path, entry.target_hash)


def _has_hash(path: Path, digest: str | None) -> bool:
    try:
        return files.hash_of(path) == digest
    except OSError:
        return False
