"""What is done in several passes, so that memory does not grow with the month, comes to the same as what is done in one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from pipelines.documents import gather
from pipelines.operations.verify import verify_month
from pipelines.stages import bill, load, proof
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.homes import Home, make_home
from tests.pipelines.test_documents import issued_home, make, tree
from tests.support import run_stages, scratch

APRIL = "2026-04"


@pytest.fixture(scope="module")
def issued() -> Iterator[Home]:
    """April is issued, without documents as yet. Nobody changes it."""
    with scratch() as folder:
        yield issued_home(folder)


@pytest.fixture(scope="module")
def drafted() -> Iterator[Home]:
    """April is run, with usage of four of five accounts."""
    with scratch() as folder:
        home = make_home(folder)
        home.traffic([APRIL], records=60)
        run_stages(home.path, home.price_tables, [APRIL])
        yield home


@pytest.mark.parametrize(
    ("rows_a_pass", "passes"),
    [
        pytest.param(1, 5, id="a pass an account"),
        pytest.param(20, 3, id="two accounts a pass"),
        pytest.param(40, 2, id="two passes"),
    ],
)
def test_an_account_at_the_border_of_two_passes_is_billed_once(
    drafted: Home, monkeypatch: pytest.MonkeyPatch, rows_a_pass: int, passes: int
) -> None:
    with Warehouse.open(drafted.installation) as warehouse:
        session, files = Session(drafted.installation, warehouse), warehouse.month_files
        assert 60 < files.open_part("rated_usage", APRIL).rows < 80
        bill.make_lines(session, APRIL)
        assert len(files.paths("bill_lines", [APRIL])) == 1
        in_one = files.scan("bill_lines", [APRIL]).collect()
        monkeypatch.setattr(bill, "ROWS_A_PASS", rows_a_pass)
        bill.make_lines(session, APRIL)
        assert len(files.paths("bill_lines", [APRIL])) == passes
        assert files.scan("bill_lines", [APRIL]).collect().equals(in_one)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_proof_is_the_same_for_hashes_of_a_few_rows_at_once(
    issued: Home, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(proof, "HASH_ROWS", rows)
    with Warehouse.open(issued.installation) as warehouse:
        found = verify_month(Session(issued.installation, warehouse), APRIL)
    assert (found["findings"], found["documents"]) == ([], 4)


def test_files_that_are_loaded_in_transactions_of_their_own_are_the_same(
    drafted: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "COMMIT_ROWS", 0)
    home = make_home(tmp_path)
    home.traffic([APRIL], records=60)
    alone = run_stages(home.path, home.price_tables, [APRIL]).tables
    together = run_stages(drafted.path, drafted.price_tables, [APRIL]).tables
    assert alone["usage_files"].height == 4
    for name in ("usage_files", "rated_usage", "bill_lines", "bills"):
        loaded_at = pl.selectors.by_name("loaded_at", require_all=False)
        assert alone[name].drop(loaded_at).equals(together[name].drop(loaded_at)), name


@pytest.mark.parametrize("size", ["ROWS_A_PASS", "DOCUMENTS_A_PASS"])
def test_documents_that_are_gathered_one_by_one_are_the_same(
    issued: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    gathered = {}
    for name, at_once in (("together", None), ("alone", 1)):
        home = Home(Path(shutil.copytree(issued.path, tmp_path / name)), issued.price_tables)
        if at_once:
            monkeypatch.setattr(gather, size, at_once)
        make(home)
        gathered[name] = tree(home)
    assert sum(path.endswith(".pdf") for path in gathered["alone"]) == 4
    assert gathered["alone"] == gathered["together"]
