"""A report of whatever a path names."""

from __future__ import annotations

from pathlib import Path

from gvc.errors import UsageError
from gvc.report.archive_page import OnFile, archive_page
from gvc.report.file_page import examine, file_page
from gvc.report.settings import ReportSettings

_DEFAULT = ReportSettings()


def _ignore(done: int, total: int, name: Path) -> None:
    """Take no interest in progress."""


def page_about(
    path: Path,
    *,
    source: Path | None = None,
    settings: ReportSettings = _DEFAULT,
    on_file: OnFile = _ignore,
) -> str:
    """A page of HTML about a .gvc file, or about an archive; it needs no other file.

    :param path: the file, or the folder of the archive.
    :param source: what the file was made from; archives know theirs.
    :param on_file: called before each file of an archive that is looked at closely: how many were,
        how many there are, and its name.
    :raises UsageError: if ``source`` does not go with ``path``.
    :raises GvcError: if what there is cannot be read.
    """
    if not path.is_dir():
        return file_page(examine(path, source, settings))
    if source is not None:
        raise UsageError("an archive knows its sources", path=path, hint="leave out --source")
    return archive_page(path, settings, on_file)
