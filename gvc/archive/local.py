"""Workers on this machine: processes that live on and take task after task."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic

from gvc.archive.task import Lost, OnStep, ResultT, Step, Task

#: Seconds between two messages of one worker about one stage.
_INTERVAL = 0.2


def nothing() -> None:
    """Prepare nothing."""


@dataclass(slots=True)
class _Worker(Generic[ResultT]):
    process: SpawnProcess
    connection: Connection
    task: Task[ResultT] | None = None

    def give(self, task: Task[ResultT]) -> None:
        self.task = task
        # Where the worker is dead already, reading from it says so.
        with contextlib.suppress(OSError):
            self.connection.send(task)

    def kill(self) -> None:
        """End the process and every program that it runs: they are a group of their own."""
        if self.process.pid is not None:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.connection.close()


class LocalEngine:
    """Does tasks in processes of its own; a context manager.

    Each has a pipe of its own, so that it is known which task a process took with it when it died,
    and no lock that it could have taken as well. Another one takes its place then.

    :param jobs: how many processes at most. They are started when they are needed.
    :param prepare: what each calls first; a function that can be pickled.
    """

    def __init__(self, jobs: int, *, prepare: Callable[[], None] = nothing) -> None:
        self._jobs, self._prepare = jobs, prepare
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker[Any]] = []

    def run(
        self, tasks: Iterator[Task[ResultT]], on_step: OnStep
    ) -> Iterator[tuple[Task[ResultT], ResultT | Lost]]:
        """See :class:`~gvc.archive.task.Engine`."""
        more = True
        while True:
            while more and sum(worker.task is not None for worker in self._workers) < self._jobs:
                task = next(tasks, None)
                more = task is not None
                if task is not None:
                    self._idle().give(task)
            busy = [worker for worker in self._workers if worker.task is not None]
            if not busy:
                return
            ready = wait([worker.connection for worker in busy])
            for worker in busy:
                if worker.connection in ready:
                    yield from self._heard(worker, on_step)

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        while self._workers:
            self._workers.pop().kill()

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _idle(self) -> _Worker[Any]:
        """A worker with nothing to do, made if need be."""
        for worker in self._workers:
            if worker.task is None:
                return worker
        here, there = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(there, self._prepare), daemon=True)
        # Until it is in a group of its own, Ctrl-C would be for it, too.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        there.close()
        self._workers.append(_Worker(process, here))
        return self._workers[-1]

    def _heard(
        self, worker: _Worker[ResultT], on_step: OnStep
    ) -> Iterator[tuple[Task[ResultT], ResultT | Lost]]:
        task = worker.task
        assert task is not None
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            worker.kill()
            self._workers.remove(worker)
            yield task, Lost(_cause_of_death(worker.process.exitcode))
            return
        if isinstance(message, Step):
            on_step(task, message)
        else:
            worker.task = None
            yield task, message[0]


def _cause_of_death(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "its worker was killed (out of memory, perhaps: fewer --jobs take less)"
    if code is not None and code < 0:
        return f"its worker died of signal {-code}"
    return f"its worker ended with code {code}"


def _serve(connection: Connection, prepare: Callable[[], None]) -> None:
    """What a worker does."""
    # A group of its own: Ctrl-C is for whoever runs it, who then ends it with all its programs.
    os.setpgid(0, 0)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare()
    with contextlib.suppress(EOFError, OSError):
        while True:
            task: Task[Any] = connection.recv()
            connection.send((task.run(_Teller(connection)),))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.killpg(0, signal.SIGKILL)


class _Teller:
    """Tells of steps, but not more often than anybody reads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stage, self._next = "", 0.0

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        if step.stage != self._stage or now >= self._next:
            self._stage, self._next = step.stage, now + _INTERVAL
            self._connection.send(step)
