"""What proves an issue: the numbers, totals and receipts of that issue alone; and no issue follows a proof that was edited."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import BadInput
from pipelines.stages.proof import require_known
from pipelines.storage.session import Session
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.bookkeeping import APRIL, MAY, calling_home, issue, rows, run
from tests.pipelines.command import call
from tests.pipelines.homes import Home, copy_of

Issues = list[dict[str, Any]]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """April is issued in two parts, each after a top-up that was new; A3 was held back from the first. May is run only."""
    home = calling_home(tmp_path_factory.mktemp("proofs"))
    run(home, APRIL)
    assert call("park", APRIL, "A3", "--reason", "in doubt", "--by", "Ann", *home.arguments).status == 0
    issue(home, APRIL)
    assert call("release", APRIL, "A3", "--reason", "settled", "--by", "Ann", *home.arguments).status == 0
    home.add("credits", "C5,A5,top_up,7.00,EUR,2026-04-20T10:00:00Z,P5")
    run(home, APRIL)
    issue(home, APRIL)
    run(home, MAY)
    return home


@pytest.fixture
def home(original: Home, tmp_path: Path) -> Home:
    """A copy to lay hands on."""
    return copy_of(original, tmp_path)


def proofs(home: Home, month: str) -> Issues:
    issues: Issues = json.loads((home.path / "issued" / f"{month}.json").read_text("utf-8"))["issues"]
    return issues


def edit(home: Home, change: Callable[[Issues], object]) -> None:
    path = home.path / "issued" / f"{APRIL}.json"
    content = json.loads(path.read_text("utf-8"))
    change(content["issues"])
    path.write_text(json.dumps(content), encoding="utf-8")


def test_each_part_tells_its_own_numbers_and_documents(original: Home) -> None:
    names = ("month", "part", "first_number", "last_number", "documents")
    assert [tuple(found[name] for name in names) for found in proofs(original, APRIL)] == [
        (APRIL, 1, "2026-000001", "2026-000004", 4),
        (APRIL, 2, "2026-000005", "2026-000005", 1),
    ]


def test_each_part_tells_the_totals_of_its_own_bills(original: Home) -> None:
    query = (
        "SELECT sum(total_owed)::VARCHAR FROM bills WHERE billing_month = '2026-04' AND currency = 'EUR' "
        "GROUP BY account_id = 'A3' ORDER BY account_id = 'A3'"
    )
    found = [part["totals"]["EUR"]["total_owed"] for part in proofs(original, APRIL)]
    assert found == [owed for (owed,) in rows(original, query)]


def test_receipts_belong_to_the_part_after_which_they_came(home: Home) -> None:
    """C1 and C2 were there before the first part, C5 before the second; May has none of its own."""
    issue(home, MAY)
    receipts = [part["tables"]["receipts"]["rows"] for month in (APRIL, MAY) for part in proofs(home, month)]
    assert receipts == [2, 1, 0]
    for month in (APRIL, MAY):
        said = call("verify", month, *home.arguments)
        assert (said.status, said.err) == (0, "")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda issues: issues[0].update(documents=5), id="the count of one issue"),
        pytest.param(lambda issues: issues[-1].update(last_number="2026-000009"), id="a number of the last issue"),
        pytest.param(lambda issues: issues[0]["tables"]["bills"].update(sha256="0" * 64), id="a hash"),
        pytest.param(lambda issues: issues.pop(0), id="the first issue gone"),
        pytest.param(lambda issues: issues.reverse(), id="another order"),
        pytest.param(lambda issues: issues.append(issues[-1] | {"part": 3}), id="an issue more"),
    ],
)
def test_nothing_is_issued_after_a_proof_that_was_edited(home: Home, change: Callable[[Issues], object]) -> None:
    edit(home, change)
    with pytest.raises(BadInput, match=r"2026-04\.json tells of issues that the warehouse does not know"):
        issue(home, MAY)
    assert not (home.path / "issued" / f"{MAY}.json").exists()
    assert rows(home, "SELECT DISTINCT status FROM bills WHERE billing_month = '2026-05'") == [("draft",)]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: None, id="as it was"),
        pytest.param(lambda issues: issues.pop(), id="the last issue not written yet"),
        pytest.param(lambda issues: issues.clear(), id="no issue written yet"),
    ],
)
def test_a_proof_that_a_killed_run_left_behind_stops_nothing(home: Home, change: Callable[[Issues], object]) -> None:
    edit(home, change)
    with Warehouse.open(home.installation) as warehouse:
        require_known(Session(home.installation, warehouse))
