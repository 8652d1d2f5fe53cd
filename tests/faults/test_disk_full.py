"""A disk that is full: a sentence, an exit status that is not 0, and with room again as if nothing had happened."""

from __future__ import annotations

import pytest

from tests.faults.victims import Traces, command_on_full_disk, readable_or_absent, run
from tests.pipelines.homes import Home


@pytest.mark.parametrize(
    ("largest", "says"),
    [
        (2_000, "warehouse.duckdb: cannot be opened"),
        (100_000, "dagster: the run history cannot be written"),
        (600_000, "stage published stopped, nothing of it was kept"),
    ],
)
def test_disk_full(home: Home, undisturbed: Traces, largest: int, says: str) -> None:
    said = command_on_full_disk(home, "2026-04", largest)
    assert (said.status, said.out) == (2, "")
    assert says in said.err
    assert "Traceback" not in said.err
    readable_or_absent(home)
    assert run(home) == 0
    assert Traces.of(home) == undisturbed
