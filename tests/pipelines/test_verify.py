"""Every way in which somebody or something may touch an issued month is found by `callbill verify`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.errors import BadInput
from pipelines.operations.verify import verify_month
from pipelines.stages.issue import issue_month
from pipelines.stages.publish import publish
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.command import call
from tests.pipelines.homes import Home, copy_of, make_home
from tests.support import run_month

MONTHS = ("2026-04", "2026-05")
MONTH = "2026-04"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with two issued months; `before.duckdb` beside it is its warehouse before the first was issued."""
    home = make_home(tmp_path_factory.mktemp("issued"))
    home.traffic(MONTHS, records=60)
    with Warehouse.open(home.installation) as warehouse:
        for month in MONTHS:
            run_month(Session(home.installation, warehouse), month)
    shutil.copy(home.path / "warehouse.duckdb", home.path.parent / "before.duckdb")
    shutil.copy(home.published, home.path.parent / "before-published.duckdb")
    with Warehouse.open(home.installation) as warehouse:
        for month in MONTHS:
            session = Session(home.installation, warehouse)
            issue_month(session, month)
            publish(session, month)
    return home


@pytest.fixture
def home(original: Home, tmp_path: Path) -> Home:
    """A copy to lay hands on."""
    return copy_of(original, tmp_path)


def findings(home: Home) -> list[str]:
    with Warehouse.open(home.installation) as warehouse:
        found: list[str] = verify_month(Session(home.installation, warehouse), MONTH)["findings"]
        return found


def file_of(home: Home, table: str) -> Path:
    return next((home.path / "tables" / table / MONTH).glob("*/*.parquet"))


def rewritten(table: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Home], None]:
    """Rewrites the month's files of a table."""

    def tamper(home: Home) -> None:
        with duckdb.connect(str(home.path / "warehouse.duckdb")) as connection:
            query = "SELECT folder FROM month_files WHERE table_name = ? AND month = ? AND part = 1"
            (folder,) = connection.execute(query, [table, MONTH]).fetchall()[0]
        for path in (home.path / "tables" / folder).glob("*.parquet"):
            frame = pl.read_parquet(path)
            changed = change(frame)
            assert not changed.equals(frame)
            path.chmod(0o600)
            changed.write_parquet(path)

    return tamper


def sql(*statements: str) -> Callable[[Home], None]:
    def tamper(home: Home) -> None:
        with duckdb.connect(str(home.path / "warehouse.duckdb")) as connection:
            for statement in statements:
                connection.execute(statement)

    return tamper


def proof(change: Callable[[dict[str, Any]], object]) -> Callable[[Home], None]:
    def tamper(home: Home) -> None:
        path = home.path / "issued" / f"{MONTH}.json"
        content = json.loads(path.read_text("utf-8"))
        change(content)
        path.write_text(json.dumps(content), encoding="utf-8")

    return tamper


def first_row(column: str, value: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    first = pl.int_range(pl.len()) == 0
    return lambda frame: frame.with_columns(pl.when(first).then(value).otherwise(pl.col(column)).alias(column))


def delete_a_file(home: Home) -> None:
    file_of(home, "rated_usage").unlink()


def cut_a_file(home: Home) -> None:
    path = file_of(home, "rated_usage")
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-40])


def restore_the_warehouse(home: Home) -> None:
    shutil.copy(home.path.parent / "before.duckdb", home.path / "warehouse.duckdb")


def restore_the_publication(home: Home) -> None:
    shutil.copy(home.path.parent / "before-published.duckdb", home.published)


def lose_the_publication(home: Home) -> None:
    home.published.unlink()


AMOUNT = pl.col("amount").add(1).cast(pl.Decimal(18, 4))
KINDS: dict[str, Callable[[Home], None]] = {
    "a bill's amount": rewritten("bills", first_row("net_amount", pl.col("net_amount").add(1).cast(pl.Decimal(18, 4)))),
    "a bill's number": rewritten("bills", first_row("bill_number", pl.lit("2026-000900"))),
    "two bills' numbers": rewritten("bills", lambda frame: frame.with_columns(pl.col("bill_number").reverse())),
    "a bill gone": rewritten("bills", lambda frame: frame.tail(-1)),
    "a line's amount": rewritten("bill_lines", first_row("amount", AMOUNT)),
    "a line gone": rewritten("bill_lines", lambda frame: frame.tail(-1)),
    "a charge": rewritten(
        "rated_usage", first_row("charge", pl.lit("0.5").str.to_decimal(scale=10).cast(pl.Decimal(18, 10)))
    ),
    "a number called": rewritten("rated_usage", first_row("other_number", pl.lit("+33"))),
    "a leg twice": rewritten("rated_usage", lambda frame: pl.concat([frame, frame.head(1)])),
    "a fee of another account": rewritten("number_fees", first_row("account_id", pl.lit("A9"))),
    "a file gone": delete_a_file,
    "a file cut": cut_a_file,
    "the folder of another month": sql(
        "UPDATE month_files SET folder = (SELECT folder FROM month_files WHERE table_name = 'bill_lines' AND month = '2026-05') "
        "WHERE table_name = 'bill_lines' AND month = '2026-04'"
    ),
    "a table forgotten": sql("DELETE FROM month_files WHERE table_name = 'number_fees' AND month = '2026-04'"),
    "an issue forgotten": sql("DELETE FROM issues WHERE billing_month = '2026-04'"),
    "an issue retold": sql("UPDATE issues SET document = replace(document, '\"documents\": 5', '\"documents\": 4')"),
    "a posted entry": sql("UPDATE posted_ledger SET amount = amount + 1 WHERE month = '2026-04'"),
    "a posted entry gone": sql("DELETE FROM posted_ledger WHERE month = '2026-04' AND entry_number = 1"),
    "the ledger": sql("UPDATE ledger SET amount = amount + 1 WHERE entry_number = 1"),
    "a receipt": sql("UPDATE receipts SET total_paid = total_paid + 1"),
    "a receipt gone": sql("DELETE FROM receipts WHERE credit_id = 'C1'"),
    "the series set back": sql("UPDATE number_series SET last = last - 1"),
    "the proof's totals": proof(lambda content: content["issues"][0].update(documents=6)),
    "the proof's hash": proof(lambda content: content["issues"][0]["tables"]["bills"].update(sha256="0" * 64)),
    "the proof emptied": proof(lambda content: content.update(issues=[])),
    "an old warehouse": restore_the_warehouse,
    "an old publication": restore_the_publication,
    "no publication": lose_the_publication,
}


def test_what_nobody_touched_is_as_it_was(home: Home) -> None:
    assert findings(home) == []


def test_the_order_of_rows_in_a_file_is_no_finding(home: Home) -> None:
    for table in ("bills", "bill_lines", "number_fees", "rated_usage"):
        rewritten(table, lambda frame: frame.reverse())(home)
    assert findings(home) == []


@pytest.mark.parametrize("kind", KINDS)
def test_found(home: Home, kind: str) -> None:
    KINDS[kind](home)
    assert findings(home) != []


def test_the_command_says_what_is_wrong(home: Home) -> None:
    KINDS["a bill gone"](home)
    said = call("verify", MONTH, *home.arguments)
    assert (said.status, said.out) == (1, "")
    assert "callbill: bills of 2026-04, issue 1: 5 rows were issued, 4 are there\n" in said.err


@pytest.mark.parametrize("content", [None, "", "[]", '{"issues": 1}'])
def test_a_proof_that_is_none(home: Home, content: str | None) -> None:
    path = home.path / "issued" / f"{MONTH}.json"
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=r"2026-04\.json"):
        findings(home)


def test_a_warehouse_that_is_cut(home: Home) -> None:
    path = home.path / "warehouse.duckdb"
    path.write_bytes(path.read_bytes()[:20_000])
    said = call("verify", MONTH, *home.arguments)
    assert said.status in (1, 2)
    assert "Traceback" not in said.err


def test_a_month_that_is_not_issued(home: Home) -> None:
    said = call("verify", "2026-06", *home.arguments)
    assert said.status == 2
    assert "2026-06" in said.err
