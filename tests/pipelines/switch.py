"""Homes with files of the format `switch`, which only tests know; and recycling without Dagster."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest

from pipelines.operations import recycle as recycling
from pipelines.operations import run as running
from pipelines.storage.session import Session, Silent
from tests.pipelines.homes import Home
from tests.support import run_month
from transforms.mediation import formats

SETTINGS = '[billing]\nfirst_month = "2026-04"\n'
RIGHT = {"time_zone": "Europe/Paris", "country": "FR"}


@contextmanager
def switch_format() -> Iterator[None]:
    """Within the block callbill knows the format of `tests.pipelines.formats.switch`."""
    folder = str(Path(__file__).parent / "formats")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formats, "__path__", [*formats.__path__, folder])
        yield


def settings(home: Home, **source: str) -> None:
    """Writes callbill.toml with these settings of the switch."""
    lines = "".join(f'{name} = "{value}"\n' for name, value in source.items())
    home.settings(f"{SETTINGS}[source.switch]\n{lines}")


def calls(home: Home, name: str, rows: Iterable[tuple[Any, ...]]) -> Path:
    """Writes a file of the switch: id, part, caller, called, start, seconds."""
    text = "id,part,caller,called,start,seconds\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    return home.raw(f"switch/{name}", text)


def recycle(home: Home, source: str | None = None) -> dict[str, Any]:
    """What `callbill recycle` does, with the stages run as tests run them; every control passes."""
    with without_dagster():
        return recycling.recycle_months(home.installation, Silent(), source=source)


def run_alone(home: Home, month: str) -> dict[str, Any]:
    """What `callbill run` does, likewise."""
    with without_dagster():
        return running.run_month(home.installation, month, Silent())


@contextmanager
def without_dagster() -> Iterator[None]:
    """Within the block commands run the stages of a month as tests do; every control passes."""

    def run(session: Session, name: str) -> None:
        failed = run_month(session, name).filter(~pl.col("passed"))
        assert failed.is_empty(), failed

    with pytest.MonkeyPatch.context() as patch, mock.patch.dict(os.environ):
        for module in (running, recycling):
            patch.setattr(module, "materialize", run)
        yield
