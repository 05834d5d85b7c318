"""Whole folders of recordings coded, verified, kept and given back.

:class:`.archive.Archive` is the door. What is known of each recording is an :class:`.entry.Entry`,
kept in a manifest (:mod:`.manifest`) that one run at a time writes (:mod:`.lock`). A run finds
recordings (:mod:`.walk`), decides what is to be done (:mod:`.planning`), lets workers do it
(:mod:`.work`: one recording from its bytes to a verified file) in processes here (:mod:`.local`) or
on a Ray cluster (:mod:`.cluster`), and gives each file its name and its row (:mod:`.run`).

May import :mod:`gvc.api` and what is below it, never :mod:`gvc.training` or :mod:`gvc.bench`.
:class:`~gvc.archive.archive.Archive` is at hand as ``gvc.archive.Archive``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gvc.archive.archive import Archive as Archive

__all__ = ["Archive"]


def __getattr__(name: str) -> object:
    """Import the class when it is first used: a manifest is read without it."""
    if name == "Archive":
        from gvc.archive.archive import Archive as ArchiveClass

        return ArchiveClass
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
