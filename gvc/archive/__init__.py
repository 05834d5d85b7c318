"""Whole folders of recordings coded, verified, kept and given back.

:class:`.archive.Archive` is the door. What is known of each recording is an :class:`.entry.Entry`,
kept in a manifest (:mod:`.manifest`) that one run at a time writes (:mod:`.lock`). A run, asked for
by a :mod:`.recipe`, finds files (:mod:`.walk`), knows recordings among them (:mod:`.recognition`),
decides what is to be done (:mod:`.planning`), gives each file its name and its row (:mod:`.run`),
and deletes sources (:mod:`.deletion`). Between lies work on one recording (:mod:`.work`), from its
bytes to a file that is verified (:mod:`.quality`) or kept otherwise (:mod:`.conventional`).

The encoder's reader is not trusted: :mod:`.agreement` compares an account of the source's packets
(:mod:`.packet_survey`) with one of the file's bitstream (:mod:`.coded_survey`).

Work on a recording is a :mod:`.task`, as are looking at a file again (:mod:`.checking`) and giving
a recording back (:mod:`.restore`); tasks are done in processes here (:mod:`.local`) or on a Ray
cluster (:mod:`.cluster`).

May import :mod:`gvc.api` and what is below it, never :mod:`gvc.training` or :mod:`gvc.bench`. Ray
is needed for clusters only (``gvc[ray]``). :class:`~gvc.archive.archive.Archive` is at hand as
``gvc.archive.Archive``.
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
