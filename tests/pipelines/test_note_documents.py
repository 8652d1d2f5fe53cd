"""What credit and debit notes itemise: the records whose charge they change, which add up to the note, and nothing else."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.test_issue import issue, rows, run
from tests.pipelines.traffic import CALL, MESSAGE, standard_records
from tests.unit.pipelines.documents.reading import pages, squeezed

APRIL = "2026-04"
SETTINGS = """\
[billing]
first_month = "2026-04"
time_zone = "Europe/Paris"
[issue]
suspense_percent = 100
median_multiple = 1000
[seller]
name = "Exemple Télécom SAS"
address = "12 rue de l'Exemple"
postcode = "75002"
city = "Paris"
vat_number = "FR44732829320"
registration = "732829320"
"""
CHEAPER = "default_eur,France,0.010000,0,1,1,2026-04-01"
FRANCE, MOBILE, BRITAIN = "+33145000001", "+33639980001", "+442079460123"
D = Decimal


def calls() -> list[dict[str, str]]:
    """Of A2: calls to France, of which the prices will change, beside as many that stay as they are."""
    found = []
    for at, (other, seconds) in enumerate([(FRANCE, 83), (FRANCE, 127), (FRANCE, 0), (MOBILE, 600), (BRITAIN, 75)] * 3):
        said = {"record_id": f"c{at}", "to_number": other, "started_at": f"2026-04-{at + 1:02}T10:00:00Z"}
        said["status"] = "answered" if seconds else "no_answer"
        found.append(CALL | said | {"duration_seconds": f"{seconds}"})
    return [*found, MESSAGE | {"record_id": "m1"}]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """April is issued."""
    return issued_home(tmp_path, calls())


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str, str]:
    """The same with two notes, one after the other: calls to France became cheaper, and then dearer than they had been."""
    home = issued_home(tmp_path_factory.mktemp("notes"), calls())
    home.add("voice_outbound", CHEAPER)
    (first,) = correct(home)
    home.edit("voice_outbound", CHEAPER, CHEAPER.replace("0.010000", "0.020000"))
    (second,) = correct(home)
    return home, first, second


def issued_home(folder: Path, records: list[dict[str, str]], more: str = "") -> Home:
    home = make_home(folder)
    home.settings(SETTINGS + more)
    home.usage("a.csv", records)
    run(home, APRIL)
    issue(home, APRIL)
    return home


def correct(home: Home) -> list[str]:
    """Issues notes and makes their documents; returns their numbers."""
    before = {number for (number,) in rows(home, "SELECT note_number FROM correction_notes")}
    said = call("correct", APRIL, "--new-tariff", "--issue", "--reason", "A wrong price.", *home.arguments)
    assert (said.status, said.err) == (0, "")
    made = call("documents", APRIL, *home.arguments)
    assert (made.status, made.err) == (0, ""), made.err
    return sorted({number for (number,) in rows(home, "SELECT note_number FROM correction_notes")} - before)


def itemised(home: Home, number: str) -> list[dict[str, str]]:
    with (home.path / "documents" / APRIL / "notes" / f"{number}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def page_of(home: Home, number: str) -> str:
    content = (home.path / "documents" / APRIL / "notes" / f"{number}.pdf").read_bytes()
    return " ".join(pages(content))


def net_of(home: Home, number: str) -> Decimal:
    return D(rows(home, f"SELECT net_amount FROM correction_notes WHERE note_number = '{number}'")[0][0])


def total(items: list[dict[str, str]]) -> Decimal:
    return sum((D(item["difference"]) for item in items), D(0))


def test_a_note_itemises_what_it_changes_and_nothing_else(noted: tuple[Home, str, str]) -> None:
    home, number, _ = noted
    items = itemised(home, number)
    # 83 s at 0.012 a minute is 0.0166, 127 s 0.0254; at 0.01 they are 0.0138333333 and 0.0211666667.
    charges = {
        0: ("0.0166000000", "0.0138333333", "-0.0027666667"),
        1: ("0.0254000000", "0.0211666667", "-0.0042333333"),
    }
    assert [tuple(item[name] for name in ("record_id", *CHANGES)) for item in items[:-1]] == [
        (f"c{start + at}", *charges[at]) for start in (0, 5, 10) for at in (0, 1)
    ]
    # The line of 0.126 was 0.13, that of 0.105 is 0.11: a cent more is left than the records say.
    assert (items[-1]["service"], items[-1]["difference"]) == ("rounding", "0.0010000000")
    assert total(items) == net_of(home, number) == D("-0.02")


def test_its_page_has_the_changes_and_their_total_and_no_chart(noted: tuple[Home, str, str]) -> None:
    home, number, _ = noted
    said = page_of(home, number)
    assert "Spend per day" not in said
    assert "What changes, record by record" in said
    said = squeezed(said)
    assert said.count("+33145000001") == 6
    assert "+33639980001" not in said
    first = "1 Apr 2026 12:00:00 Call out +33184000003 +33145000001 France 0.0166000000 0.0138333333 −0.0027666667"
    assert squeezed(first) in said
    assert squeezed("Rounding of the lines 0.0010000000 Total without VAT −0.02") in said


def test_a_second_note_itemises_what_is_other_than_after_the_first(noted: tuple[Home, str, str]) -> None:
    home, _, second = noted
    items = itemised(home, second)
    assert {(item["charge_before"], item["charge_now"]) for item in items if item["record_id"]} == {
        ("0.0138333333", "0.0276666667"),
        ("0.0211666667", "0.0423333333"),
    }
    assert total(items) == net_of(home, second) == D("0.10")


def test_records_that_came_and_that_went(home: Home) -> None:
    """A number was somebody else's: its calls leave one account, and come to another."""
    held = "+33184000003,A2,FR,geographic,false,2026-02-01,"
    home.edit("numbers", held, held.replace("A2", "A3"))
    gone, came = correct(home)
    left, arrived = itemised(home, gone), itemised(home, came)
    assert {item["charge_now"] for item in left} == {""}
    assert {item["charge_before"] for item in arrived} == {""}
    # Calls that were not answered make no line, and none that came or went.
    assert len([item for item in left if item["record_id"]]) == 13
    assert [item["own_number"] for item in left if item["service"] == "number_fee"] == ["+33184000003"]
    assert [total(left), total(arrived)] == [net_of(home, gone), net_of(home, came)]
    assert "Numberfee+33184000003−1.0000" in squeezed(page_of(home, gone))


def test_an_account_that_now_pays_in_another_currency(home: Home) -> None:
    home.edit(
        "accounts",
        "A2,Garage,a2@example.com,FR,,postpaid,direct_debit,EUR",
        "A2,Garage,a2@example.com,FR,,postpaid,direct_debit,USD",
    )
    home.add("number_fees", "default_usd,FR,geographic,1.100000,none,2025-01-01")
    home.reference("exchange_rates", "currency,rate,valid_from\nUSD,1.1,2026-01-01\n")
    back, anew = correct(home)
    assert {item["currency"] for item in itemised(home, back)} == {"EUR"}
    assert {item["currency"] for item in itemised(home, anew)} == {"USD"}
    assert [total(itemised(home, number)) for number in (back, anew)] == [net_of(home, back), net_of(home, anew)]


def test_a_note_over_a_number_fee_alone_has_no_itemisation(home: Home) -> None:
    home.add("number_fees", "default_eur,FR,geographic,2.000000,none,2026-04-01")
    for number in correct(home):
        assert not (home.path / "documents" / APRIL / "notes" / f"{number}.csv").exists()
        assert "What changes" not in page_of(home, number)


def test_more_changes_than_the_page_has_room_for_are_in_the_csv(tmp_path: Path) -> None:
    home = issued_home(tmp_path, calls(), "[documents]\nannex_records = 5\nlanguage = 'fr'\n")
    home.add("voice_outbound", CHEAPER)
    (number,) = correct(home)
    said = page_of(home, number)
    assert "Les 6 enregistrements dont le prix change sont détaillés dans le fichier CSV de ce document." in said
    assert "Détail des changements" not in said
    assert len(itemised(home, number)) == 7


def test_notes_that_follow_one_another_always_add_up(tmp_path: Path) -> None:
    home = issued_home(tmp_path, list(standard_records(APRIL, 90)))
    charged = {row[:2]: row[2] for row in rows(home, LEGS.format("rated_usage", "true"))}
    held = "+33184000004,A3,FR,geographic,false,2026-02-01,"
    fee = "default_eur,France,0.012000,0.003000,1,1,2026-04-01"
    for change in (
        lambda: home.add("voice_outbound", fee, "default_eur,France mobile,0.031700,0,30,6,2026-04-01"),
        lambda: home.edit("numbers", held, held.replace("A3", "A2")),
        lambda: home.edit("voice_outbound", fee, fee.replace("0.003000", "0.003001")),
        lambda: home.add("sms_inbound", "default_eur,0.007777,2026-04-01"),
        lambda: home.edit("numbers", held.replace("A3", "A2"), held),
    ):
        change()
        for number, account in numbered(home, correct(home)):
            now = {row[:2]: row[2] for row in rows(home, LEGS.format("corrected_usage", f"note_number = '{number}'"))}
            before = {key: charge for key, charge in charged.items() if key[0] == account}
            other = {key[1] for key in now.keys() | before.keys() if now.get(key, 0) != before.get(key, 0)}
            path = home.path / "documents" / APRIL / "notes" / f"{number}.csv"
            items = itemised(home, number) if path.exists() else []
            assert {item["record_id"] for item in items if item["record_id"]} == {name.split("/")[0] for name in other}
            assert not items or total(items) == net_of(home, number)
            charged = {key: charge for key, charge in charged.items() if key[0] != account} | now


CHANGES = ("charge_before", "charge_now", "difference")
LEGS = "SELECT account_id, record_id || '/' || leg, charge FROM {} WHERE billing_month = '2026-04' AND {}"


def numbered(home: Home, numbers: list[str]) -> Iterator[tuple[str, Any]]:
    for number in numbers:
        yield number, rows(home, f"SELECT account_id FROM correction_notes WHERE note_number = '{number}'")[0][0]
