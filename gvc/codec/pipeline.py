"""Steps of the codec side by side: one in a thread of its own while its caller does another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Stage(Generic[Item, Result]):
    """A step of a pipeline; a context manager.

    The step runs in one thread, on one item after another, so that results come in order and do
    not depend on when. Its thread reads and writes no file: whoever closes the stage waits for the
    item that is being worked on, and for nothing else.

    :param work: the step.
    :param bound: most items that wait, are worked on, or are finished and not yet taken.
    :param start: called once in the thread before the first item.
    """

    def __init__(
        self,
        work: Callable[[Item], Result],
        *,
        bound: int,
        start: Callable[[], None] | None = None,
    ) -> None:
        self._work = work
        self._bound = bound
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gvc", initializer=start)
        self._results: deque[Future[Result]] = deque()

    def push(self, item: Item) -> list[Result]:
        """Hand an item on; give the results that are there, in order.

        Waits for the oldest result while there are as many items as the bound allows. An error of
        the step is raised in place of the result.
        """
        ready = []
        while len(self._results) >= self._bound:
            ready.append(self._results.popleft().result())
        self._results.append(self._thread.submit(self._work, item))
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
        """End the thread; items that wait are dropped. May be called more than once."""
        self._results.clear()
        self._thread.shutdown(cancel_futures=True)

    def __enter__(self) -> Stage[Item, Result]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
