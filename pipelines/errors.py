"""What can go wrong for a person, and the exit status it has. Their words are complete sentences; no traceback."""

from __future__ import annotations

from collections.abc import Sequence


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
