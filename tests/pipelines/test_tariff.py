"""Which prices a month is billed by: a tariff that is named, told with every result, and never changed in silence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipelines.errors import BadInput
from pipelines.reference.tariff import tariff
from pipelines.settings import Installation
from tests.pipelines.command import Said, call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.test_issue import issue, rows, run
from tests.pipelines.traffic import CALL

APRIL, MAY = "2026-04", "2026-05"
HIGHER = "default_eur,France,0.024000,0,1,1,2026-04-01"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a call to France in April, at 0.012 a minute."""
    home = make_home(tmp_path)
    home.usage("a.csv", [CALL])
    return home


def unnamed(home: Home, *command: str) -> Said:
    """The command where nothing names a tariff."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CALLBILL_PRICE_TABLES", raising=False)
        return call(*command, "--home", str(home.path))


@pytest.mark.parametrize(
    "command",
    [
        ("run", APRIL),
        ("issue", APRIL, "--yes"),
        ("correct", APRIL),
        ("simulate", APRIL),
        ("check",),
        ("recycle",),
        ("explain", "2026-04:A2"),
        ("ui", "--port", "1"),
    ],
    ids=lambda command: command[0],
)
def test_what_needs_prices_needs_a_named_tariff(home: Home, command: tuple[str, ...]) -> None:
    run(home, APRIL)
    if command[0] == "recycle":
        home.usage("b.csv", [CALL | {"record_id": "lost", "to_number": "+99912345"}])
        run(home, APRIL)
    said = unnamed(home, *command)
    assert said.status == 2
    assert "no tariff is named: set [prices] folder in" in said.err
    assert "--price-tables DIR or $CALLBILL_PRICE_TABLES" in said.err
    assert not rows(home, "SELECT 1 FROM bills WHERE status = 'issued'")


@pytest.mark.parametrize("command", [("suspense",), ("statement", "A2"), ("overdue",), ("outbox",)], ids=lambda c: c[0])
def test_what_needs_no_prices_needs_no_tariff(home: Home, command: tuple[str, ...]) -> None:
    run(home, APRIL)
    assert unnamed(home, *command).status == 0


def test_the_settings_name_it_beside_the_home_and_option_and_environment_go_before(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CALLBILL_PRICE_TABLES", raising=False)
    home.settings('[billing]\nfirst_month = "2026-04"\n[prices]\nfolder = "../prices"\n')
    assert Installation.find(home.path).price_tables == home.path / "../prices"
    assert unnamed(home, "run", APRIL).status == 0
    monkeypatch.setenv("CALLBILL_PRICE_TABLES", str(tmp_path / "environment"))
    assert Installation.find(home.path).price_tables == tmp_path / "environment"
    assert Installation.find(home.path, tmp_path / "option").price_tables == tmp_path / "option"


def test_no_tariff_is_guessed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALLBILL_PRICE_TABLES", raising=False)
    installation = Installation.find(home.path)
    assert installation.tariff is None
    with pytest.raises(BadInput, match="no tariff is named"):
        _ = installation.price_tables


def test_run_check_and_issue_tell_it(home: Home) -> None:
    sha256 = tariff(home.installation).sha256
    line = f"Tariff: {home.price_tables} (SHA-256 {sha256[:12]})\n"
    facts = {"folder": str(home.price_tables), "sha256": sha256}
    assert line in call("run", APRIL, *home.arguments).out
    assert call("run", APRIL, "--json", *home.arguments).result["tariff"] == facts
    assert line in call("check", *home.arguments).out
    assert call("check", "--json", *home.arguments).result["tariff"] == facts
    assert line in call("issue", APRIL, "--yes", *home.arguments).out


def test_its_hash_is_that_of_its_content_wherever_it_lies(home: Home, tmp_path: Path) -> None:
    before = tariff(home.installation)
    shutil.copytree(home.price_tables, tmp_path / "copy")
    assert tariff(Installation.find(home.path, tmp_path / "copy")).sha256 == before.sha256
    (tmp_path / "copy" / "sms_inbound.csv").unlink()
    assert tariff(Installation.find(home.path, tmp_path / "copy")).sha256 != before.sha256


def test_drafts_of_other_prices_are_not_issued(home: Home) -> None:
    run(home, APRIL)
    home.add("voice_outbound", HIGHER)
    said = call("issue", APRIL, "--yes", *home.arguments)
    assert said.status == 2
    assert "2026-04 was run by another tariff: 1 price differs (voice_outbound 1)" in said.err
    assert "--new-tariff" in said.err
    with pytest.raises(BadInput, match="was run by another tariff"):
        issue(home, APRIL)
    assert not rows(home, "SELECT 1 FROM bills WHERE status = 'issued'")


def test_with_new_tariff_the_month_is_run_again_before_it_is_issued(home: Home) -> None:
    run(home, APRIL)
    home.add("voice_outbound", HIGHER)
    assert call("issue", APRIL, "--yes", "--new-tariff", *home.arguments).status == 0
    charges = {unit for (unit,) in rows(home, "SELECT unit_price FROM bill_lines WHERE kind = 'voice'")}
    assert [str(charge) for charge in charges] == ["0.024000"]


def test_prices_that_start_later_change_nothing_of_the_month(home: Home) -> None:
    run(home, APRIL)
    home.add("voice_outbound", HIGHER.replace("2026-04-01", "2026-05-01"))
    assert call("issue", APRIL, "--yes", *home.arguments).status == 0
    assert call("correct", APRIL, *home.arguments).status == 0


def test_another_month_that_was_run_by_other_prices_is_not_mixed_up(home: Home) -> None:
    run(home, APRIL)
    home.add("voice_outbound", HIGHER)
    run(home, MAY)
    assert call("issue", APRIL, "--yes", *home.arguments).status == 2


def test_a_month_is_not_corrected_by_another_tariff_in_silence(home: Home) -> None:
    run(home, APRIL)
    issue(home, APRIL)
    home.add("voice_outbound", HIGHER)
    for options in ((), ("--issue",)):
        said = call("correct", APRIL, *options, *home.arguments)
        assert said.status == 2
        assert "2026-04 was issued by another tariff: 1 price differs (voice_outbound 1)" in said.err
        assert said.err.endswith("To correct the month by these prices: --new-tariff\n")
    assert not rows(home, "SELECT 1 FROM correction_notes")
    found = call("correct", APRIL, "--issue", "--new-tariff", "--json", *home.arguments)
    assert (found.status, len(found.result["notes"])) == (0, 1)
    again = call("correct", APRIL, "--json", *home.arguments)
    assert (again.status, again.result["accounts"]) == (0, [])


def test_a_price_that_is_gone_differs_too(home: Home) -> None:
    run(home, APRIL)
    issue(home, APRIL)
    (home.price_tables / "sms_inbound.csv").unlink()
    said = call("correct", APRIL, *home.arguments)
    assert "2 prices differ (sms_inbound 2)" in said.err


def test_the_proof_says_by_which_files_it_was_issued(home: Home) -> None:
    run(home, APRIL)
    issue(home, APRIL)
    proof = json.loads((home.path / "issued" / "2026-04.json").read_text("utf-8"))
    files = tariff(home.installation).files
    assert {name: proof["issues"][0]["inputs"][name] for name in files} == files
