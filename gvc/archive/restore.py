"""Recordings given back: decoded to MP4, or copied as they were kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gvc.api.transcode import Progress, decode
from gvc.archive import files
from gvc.archive.conventional import to_h264
from gvc.archive.decoding import Decoding
from gvc.archive.entry import Entry, Form
from gvc.archive.naming import with_ending
from gvc.archive.task import Step, Tell, reason_of
from gvc.errors import InvalidDataError, MediaError, UsageError
from gvc.media import SinkOptions

#: What is given back is in this format, and has this ending.
_FORMAT, _ENDING = "mp4", ".mp4"


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of an entry.

    :param target: the file. :param error: why there is none, in a line; None if there is.
    :param skipped: whether it was there before.
    """

    entry: Entry
    target: Path
    error: str | None = None
    skipped: bool = False


def restored_name(entry: Entry) -> Path:
    """What the recording is called when it is given back."""
    name = entry.name
    if entry.form is Form.COPY or name.suffix.lower() == _ENDING:
        return name
    return with_ending(name, _ENDING)


def check_names(entries: Iterable[Entry]) -> None:
    """Complain of names that no tree can be made of.

    :raises UsageError: if two recordings would be given back under one name.
    :raises InvalidDataError: if one would be outside of the tree.
    """
    names: dict[Path, Entry] = {}
    for entry in entries:
        if entry.name.is_absolute() or ".." in entry.name.parts:
            raise InvalidDataError(f"{entry.name} leads out of the tree")
        other = names.setdefault(restored_name(entry), entry)
        if other is not entry:
            raise UsageError(
                f"{other.name} and {entry.name} would both be restored as {restored_name(entry)}",
                hint="gvc decode restores single files",
            )


@dataclass(frozen=True, slots=True)
class RestoreTask:
    """Gives one recording back, under its name as soon as it is whole.

    :param folder: of the archive. :param out: where the tree is made again.
    :param token: that names of files have until they are whole.
    :param decoding: how .gvc files are decoded; videos take its threads.
    :param overwrite: whether a file that has the name is replaced.
    """

    entry: Entry
    folder: Path
    out: Path
    token: str
    decoding: Decoding
    overwrite: bool = False

    @property
    def target(self) -> Path:
        """The file that is made."""
        return self.out / restored_name(self.entry)

    def run(self, tell: Tell) -> Restored:
        """Do it; never raises, but for what ends the process."""
        partial = files.partial_in(self.target.parent, self.token)
        try:
            files.make_folder(self.target.parent)
            self._write(partial, tell)
            files.sync(partial)
            if self.entry.source_mtime_ns is not None:
                os.utime(partial, ns=(self.entry.source_mtime_ns, self.entry.source_mtime_ns))
            if not self.overwrite and os.path.lexists(self.target):
                # What was there before was left out; so two names are one on this file system.
                raise MediaError("has the name of another one there", path=self.target)
            files.give_name(partial, self.target)
        except Exception as error:
            partial.unlink(missing_ok=True)
            return Restored(self.entry, self.target, reason_of(error))
        return Restored(self.entry, self.target)

    def _write(self, partial: Path, tell: Tell) -> None:
        entry = self.entry
        assert entry.target is not None
        kept = self.folder / entry.target
        if entry.form is Form.COPY:
            tell(Step("copy"))
            shutil.copyfile(kept, partial)
            if files.hash_of(partial) != entry.target_hash:
                raise InvalidDataError("is damaged: its hash is another one", path=kept)
        elif entry.form is Form.VVC:
            tell(Step("decode", 0, entry.frames))
            to_h264(kept, partial, threads=self.decoding.threads)
        else:
            self._decode(kept, partial, tell)

    def _decode(self, kept: Path, partial: Path, tell: Tell) -> None:
        def on_progress(done: Progress) -> None:
            tell(Step("decode", done.frames, done.total))

        with self.decoding.open(kept) as container, partial.open("w+b") as file:
            report = decode(
                container,
                file,
                container=_FORMAT,
                options=SinkOptions(threads=self.decoding.threads),
                name=str(self.target),
                on_progress=on_progress,
            )
        if report.problem is not None:
            raise InvalidDataError(report.problem, path=kept)
