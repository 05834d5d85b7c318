"""What workers are given to do, wherever they are, and what is heard of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from gvc.errors import GvcError

ResultT = TypeVar("ResultT", covariant=True)


@dataclass(frozen=True, slots=True)
class Step:
    """How far a worker is.

    :param stage: what it does: ``hash``, ``encode``, ``verify``, ``vvc``, ``copy``, ``survey``,
        ``decode``.
    :param frames: done of that. :param total: of how many, if that is known.
    """

    stage: str
    frames: int = 0
    total: int | None = None


#: Takes what a worker tells of its steps.
Tell = Callable[[Step], None]


class Task(Protocol[ResultT]):
    """Something to do in another process: it is pickled, and so is what comes of it."""

    def run(self, tell: Tell) -> ResultT:
        """Do it. Whatever can go wrong is told in what is returned."""


@dataclass(frozen=True, slots=True)
class Lost:
    """What comes of a task whose worker died.

    :param error: how, in a line.
    """

    error: str


#: Takes steps of tasks.
OnStep = Callable[[Any, Step], None]


class Engine(Protocol):
    """Who does the tasks, here or elsewhere."""

    def run(
        self, tasks: Iterator[Task[ResultT]], on_step: OnStep
    ) -> Iterator[tuple[Task[ResultT], ResultT | Lost]]:
        """Tasks with what came of them, in the order in which they end.

        :param tasks: the next one is taken when there is somebody to do it.
        :param on_step: told how far they are, where that is known.
        """


def reason_of(error: BaseException) -> str:
    """Why something failed, in a line, for whoever knows which file it is about."""
    if isinstance(error, GvcError):
        text = f"{error.cause} ({error.hint})" if error.hint else error.cause
    elif isinstance(error, OSError):
        text = error.strerror or str(error)
    elif isinstance(error, MemoryError):
        text = "not enough memory"
    else:
        text = f"{type(error).__name__}: {error}"
    return " ".join(text.split())
