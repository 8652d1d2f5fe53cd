"""One step behind: a batch is written in a thread while the next one is read and computed.

Polars and DuckDB let go of Python's lock while they work, so that two cores have something to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def one_behind() -> Iterator[Callable[[Callable[[], None]], None]]:
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
