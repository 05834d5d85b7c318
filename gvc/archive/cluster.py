"""Workers on a Ray cluster, which moves and repeats tasks whose workers are lost."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from gvc.archive.task import Lost, OnStep, ResultT, Step, Task
from gvc.errors import UnsupportedError

#: How often a task is done again whose worker or machine was lost.
_RETRIES = 3


class RayEngine:
    """Does tasks on a Ray cluster; a context manager.

    That is the cluster that ``RAY_ADDRESS`` names or that this machine belongs to, else one that is
    started here and ended afterwards. All of its machines need this package, and the same folders
    under the same names.

    :param jobs: how many tasks at once at most; None takes as many as fit.
    :param threads: CPUs that a task is given. :param device: where its networks run; on ``cuda`` it
        is given a GPU, if the cluster has any.
    :raises UnsupportedError: if Ray is not installed.
    """

    def __init__(self, jobs: int | None, *, threads: int, device: str) -> None:
        try:
            import ray
        except ImportError as error:
            raise UnsupportedError("Ray is not installed", hint="pip install 'gvc[ray]'") from error
        self._ray: Any = ray
        self._mine = not ray.is_initialized()
        if self._mine:
            ray.init(logging_level=logging.ERROR, log_to_driver=False)
        self._jobs, self._threads = jobs, threads
        gpus = device.startswith("cuda") and "GPU" in ray.cluster_resources()
        self._remote: Any = ray.remote(_run).options(
            num_cpus=threads, num_gpus=int(gpus), max_retries=_RETRIES, name="gvc archive"
        )
        self._gpus = gpus
        self._running: dict[Any, Task[Any]] = {}

    def run(
        self, tasks: Iterator[Task[ResultT]], on_step: OnStep
    ) -> Iterator[tuple[Task[ResultT], ResultT | Lost]]:
        """See :class:`~gvc.archive.task.Engine`; steps of tasks elsewhere are not known."""
        more = True
        while True:
            while more and len(self._running) < self._capacity():
                task = next(tasks, None)
                more = task is not None
                if task is not None:
                    self._running[self._remote.remote(task)] = task
            if not self._running:
                return
            ready, _ = self._ray.wait(list(self._running), num_returns=1)
            for reference in ready:
                yield self._running.pop(reference), self._result(reference)

    def close(self) -> None:
        """End all tasks, and the cluster if it was started here."""
        for reference in self._running:
            with contextlib.suppress(Exception):
                self._ray.cancel(reference, force=True)
        self._running.clear()
        if self._mine:
            self._ray.shutdown()

    def __enter__(self) -> RayEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _capacity(self) -> int:
        """How many tasks fit just now: clusters grow and shrink."""
        has = self._ray.cluster_resources()
        fit = int(has.get("CPU", 0)) // self._threads
        if self._gpus:
            fit = min(fit, int(has.get("GPU", 0)))
        return max(1, fit if self._jobs is None else self._jobs)

    def _result(self, reference: Any) -> Any:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines()
            return Lost(f"lost on the cluster: {lines[0] if lines else type(error).__name__}")


def _run(task: Task[ResultT]) -> ResultT:
    return task.run(_unheard)


def _unheard(_: Step) -> None:
    """Nobody hears of steps from elsewhere."""
