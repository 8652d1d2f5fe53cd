"""What can go wrong for a person, and the exit status it has. Their words are complete sentences; no traceback."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipelines.version import described


class CallbillError(Exception):
    """Something a person can mend. `exit_status` as in docs/commands.md."""

    exit_status = 2


class BadInput(CallbillError):
    """Unusable settings, reference or price files, or a wrong call: one sentence a problem."""

    def __init__(self, problems: Sequence[str] | str):
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class ControlFailed(CallbillError):
    """A control did not hold: nothing was published."""

    exit_status = 1


class LockHeld(CallbillError):
    """Another run has the warehouse."""

    exit_status = 3


class CommitFailed(CallbillError):
    """A COMMIT that was reported as failed: what it wrote may be there all the same."""


class Interrupted(CallbillError):
    """A person's Ctrl-C, wherever it struck."""

    exit_status = 130

    def __init__(self) -> None:
        super().__init__("interrupted; what was finished stays, and a new run goes on from there")


def is_interruption(error: BaseException) -> bool:
    """Whether `error` is a Ctrl-C: Python's own, Dagster's, DuckDB's of one that struck within a query, or DuckDB's
    refusal to go on after a query whose interruption got lost."""
    return (
        isinstance(error, KeyboardInterrupt)
        or type(error).__name__ == "DagsterExecutionInterruptedError"
        or (type(error) is RuntimeError and str(error) == "Query interrupted")
        or (isinstance(error, duckdb.TransactionException) and "aborted" in str(error))
        or (isinstance(error, duckdb.Error) and "Interrupt" in str(error))
    )


def describe(error: BaseException) -> str:
    """An error in a line: what the system says of files and memory is quoted, anything else is a `fault`."""
    of_the_system = isinstance(error, OSError | duckdb.IOException | duckdb.OutOfMemoryException)
    # How DuckDB tells of a disk that is full or broken when it commits.
    at_commit = isinstance(error, duckdb.TransactionException) and "Failed to commit: Could not " in str(error)
    if of_the_system or at_commit:
        return " ".join(str(error).split())
    quoted = _OF_THE_SYSTEM.search(str(error))
    return quoted[0] if quoted else fault(error)


_OF_THE_SYSTEM = re.compile(r"[A-Z][a-z/ -]+ \(os error \d+\)|fsync failed")
"""What Polars and DuckDB quote of the system, whatever kind of error they make of it."""


def of_one(error: Exception) -> str:
    """Why one of many items cannot be made while the others are: what BadInput says, else a `fault`. Raises `error` again
    where it concerns every item: it is of the system, of the database, or a person's."""
    if isinstance(error, BadInput):
        return str(error)
    if isinstance(error, OSError | MemoryError | duckdb.Error | CallbillError) or is_interruption(error):
        raise error
    return fault(error)


def fault(error: BaseException) -> str:
    """An error of callbill itself in one line: its kind and where it arose, never what it says: that may quote data."""
    places = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if "site-packages" not in frame.filename or frame.filename.startswith(_OWN)
    ]
    what = f"{type(error).__qualname__} at {' < '.join(reversed(places[-3:])) or '?'} (callbill {described()})"
    return f"a fault of callbill itself, please report this line: {what}"


_OWN = tuple(str(Path(__file__).parents[1] / package) + os.sep for package in ("pipelines", "transforms"))
"""Where callbill's own code lies, which is site-packages where it was installed."""
