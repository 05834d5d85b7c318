"""Pages about coded files: of one, or of a whole archive.

:func:`page_about` is the door; :mod:`.settings` is what it is asked for. A page of one file
(:mod:`.file_page`) has where its bits go over time (:mod:`.timeline`, :mod:`.kinds`) and what is
seen of it beside its source (:mod:`.comparison`); a page of an archive (:mod:`.archive_page`,
:mod:`.overview`) has what its manifest knows of all files, and the same of the worst ones. How
pages are built is the affair of :mod:`gvc.page`.

May import :mod:`gvc.archive`, :mod:`gvc.api` and what is below them, and :mod:`gvc.page`.
"""

from gvc.report.settings import ReportSettings
from gvc.report.writing import page_about

__all__ = ["ReportSettings", "page_about"]
