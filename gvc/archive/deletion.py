"""Sources deleted, where nothing is lost by that."""

from __future__ import annotations

from pathlib import Path

from gvc.archive import files
from gvc.archive.entry import Entry, Verification
from gvc.errors import MediaError


def delete_source(entry: Entry, folder: Path) -> None:
    """Delete the source of an entry that is done, and on disk as such.

    Both files are read once more.

    :param folder: of the archive.
    :raises MediaError: if the file was not verified in full or is not what it was, or the source
        was damaged, is a link, or is not what was coded.
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
    source.unlink()
    files.sync_folder(source.parent)
