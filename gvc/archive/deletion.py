"""Sources deleted, where nothing is lost by that."""

from __future__ import annotations

import json
from pathlib import Path

from gvc.archive import files
from gvc.archive.agreement import disagreement
from gvc.archive.entry import Entry, Verification
from gvc.errors import MediaError
from gvc.media import AudioMode


def delete_source(entry: Entry, folder: Path) -> None:
    """Delete the source of an entry that is done, and on disk as such.

    Both files are read once more.

    :param folder: of the archive.
    :raises MediaError: if the file was not verified in full, differs from the packets of the
        source, or is not what it was; if the source was damaged, is a link, or is not what was
        coded.
    :raises OSError: if either cannot be read, or the source cannot be deleted.
    """
    source = entry.source
    assert entry.target is not None
    if entry.verification is not Verification.FULL:
        raise MediaError("the file was not verified in full", path=source)
    if entry.damaged:
        raise MediaError("parts of it could not be read, and are missing", path=source)
    if source.is_symlink():
        raise MediaError("it is a link", path=source)
    if files.hash_of(folder / entry.target) != entry.target_hash:
        raise MediaError("its file in the archive is damaged", path=source)
    if files.stamp_of(source) != (entry.source_size, entry.source_mtime_ns):
        raise MediaError("it has changed", path=source)
    if files.hash_of(source) != entry.source_hash:
        raise MediaError("it has changed", path=source)
    differs = entry.difference
    if differs is None and not entry.surveyed:
        differs = _survey(entry, folder / entry.target)
    if differs is not None:
        raise MediaError(f"its file differs from it: {differs}", path=source)
    source.unlink()
    files.sync_folder(source.parent)


def _survey(entry: Entry, made: Path) -> str | None:
    """What differs in a file of an older archive, which nobody has compared so yet."""
    assert entry.form is not None
    settings = json.loads(entry.settings or "{}")
    audio = AudioMode(settings.get("audio", AudioMode.OPUS))
    return disagreement(entry.source, made, form=entry.form, audio=audio, listen=True)
