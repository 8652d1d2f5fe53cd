"""Dagster's servers as `callbill ui` starts them: those of `dagster dev`, its web server behind the guard.

Run as a module it takes the arguments of `dagster`, and from there once more those of `dagster-webserver`. Nothing of
callbill's own is served.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import click

from pipelines.errors import BadInput, CallbillError


def require_free(port: int) -> None:
    """Raises BadInput where nothing can listen on that port of 127.0.0.1."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
            sock.listen()
        except OSError as error:
            raise BadInput(f"127.0.0.1:{port} is not free ({error.strerror}): name another port with --port") from None


def in_our_place(command: Sequence[str]) -> list[str]:
    """The command by which `dagster dev` starts a process, ours for the web server. Raises CallbillError where Dagster
    starts another process than those two it is known to: one of them could serve without the guard."""
    match command:
        case [python, "-m", "dagster_webserver", *arguments]:
            return [python, "-m", "pipelines.orchestration.serving", *arguments]
        case [_, "-m", "dagster._daemon", *_]:
            return list(command)
    raise CallbillError("this version of Dagster starts its web server in another way: the UI would be unguarded")


def serve_dagster() -> None:
    """`dagster`, whose `dev` starts the guarded web server."""
    from dagster import _cli
    from dagster._cli import dev

    _put_around(dev, "open_ipc_subprocess", lambda start: lambda command, **more: start(in_our_place(command), **more))
    _cli.main()  # type: ignore[no-untyped-call]


def serve_web() -> None:
    """`dagster-webserver`, guarded."""
    from dagster_webserver import cli

    from pipelines.orchestration.guard import Guard

    _put_around(
        cli, "create_app_from_workspace_process_context", lambda make: lambda *what, **more: Guard(make(*what, **more))
    )
    cli.main()  # type: ignore[no-untyped-call]


def _put_around(module: ModuleType, name: str, around: Callable[[Any], Any]) -> None:
    """Has Dagster's module use `around(what it has)` by that name. Raises AttributeError where it has none."""
    setattr(module, name, around(getattr(module, name)))


if __name__ == "__main__":
    try:
        serve_dagster() if sys.argv[1:2] == ["dev"] else serve_web()
    except CallbillError as error:
        click.echo(f"callbill: {error}", err=True)
        sys.exit(error.exit_status)
