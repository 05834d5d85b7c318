"""One recording, from its bytes to a file that is whole, verified and on disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gvc.api.transcode import Progress, encode
from gvc.archive import files
from gvc.archive.agreement import disagreement
from gvc.archive.conventional import QPS, code_vvc
from gvc.archive.entry import Entry, Form, State, Verification
from gvc.archive.lock import who
from gvc.archive.naming import with_ending
from gvc.archive.recipe import Recipe
from gvc.archive.task import Step, Tell, reason_of
from gvc.errors import GvcError, InvalidDataError, MediaError
from gvc.media import AudioMode

if TYPE_CHECKING:
    from gvc.archive.quality import Comparison, Quality

#: What names of coded files end in, behind the whole name of the source.
ENDINGS = {Form.GVC: ".gvc", Form.VVC: ".vvc.mp4", Form.COPY: ""}

#: VVenC's preset where the settings name none.
_PRESET = "medium"


def target_of(name: Path, form: Form) -> Path:
    """What the file of a recording is called, relative to the archive."""
    return with_ending(name, ENDINGS[form])


@dataclass(frozen=True, slots=True)
class Coded:
    """What became of one recording.

    :param entry: everything known of it now: whole, failed, or waiting if there was no room for it.
    :param partial: where its file is, absolute; None if there is none.
    :param full: whether the disk is full.
    """

    entry: Entry
    partial: Path | None = None
    full: bool = False


@dataclass(frozen=True, slots=True)
class CodeTask:
    """Codes and verifies one recording.

    What it makes has a name that nobody looks for, in the folder where it belongs; so it does no
    harm if it is run twice, or killed.

    :param entry: the recording. :param folder: of the archive. :param token: that its names have.
    """

    entry: Entry
    folder: Path
    recipe: Recipe
    token: str

    def run(self, tell: Tell) -> Coded:
        """Do it; never raises, but for what ends the process."""
        work = _Work(self, tell)
        started = time.monotonic()
        try:
            entry = work.run()
            result = Coded(entry, work.partial)
        except Exception as error:
            # One bad file, or one bug that a file has found, must not end a night's work.
            work.discard()
            if files.is_full(error):
                result = Coded(replace(self.entry, state=State.WAITING), full=True)
            else:
                result = Coded(_failed(self.entry, error))
        entry = replace(result.entry, elapsed=time.monotonic() - started, worker=who())
        return replace(result, entry=entry)


@dataclass(slots=True)
class _Work:
    """The steps, and what is left to be cleared away if one of them fails."""

    task: CodeTask
    tell: Tell
    partial: Path | None = None
    notes: list[str] = field(default_factory=list)

    def run(self) -> Entry:
        entry, recipe = self.task.entry, self.task.recipe
        source = entry.source
        before = files.stamp_of(source)
        if not before[0]:
            raise InvalidDataError("is empty", path=source)
        try:
            self.tell(Step("hash"))
            digest = files.hash_of(source)
            entry = replace(entry, source_size=before[0], source_mtime_ns=before[1])
            entry = replace(entry, source_hash=digest, settings=recipe.canonical)
            folder = self.task.folder / entry.name.parent
            self.partial = files.partial_in(folder, self.task.token)
            entry = self._surveyed(self._coded(entry))
        except (GvcError, OSError) as error:
            _check_unchanged(source, before, cause=error)
            raise
        files.sync(self.partial)
        _check_unchanged(source, before)
        self.tell(Step("hash"))
        if files.hash_of(source) != digest:
            raise MediaError("changed while it was read", path=source)
        size, mtime_ns = files.stamp_of(self.partial)
        return replace(
            entry,
            state=State.WHOLE,
            target_size=size,
            target_mtime_ns=mtime_ns,
            target_hash=files.hash_of(self.partial),
            note="; ".join(self.notes) or None,
            error=None,
        )

    def discard(self) -> None:
        """Remove what is not whole."""
        if self.partial is not None:
            self.partial.unlink(missing_ok=True)
            self.partial = None

    def _coded(self, entry: Entry) -> Entry:
        """Code the recording, and compare what came out with it."""
        recipe, mode = self.task.recipe, self.task.recipe.verification
        entry = self._as_gvc(entry)
        if mode is Verification.NONE:
            return replace(entry, verification=mode)
        # Only workers need torch.
        from gvc.archive.quality import Comparison

        comparison = Comparison(recipe.encoder, mode, recipe.audio)
        try:
            quality = comparison.with_coded(
                entry.source, self._file, on_frame=self._verified(entry)
            )
            if quality.frames != entry.frames:
                raise InvalidDataError("its number of frames is not that of the source")
        except GvcError as error:
            raise InvalidDataError(f"verification failed: {error.cause}") from error
        entry = replace(_rated(entry, quality), verification=mode)
        limit = recipe.min_quality
        if limit is None or quality.mean <= limit:
            return entry
        self.notes.append(f"distance {quality.mean:.3f} as .gvc, {limit:g} was asked for")
        return self._otherwise(entry, comparison, limit)

    def _surveyed(self, entry: Entry) -> Entry:
        """Compare the file with the packets of the source, however it is verified otherwise."""
        self.tell(Step("survey"))
        assert entry.form is not None
        found = disagreement(
            entry.source,
            self._file,
            form=entry.form,
            audio=self.task.recipe.audio,
            listen=self.task.recipe.verification is Verification.FULL,
        )
        return replace(entry, surveyed=True, difference=found)

    def _as_gvc(self, entry: Entry) -> Entry:
        recipe = self.task.recipe

        def on_progress(done: Progress) -> None:
            self.tell(Step("encode", done.frames, done.total))

        with self._file.open("wb") as target:
            report = encode(
                entry.source,
                target,
                settings=recipe.encoder,
                audio=recipe.audio,
                audio_bit_rate=recipe.audio_bit_rate,
                passes=recipe.number_of_passes,
                on_progress=on_progress,
                on_warning=self.notes.append,
            )
        if report.problem is not None:
            self.notes.append(report.problem)
        return replace(
            entry,
            form=Form.GVC,
            target=target_of(entry.name, Form.GVC),
            seconds=report.seconds,
            frames=report.frames,
            damaged=report.problem is not None,
        )

    def _otherwise(self, entry: Entry, comparison: Comparison, limit: float) -> Entry:
        """Keep as VVC what is close enough so, and smaller than the source; else a copy."""
        for qp in QPS:
            try:
                quality = self._as_vvc(entry, comparison, qp)
            except GvcError as error:
                if files.is_full(error):
                    raise
                self.notes.append(f"no VVC: {error.cause}")
                break
            if quality is None:
                break
            if quality.mean <= limit:
                self.notes.append(f"kept as VVC, QP {qp}")
                target = target_of(entry.name, Form.VVC)
                return replace(_rated(entry, quality), form=Form.VVC, target=target)
        return self._copied(entry)

    def _as_vvc(self, entry: Entry, comparison: Comparison, qp: int) -> Quality | None:
        """Code the recording as VVC, and compare; None if that is no smaller than the source."""
        recipe = self.task.recipe
        self.tell(Step("vvc"))
        code_vvc(
            entry.source,
            self._file,
            qp=qp,
            preset=recipe.encoder.key_preset or _PRESET,
            sound=recipe.audio is not AudioMode.NONE,
            threads=recipe.encoder.threads,
        )
        assert entry.source_size is not None
        if self._file.stat().st_size >= entry.source_size:
            return None
        return comparison.with_video(entry.source, self._file, on_frame=self._verified(entry))

    def _copied(self, entry: Entry) -> Entry:
        self.tell(Step("copy"))
        shutil.copy2(entry.source, self._file)
        if files.hash_of(self._file) != entry.source_hash:
            raise MediaError("changed while it was read", path=entry.source)
        self.notes.append("kept as it was")
        return replace(
            entry,
            form=Form.COPY,
            target=target_of(entry.name, Form.COPY),
            compared=0,
            distance_mean=0,
            distance_worst=0,
            damaged=False,
        )

    @property
    def _file(self) -> Path:
        assert self.partial is not None
        return self.partial

    def _verified(self, entry: Entry) -> Callable[[int], None]:
        return lambda frames: self.tell(Step("verify", frames, entry.frames))


def _rated(entry: Entry, quality: Quality) -> Entry:
    return replace(
        entry,
        compared=len(quality.distances),
        distance_mean=quality.mean,
        distance_worst=quality.worst,
    )


def _failed(entry: Entry, error: Exception) -> Entry:
    return replace(entry, state=State.FAILED, error=reason_of(error))


def _check_unchanged(
    source: Path, stamp: tuple[int, int], *, cause: Exception | None = None
) -> None:
    """Complain of a source that is another one than it was, whatever else went wrong."""
    try:
        now = files.stamp_of(source)
    except OSError as error:
        raise MediaError("vanished while it was read", path=source) from (cause or error)
    if now != stamp:
        raise MediaError("changed while it was read", path=source) from cause
