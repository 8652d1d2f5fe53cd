"""The example month that `callbill demo` bills: repeatable, believable, wrong only where it means to be."""

import csv
import gzip
import hashlib
import json
import random
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import phonenumbers
import polars as pl
import pytest
from stdnum import iban
from stdnum.eu import at_02
from stdnum.eu import vat as eu_vat

from pipelines.example.month import PRICE_TABLES, ExampleSummary, write_example
from pipelines.example.people import make_accounts
from pipelines.example.texts import REPLIES, TEXTS, measured, parts
from tests.independent.biller import bill_month

CLASSES = {"geographic", "mobile", "national", "toll_free"}


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ExampleSummary]:
    """The example as it ships, and its home."""
    home = tmp_path_factory.mktemp("example")
    return home, write_example(home)


def digests(home: Path) -> dict[str, str]:
    """Path -> SHA-256 of every file."""
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


def lines_of(home: Path, pattern: str) -> Iterator[str]:
    """The lines of the inbox files that match."""
    for path in sorted((home / "inbox").glob(pattern)):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        yield from content.decode().split("\n")


def objects_of(home: Path, pattern: str) -> list[dict[str, object]]:
    """The objects that can be read in the JSON lines that match."""
    found = []
    for line in lines_of(home, pattern):
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_example(tmp_path / name, accounts=40, events=4_000)
    write_example(tmp_path / "other", accounts=40, events=4_000, seed=7)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert digests(tmp_path / "one") != digests(tmp_path / "other")


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    write_example(tmp_path, accounts=40, events=4_000)
    before = digests(tmp_path)
    write_example(tmp_path, accounts=40, events=4_000)
    assert digests(tmp_path) == before
    (tmp_path / "reference" / "accounts.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"accounts\.csv"):
        write_example(tmp_path, accounts=40, events=4_000)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(("accounts", "events"), [(19, 4_000), (1_001, 4_000), (40, 1_999)])
def test_a_month_that_can_not_be_believed_is_refused(tmp_path: Path, accounts: int, events: int) -> None:
    with pytest.raises(ValueError, match="accounts and 2000 events at least"):
        write_example(tmp_path, accounts=accounts, events=events)


def test_the_month_has_the_size_it_promises(example: tuple[Path, ExampleSummary]) -> None:
    _, summary = example
    assert summary.accounts == 200
    assert 400 <= summary.numbers <= 900
    assert summary.credits > 150
    assert 99_000 <= summary.total <= 101_000
    assert 0.65 <= summary.records["standard"] / summary.total <= 0.75
    assert (summary.duplicates, summary.late, summary.early) == (150, 100, 50)
    assert summary.suspended == {
        "unreadable": 13,
        "bad_value": 14,
        "account_unknown": 15,
        "no_destination": 10,
        "sms_length_unknown": 8,
        "conflicting_duplicate": 3,
    }


def test_every_form_of_input_is_there(example: tuple[Path, ExampleSummary]) -> None:
    home, summary = example
    files = sorted(path.relative_to(home).as_posix() for path in summary.files)
    assert files == sorted(digests(home))
    assert {"".join(Path(name).suffixes) for name in files if name.startswith("inbox/standard/")} == {
        *(".csv", ".csv.gz", ".jsonl", ".parquet")
    }
    assert any(name.startswith("inbox/callr/calls") for name in files)
    settings = tomllib.loads((home / "callbill.toml").read_text(encoding="utf-8"))
    assert settings["billing"] == {
        "time_zone": "UTC",
        "first_month": "2026-09",
        "month_end_day": 2,
        "month_end_hour": 4,
    }
    seller = settings["seller"]
    assert eu_vat.is_valid(seller["vat_number"])
    assert iban.is_valid(seller["iban"])
    assert at_02.is_valid(seller["creditor_id"])


def test_an_independent_biller_finds_what_the_summary_says(tmp_path: Path) -> None:
    summary = write_example(tmp_path, accounts=40, events=2_500)
    tables = bill_month(tmp_path, PRICE_TABLES, "2026-10", months_before=["2026-09"])
    assert Counter(row["reason"] for row in tables.suspense) == summary.suspended
    assert sum(row["records"] for row in tables.usage_files) == summary.total
    assert sum(row["duplicates"] for row in tables.usage_files) == summary.duplicates
    assert {row["usage_month"] for row in tables.rated_usage} == {"2026-09", "2026-10"}
    assert all(row["net_amount"] >= 0 for row in tables.bills)


def test_accounts_are_of_every_kind(example: tuple[Path, ExampleSummary]) -> None:
    home, _ = example
    accounts = rows_of(home / "reference" / "accounts.csv")
    prepaid = [row for row in accounts if row["billing_mode"] == "prepaid"]
    assert 70 <= len(prepaid) <= 110
    assert {row["payment_method"] for row in prepaid} == {"balance"}
    owing = {row["payment_method"] for row in accounts if row["billing_mode"] == "postpaid"}
    assert owing == {"direct_debit", "bank_transfer"}
    assert {row["currency"] for row in accounts} == {"EUR", "USD"}
    assert {row["price_list"] for row in accounts} == {"", "default_eur", "wholesale_eur"}
    assert {"FR", "DE", "ES", "BE", "US", "GB", "CH", "JP"} <= {row["country"] for row in accounts}
    numbers = [row["vat_number"] for row in accounts if row["vat_number"]]
    assert len(numbers) > 40
    assert all(eu_vat.is_valid(number) for number in numbers)
    assert len({row["email"] for row in accounts}) == 200
    assert all(row["email"].endswith(("@example.com", "@example.org")) for row in accounts)
    assert any(row["opened_on"] > "2026-10-01" for row in accounts)
    assert any("2026-10-01" <= row["closed_on"] <= "2026-10-31" for row in accounts)


def test_numbers_are_possible_and_held_by_one_account_at_a_time(example: tuple[Path, ExampleSummary]) -> None:
    home, _ = example
    rows = rows_of(home / "reference" / "numbers.csv")
    for row in rows:
        assert phonenumbers.is_possible_number(phonenumbers.parse(row["number"])), row["number"]
    assert {row["number_class"] for row in rows} == CLASSES
    twice = [number for number, count in Counter(row["number"] for row in rows).items() if count > 1]
    assert len(twice) == 1
    first, second = (row for row in rows if row["number"] == twice[0])
    assert first["account_id"] != second["account_id"]
    assert first["released_at"] < second["assigned_at"]
    tracked = [row for row in rows if row["call_tracking"] == "true"]
    assert any(row["assigned_at"] >= "2026-10-01" for row in tracked)
    assert any("2026-09-24" < row["assigned_at"] < "2026-10-01" for row in tracked)


def test_accounts_with_many_numbers_do_not_run_out_of_them() -> None:
    accounts = make_accounts(random.Random(1), date(2026, 10, 1), 1_000)
    holdings = [holding.number for account in accounts for holding in account.holdings]
    assert len(set(holdings)) == len(holdings) - 1


def test_credits_are_of_every_kind(example: tuple[Path, ExampleSummary]) -> None:
    home, _ = example
    credits = rows_of(home / "reference" / "credits.csv")
    assert {row["kind"] for row in credits} == {"opening_balance", "top_up", "refund", "goodwill"}
    assert all(Decimal(row["amount"]) > 0 for row in credits if row["kind"] != "refund")
    assert [row["credited_at"] for row in credits] == sorted(row["credited_at"] for row in credits)
    assert len({row["credit_id"] for row in credits}) == len(credits)
    assert rows_of(home / "reference" / "payments.csv") == []


def test_no_outbound_leg_of_callr_is_without_its_inbound_call(example: tuple[Path, ExampleSummary]) -> None:
    home, _ = example
    hooks = objects_of(home, "callr/calls*.jsonl")
    calls = [hook["payload"] for hook in hooks]
    inbound = {call["callid"] for call in calls if call["direction"] == "inbound"}  # type: ignore[index]
    parents = [call["callid_in"] for call in calls if call["direction"] == "outbound"]  # type: ignore[index]
    legs = Counter(parent for parent in parents if parent is not None)
    assert legs.keys() <= inbound
    assert max(legs.values()) >= 2
    assert min(inbound) > 2**32
    assert {hook["try"] for hook in hooks} == {0, 1}


def test_forwarded_calls_come_in_one_record_and_in_two(example: tuple[Path, ExampleSummary]) -> None:
    home, _ = example
    tracking = pl.read_parquet(home / "inbox" / "standard" / "tracking-2026-10.parquet")
    assert tracking.height > 1_000
    assert (tracking["forwarded_seconds"] <= tracking["duration_seconds"]).all()
    assert (tracking["forwarded_seconds"] == 0).any()
    rows = [line.split(",") for line in lines_of(home, "standard/pbx-calls*") if line]
    tied = {(row[9], row[2]) for row in rows if len(row) == 12 and row[9].startswith("L")}
    inbound = {link for link, way in tied if way == "inbound"}
    assert {link for link, way in tied if way == "outbound"} <= inbound
    assert len(inbound) > 100


def test_messages_are_given_in_every_way_and_in_several_scripts(example: tuple[Path, ExampleSummary]) -> None:
    home, _ = example
    text = "\n".join(lines_of(home, "standard/pbx-messages*"))
    rows = list(csv.DictReader(text.splitlines(keepends=True)))
    assert sum(bool(row["segments"]) for row in rows) > 300
    assert sum(bool(row["encoding"] and row["text_length"]) for row in rows) > 300
    assert sum(bool(row["text"]) for row in rows) > 10_000
    for letters in ("€", "Привет"[1], "κ", "ا", "。", "🚗", '"YES"', "\n"):
        assert any(letters in (row["text"] or "") for row in rows), letters


@pytest.mark.parametrize(
    ("text", "encoding", "length", "count"),
    [
        ("", "gsm7", 0, 1),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("€" * 80, "gsm7", 160, 1),
        ("ê" * 70, "ucs2", 70, 1),
        ("ê" * 71, "ucs2", 71, 2),
        ("😬" * 36, "ucs2", 72, 2),
    ],
)
def test_a_text_is_measured(text: str, encoding: str, length: int, count: int) -> None:
    assert measured(text) == (encoding, length)
    assert parts(text) == count


def test_texts_name_their_code_once() -> None:
    assert all(text.count("~") == 1 for texts in TEXTS.values() for text in texts)
    assert REPLIES.keys() <= TEXTS.keys()
