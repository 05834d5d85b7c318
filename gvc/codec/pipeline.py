"""Steps of the codec side by side: some in threads of their own while their caller does another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Generic, TypeVar

from gvc.model.device import set_threads

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Shares:
    """How the threads of a run are shared out.

    :param batches: how many batches are worked on at once.
    :param each: threads that torch takes for one of them; None leaves that to torch.
    """

    batches: int
    each: int | None

    @property
    def bound(self) -> int:
        """Most batches on their way: those that are worked on, and one that waits for them."""
        return self.batches + 1

    def stage(self, work: Callable[[Item], Result]) -> Stage[Item, Result]:
        """A stage that works on batches with these threads."""
        start = partial(set_threads, self.each)
        return Stage(work, threads=self.batches, bound=self.bound, start=start)


def share(threads: int | None, *, side_by_side: bool) -> Shares:
    """How to use ``threads``.

    :param side_by_side: whether batches can be worked on at once: on a CPU, where none needs the
        result of the one before.

    Where the number is given, one thread works on a batch and several batches are worked on: torch
    divides the sums of a single batch among its threads, so that the last bits of its results would
    depend on how many there are.
    """
    if threads is None or not side_by_side:
        return Shares(1, threads)
    return Shares(threads, 1)


class Stage(Generic[Item, Result]):
    """A step of a pipeline, beside its caller; a context manager.

    Results come in the order of their items. The step reads and writes no file: whoever closes the
    stage waits for the items that are being worked on, and for nothing else.

    :param work: the step.
    :param threads: how many items are worked on at once.
    :param bound: most items that wait, are worked on, or are finished and not yet taken.
    :param start: called once in each thread before its first item.
    """

    def __init__(
        self,
        work: Callable[[Item], Result],
        *,
        threads: int = 1,
        bound: int,
        start: Callable[[], None] | None = None,
    ) -> None:
        self._work = work
        self._bound = bound
        self._threads = ThreadPoolExecutor(threads, "gvc", start)
        self._results: deque[Future[Result]] = deque()

    def push(self, item: Item) -> list[Result]:
        """Hand an item on; give the results that are there, in order.

        Waits for the oldest result while there are as many items as the bound allows. An error of
        the step is raised in place of the result.
        """
        ready = []
        while len(self._results) >= self._bound:
            ready.append(self._results.popleft().result())
        self._results.append(self._threads.submit(self._work, item))
        return ready

    def finish(self) -> list[Result]:
        """Wait for the results that are left, and give them."""
        return [self._results.popleft().result() for _ in range(len(self._results))]

    def map(self, items: Iterable[Item]) -> Iterator[Result]:
        """Results of all ``items``, which are asked for in the caller's thread as they are needed.

        Where asking for one raises an error, the results of those before it come first.
        """
        remaining = iter(items)
        while True:
            try:
                item = next(remaining)
            except StopIteration:
                break
            except Exception:
                yield from self.finish()
                raise
            yield from self.push(item)
        yield from self.finish()

    def close(self) -> None:
        """End the threads; items that wait are dropped. May be called more than once."""
        self._results.clear()
        self._threads.shutdown(cancel_futures=True)

    def __enter__(self) -> Stage[Item, Result]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
