"""One archiving run: tasks for an engine, and names and rows for what comes of them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from gvc.archive import files
from gvc.archive.deletion import delete_source
from gvc.archive.entry import Entry, Form, State
from gvc.archive.lock import who
from gvc.archive.manifest import Manifest
from gvc.archive.observer import Observer
from gvc.archive.planning import Plan
from gvc.archive.recipe import Recipe
from gvc.archive.task import Engine, Lost, Step, reason_of
from gvc.archive.work import Coded, CodeTask, target_of
from gvc.errors import GvcError, MediaError


@dataclass(slots=True)
class Report:
    """What a run did.

    :param coded: entries that are done now. :param skipped: number of those that were before.
    :param other_settings: how many of these were coded with other settings.
    :param failed: entries of which nothing could be made.
    :param unreadable: how many of these look like recordings, and cannot be read.
    :param differing: entries that are done, now or before, whose files differ from the packets of
        their sources (:attr:`~gvc.archive.entry.Entry.difference`).
    :param others: number of files that are no recordings. :param deleted: sources deleted.
    :param elapsed: seconds.
    """

    coded: list[Entry] = field(default_factory=list)
    skipped: int = 0
    other_settings: int = 0
    failed: list[Entry] = field(default_factory=list)
    unreadable: int = 0
    differing: list[Entry] = field(default_factory=list)
    others: int = 0
    deleted: int = 0
    elapsed: float = 0.0


class Run:
    """Codes what a plan asks for; the one who writes the manifest.

    A file gets its name in three steps: the row says that it is whole, and where it is; it is
    renamed; the row says that it is done. :meth:`recover` takes up whatever was cut off between.

    :param folder: of the archive. :param manifest: its own, writable.
    :param deleting: whether sources are deleted once their files are verified in full.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        recipe: Recipe,
        *,
        deleting: bool,
        observer: Observer,
    ) -> None:
        self._folder, self._manifest, self._recipe = folder, manifest, recipe
        self._deleting, self._observer = deleting, observer
        self.report = Report()

    def recover(self) -> None:
        """Take up what an earlier run left, which nobody works on any more."""
        partials = self._manifest.partials()
        for entry in self._manifest.entries(State.WHOLE):
            self._manifest.put(self._recovered(entry, partials.get(entry.name)))
        self.put_back()

    def carry_out(self, plan: Plan, engine: Engine) -> None:
        """Do it all.

        :raises MediaError: if the disk is full.
        """
        started = time.monotonic()
        report = self.report
        report.skipped, report.other_settings = len(plan.skipped), plan.other_settings
        report.unreadable, report.others = plan.unreadable, plan.others
        self._manifest.remove(plan.forgotten)
        self._manifest.put_all([*plan.changed, *plan.todo])
        for entry in plan.problems:
            self._failed(entry)
        for entry in plan.skipped:
            if entry.difference is not None:
                report.differing.append(entry)
                self._observer.ended(entry)
        if self._deleting:
            for entry in plan.skipped:
                self._delete(entry)

        def on_step(task: CodeTask, step: Step) -> None:
            self._observer.went(task.entry, step)

        for task, result in engine.run(self._tasks(plan.todo), on_step):
            assert isinstance(task, CodeTask)
            self._take(task, result)
        report.elapsed = time.monotonic() - started

    def put_back(self) -> None:
        """Let rows wait that nobody works on any more, and remove what was begun of their files."""
        left = self._manifest.entries(State.RUNNING)
        kept = {self._folder / partial for partial in self._manifest.partials().values()}
        for folder in {entry.name.parent for entry in left}:
            files.remove_partials(self._folder / folder, keep=kept)
        self._manifest.put_all(replace(entry, state=State.WAITING) for entry in left)

    def _recovered(self, entry: Entry, partial: Path | None) -> Entry:
        """An entry whose file was whole, and maybe has its name."""
        assert entry.target is not None
        target, done = self._folder / entry.target, replace(entry, state=State.DONE)
        with contextlib.suppress(OSError):
            if partial is not None and (self._folder / partial).exists():
                files.give_name(self._folder / partial, target)
            if files.stamp_of(target) == (entry.target_size, entry.target_mtime_ns):
                return done
        return replace(entry, state=State.WAITING)

    def _tasks(self, entries: Iterable[Entry]) -> Iterator[CodeTask]:
        for entry in entries:
            try:
                self._check_free(entry, target_of(entry.name, Form.GVC))
                files.make_folder((self._folder / entry.name).parent)
            except (OSError, GvcError) as error:
                if files.is_full(error):
                    raise
                self._fail(entry, reason_of(error))
                continue
            running = replace(entry, state=State.RUNNING, begun=time.time(), worker=who())
            self._manifest.put(running)
            self._observer.began(running)
            yield CodeTask(running, self._folder, self._recipe, files.new_token())

    def _take(self, task: CodeTask, result: Coded | Lost) -> None:
        """Finish what a worker has done."""
        partial = None if isinstance(result, Lost) else result.partial
        # Of workers that died before this one took their place.
        parent = (self._folder / task.entry.name).parent
        files.remove_partials(parent, task.token, keep=[partial])
        if isinstance(result, Lost):
            self._fail(task.entry, result.error)
        elif result.full:
            raise full_disk(self._folder)
        elif partial is None:
            self._fail(result.entry, result.entry.error or "")
        else:
            try:
                self._name(result.entry, partial, before=task.entry)
            except (OSError, GvcError) as error:
                partial.unlink(missing_ok=True)
                if files.is_full(error):
                    raise
                self._fail(task.entry, reason_of(error))

    def _name(self, entry: Entry, partial: Path, *, before: Entry) -> None:
        """Give a file that is whole its name."""
        assert entry.target is not None
        if before.target != entry.target:
            self._check_free(before, entry.target)
        self._manifest.put(entry, partial=partial.relative_to(self._folder))
        files.give_name(partial, self._folder / entry.target)
        entry = replace(entry, state=State.DONE, ended=time.time())
        self._manifest.put(entry)
        if before.is_kept and before.target not in (None, entry.target):
            (self._folder / before.target).unlink(missing_ok=True)
        if self._deleting:
            entry = self._delete(entry)
        self.report.coded.append(entry)
        if entry.difference is not None:
            self.report.differing.append(entry)
        self._observer.ended(entry)

    def _delete(self, entry: Entry) -> Entry:
        """Delete the source of an entry that is done, if nothing is lost by that."""
        try:
            delete_source(entry, self._folder)
        except (OSError, GvcError) as error:
            self._observer.said(f"{entry.source}: is not deleted: {reason_of(error)}")
            return entry
        entry = replace(entry, source_deleted=True)
        self._manifest.put(entry)
        self.report.deleted += 1
        return entry

    def _check_free(self, entry: Entry, target: Path) -> None:
        """Complain of a file that is not this entry's under the name that it is to get."""
        mine = entry.target_hash is not None and entry.target == target
        path = self._folder / target
        if not mine and os.path.lexists(path):
            raise MediaError("a file of this name, from elsewhere, is in the archive", path=path)

    def _fail(self, entry: Entry, error: str) -> None:
        entry = replace(entry, state=State.FAILED, error=error, ended=time.time())
        self._manifest.put(entry)
        self._failed(entry)

    def _failed(self, entry: Entry) -> None:
        self.report.failed.append(entry)
        self._observer.ended(entry)


def full_disk(folder: Path) -> MediaError:
    """What to say when an archive has no room left."""
    return MediaError(
        "the disk is full; nothing is lost, and no file is half-written",
        path=folder,
        hint="make room, then run the same command again: it goes on from here",
    )
