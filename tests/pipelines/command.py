"""The command line as tests call it: in this process, or as a process of its own."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from pipelines.cli import cli, guarded

PROGRAM = str(Path(sys.executable).with_name("callbill"))


@dataclass(frozen=True)
class Said:
    """What a command came to: its exit status, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def result(self) -> Any:
        """The JSON that it printed."""
        return json.loads(self.out)


def call(*arguments: str) -> Said:
    """The command in this process; the environment is afterwards what it was."""
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.dict(os.environ), redirect_stdout(out), redirect_stderr(err):
        status = guarded(lambda: cli.main(list(arguments), standalone_mode=False))
    return Said(status, out.getvalue(), err.getvalue())


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """The command as a process of its own, with more environment."""
    return subprocess.Popen(
        [PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        preexec_fn=_as_from_a_terminal,
    )


def _as_from_a_terminal() -> None:
    """Ctrl-C reaches the process, also where these tests run in the background of a shell, which turns it off."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ended(process: subprocess.Popen[str], timeout: float = 120) -> Said:
    """What the process came to; it is killed where it takes too long."""
    with process:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Said(process.returncode, out, err)
