"""Who is told how a run goes."""

from __future__ import annotations

from gvc.archive.entry import Entry
from gvc.archive.planning import Plan
from gvc.archive.task import Step


class Observer:
    """Takes no interest; whoever does overrides some of these."""

    def planned(self, plan: Plan) -> None:
        """It is known what is to be done."""

    def began(self, entry: Entry) -> None:
        """A worker takes a recording."""

    def went(self, entry: Entry, step: Step) -> None:
        """A worker got further."""

    def ended(self, entry: Entry) -> None:
        """A recording is done, or has failed."""

    def said(self, line: str) -> None:
        """There is something to say."""
