"""A process that dies at a chosen operation on the disk: at a COMMIT before it happens or after, at a file that is
renamed or removed, at any statement. Belongs into a process of its own."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from tests.faults.broken_disk import BrokenDisk, Fault
from tests.faults.victims import Asked, stop_the_clock
from tests.pipelines.homes import Home

FEW = ("commit", "committed", "os.rename", "os.remove")
"""Kinds of operations behind which the disk is another than before."""

ALL = (*FEW, "statement", "sync", "write", "open", "os.mkdir")
"""And those within which something may be half done."""


class DeadlyDisk(BrokenDisk):
    """Counts the operations in the folders as a broken disk does; where that would fail, the process is killed."""

    def touch(self, kind: str, half: Callable[[], None] | None = None) -> None:
        """One more operation of the kind; `half` is what is left of it where it is the last."""
        if self._fault == Fault(kind, self.done[kind]):
            if half:
                half()
            os.kill(os.getpid(), signal.SIGKILL)
        super().touch(kind, half)


def done_until(home: Home, task: Callable[[Home], Any], fault: Fault | None = None) -> Counter[str] | None:
    """A task in another process, which dies at the operation where there is one: how many operations it did of each
    kind, None where it died."""
    asked = Asked(_do, home, task, fault)
    try:
        done = asked.answer()
    except EOFError:
        asked.process.join()
        assert asked.process.exitcode == -signal.SIGKILL
        return None
    assert isinstance(done, Counter), done
    return done


def _do(answer: Connection, home: Home, task: Callable[[Home], Any], fault: Fault | None) -> None:
    stop_the_clock()
    disk = DeadlyDisk([home.path, home.price_tables], fault)
    disk.insert()
    try:
        task(home)
    except BaseException as error:
        answer.send(repr(error))
        raise
    answer.send(disk.done)
