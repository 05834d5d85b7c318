"""An archive: a folder with coded recordings, and a manifest of what they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from gvc.archive import files
from gvc.archive.checking import Checked, CheckTask
from gvc.archive.cluster import RayEngine
from gvc.archive.decoding import Decoding
from gvc.archive.entry import Entry, State, Verification
from gvc.archive.local import LocalEngine, nothing
from gvc.archive.lock import ArchiveLock
from gvc.archive.manifest import MANIFEST_NAME, Manifest
from gvc.archive.observer import Observer
from gvc.archive.planning import Plan, Planner
from gvc.archive.recipe import EngineName, Options, Recipe
from gvc.archive.restore import Restored, RestoreTask, check_names
from gvc.archive.run import Report, Run, full_disk
from gvc.archive.task import Lost, Step
from gvc.archive.walk import named_roots, walk
from gvc.codec.settings import default_threads
from gvc.errors import GvcError, MediaError, UsageError

_SILENT = Observer()
_RECIPE = Recipe()
_OPTIONS = Options()

#: CPU threads of a task on a cluster, where nobody says how many.
_CLUSTER_THREADS = 2


class Archive:
    """A folder of coded recordings.

    >>> from gvc.archive import Archive
    >>> archive = Archive("backup")                              # doctest: +SKIP
    >>> report = archive.run(["recordings"])                     # doctest: +SKIP
    >>> [entry.name for entry in report.failed]                  # doctest: +SKIP
    []

    Work is done in processes of their own, so that a script that calls :meth:`run`, :meth:`verify`
    or :meth:`restore` has to do that under ``if __name__ == "__main__":``.

    :param folder: where it is, or will be.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(os.path.realpath(folder))

    def entries(self, *states: State) -> list[Entry]:
        """What is known of all recordings, or of those in some states, by name.

        :raises MediaError: if there is no archive here.
        """
        with Manifest(self.folder) as manifest:
            return manifest.entries(*states)

    def plan(
        self,
        sources: Sequence[str | Path],
        recipe: Recipe = _RECIPE,
        options: Options = _OPTIONS,
    ) -> Plan:
        """What :meth:`run` would do. Changes nothing.

        Parameters and errors are those of :meth:`run`.
        """
        known: list[Entry] = []
        if (self.folder / MANIFEST_NAME).exists():
            known = self.entries()
        roots = self._roots(sources, recipe, options)
        return self._planned(known, roots, recipe, options)

    def run(
        self,
        sources: Sequence[str | Path],
        recipe: Recipe = _RECIPE,
        options: Options = _OPTIONS,
        *,
        observer: Observer = _SILENT,
        prepare: Callable[[], None] = nothing,
    ) -> Report:
        """Code what is new or changed of some files and folders. Can be stopped anywhere.

        :param sources: files and folders; the tree of each is kept under its own name.
        :param recipe: how recordings are coded and verified. :param options: how the run is done.
        :param observer: told how it goes.
        :param prepare: what each worker calls first; a function that can be pickled.
        :raises UsageError: if sources or options make no sense.
        :raises MediaError: if the archive is in use or the disk is full, or the manifest cannot be
            written.
        """
        roots = self._roots(sources, recipe, options)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MediaError(f"cannot be made: {error.strerror}", path=self.folder) from error
        try:
            with ArchiveLock(self.folder), Manifest(self.folder, writable=True) as manifest:
                return self._run(manifest, roots, recipe, options, observer, prepare)
        except (OSError, GvcError) as error:
            # Whoever notices it first.
            if files.is_full(error):
                raise full_disk(self.folder) from error
            raise

    def verify(
        self,
        *,
        decode: bool = False,
        jobs: int = 1,
        weights: Path | None = None,
        packs: Path | None = None,
        device: str = "cpu",
        threads: int | None = None,
        prepare: Callable[[], None] = nothing,
    ) -> Iterator[Checked]:
        """Look at every file: its size, its hash, whether it is whole.

        :param decode: whether all of it is decoded, too. :param jobs: how many files at once.
        :param weights: a weights file or a folder of them, besides those that ship.
        :param packs: likewise of speaker packs. :param device: where the network runs.
        :param threads: CPU threads of each job; None shares out all that there are.
        :param prepare: what each worker calls first; a function that can be pickled.
        :returns: what was found, in the order in which files were looked at.
        """
        decoding = Decoding(weights, packs, device, _share(threads, jobs))
        tasks = (
            CheckTask(entry, self.folder, decode, decoding)
            for entry in self.entries()
            if entry.is_kept
        )
        with LocalEngine(jobs, prepare=prepare) as engine:
            for task, result in engine.run(tasks, _ignore):
                assert isinstance(task, CheckTask)
                yield Checked(task.entry, result.error) if isinstance(result, Lost) else result

    def restore(
        self,
        out: str | Path,
        *,
        overwrite: bool = False,
        jobs: int = 1,
        weights: Path | None = None,
        packs: Path | None = None,
        device: str = "cpu",
        threads: int | None = None,
        prepare: Callable[[], None] = nothing,
    ) -> Iterator[Restored]:
        """Make the tree of recordings again: MP4, and copies of what was copied.

        :param out: folder in which to. :param overwrite: whether files that are there are replaced,
            which else are skipped. Other parameters are those of :meth:`verify`.
        :returns: what became of each, in the order in which they were done.
        :raises UsageError, InvalidDataError: if names make no tree.
        """
        kept = [entry for entry in self.entries() if entry.is_kept]
        check_names(kept)
        token = files.new_token()
        decoding = Decoding(weights, packs, device, _share(threads, jobs))
        where = Path(os.path.realpath(out))
        todo = [
            RestoreTask(entry, self.folder, where, token, decoding, overwrite) for entry in kept
        ]
        targets = () if overwrite else [task.target for task in todo]
        there = {target for target in targets if target.exists()}
        skipped = (task for task in todo if task.target in there)
        yield from (Restored(task.entry, task.target, skipped=True) for task in skipped)
        todo = [task for task in todo if task.target not in there]
        try:
            with LocalEngine(jobs, prepare=prepare) as engine:
                for task, result in engine.run(iter(todo), _ignore):
                    assert isinstance(task, RestoreTask)
                    if isinstance(result, Lost):
                        yield Restored(task.entry, task.target, result.error)
                    else:
                        yield result
        finally:
            for folder in {task.target.parent for task in todo}:
                files.remove_partials(folder, token)

    def _run(
        self,
        manifest: Manifest,
        roots: dict[Path, Path],
        recipe: Recipe,
        options: Options,
        observer: Observer,
        prepare: Callable[[], None],
    ) -> Report:
        recipe = recipe.with_threads(_threads(recipe, options))
        run = Run(self.folder, manifest, recipe, deleting=options.delete_source, observer=observer)
        run.recover()
        plan = self._planned(manifest.entries(), roots, recipe, options)
        observer.planned(plan)
        try:
            # Where nothing is to be done, no cluster is needed.
            chosen = options if plan.todo else _OPTIONS
            with self._engine(chosen, recipe, prepare) as engine:
                run.carry_out(plan, engine)
        finally:
            run.put_back()
        return run.report

    def _roots(
        self, sources: Sequence[str | Path], recipe: Recipe, options: Options
    ) -> dict[Path, Path]:
        """Sources by their names, checked."""
        if options.delete_source and recipe.verification is not Verification.FULL:
            raise UsageError(
                "sources are deleted only if files are verified in full", hint="--verify full"
            )
        return named_roots([Path(source) for source in sources], self.folder)

    def _planned(
        self, known: Sequence[Entry], roots: dict[Path, Path], recipe: Recipe, options: Options
    ) -> Plan:
        planner = Planner(
            self.folder,
            {entry.name: entry for entry in known},
            settings=recipe.canonical,
            redo=options.redo,
            check=options.check,
            rehash=options.rehash,
        )
        return planner.plan(roots, walk(roots, self.folder))

    def _engine(
        self, options: Options, recipe: Recipe, prepare: Callable[[], None]
    ) -> LocalEngine | RayEngine:
        if options.engine is EngineName.LOCAL:
            return LocalEngine(options.jobs or 1, prepare=prepare)
        threads = _threads(recipe, options)
        return RayEngine(options.jobs, threads=threads, device=recipe.encoder.device)


def _threads(recipe: Recipe, options: Options) -> int:
    """CPU threads of a worker."""
    if options.engine is EngineName.RAY:
        return recipe.encoder.threads or _CLUSTER_THREADS
    return _share(recipe.encoder.threads, options.jobs or 1)


def _share(threads: int | None, jobs: int) -> int:
    """Threads of each job, where nobody says how many."""
    return threads or max(1, default_threads() // jobs)


def _ignore(_: object, __: Step) -> None:
    """Take no interest in steps."""
