"""One step ahead, one step behind: a batch is read in a thread and another written, while one between is computed.

Polars and DuckDB let go of Python's lock while they work, so that two cores have something to do.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TypeVar

T = TypeVar("T")


def prefetch(items: Generator[T]) -> Generator[T]:
    """The `items`, each made in a thread while the one before is in use; closed with this generator."""
    nothing = object()
    with closing(items), ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, nothing)
        while (item := coming.result()) is not nothing:
            coming = pool.submit(next, items, nothing)
            yield item  # type: ignore[misc]


@contextmanager
def write_behind() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Gives a function that runs a piece of work in the background, one piece at a time and in order.

    Handing over the next piece waits for the one before, so that never more than two batches are in memory; what a
    piece raised is raised there, or at the end of the block.
    """
    pending: list[Future[None]] = []

    def hand_over(work: Callable[[], None]) -> None:
        while pending:
            pending.pop().result()
        pending.append(pool.submit(work))

    with ThreadPoolExecutor(1) as pool:
        yield hand_over
        while pending:
            pending.pop().result()
