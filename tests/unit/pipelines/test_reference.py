"""How reference and price files hang together: every sentence as a person reads it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.errors import BadInput
from pipelines.reference.consistency import (
    InputTables,
    enough_vat_rates,
    read_price_tables,
    read_reference,
    unchanged_credits,
    valid_vat_numbers,
)
from pipelines.reference.csv_tables import PROBLEMS_MAX
from pipelines.settings import Month
from tests.unit.frames import D, accounts, credits, moment, vat_rates
from tests.unit.pipelines.files import FILES, REFERENCE, installation, path_of
from transforms.tables.base import conform, empty
from transforms.tables.billing import Ledger


def read(folder: Path, **changed: str) -> tuple[InputTables, InputTables]:
    found = installation(folder, changed)
    prices = read_price_tables(found)
    return prices, read_reference(found, prices)


def problems(folder: Path, **changed: str) -> list[str]:
    """The sentences, without the paths at their ends."""
    with pytest.raises(BadInput) as error:
        read(folder, **changed)
    found = installation(folder)
    return [
        sentence.removesuffix(f" ({path_of(found, sentence.partition('.csv')[0])})")
        for sentence in error.value.problems
    ]


def added(name: str, *rows: str) -> dict[str, str]:
    """The sound file and more rows."""
    return {name: FILES[name] + "".join(f"{row}\n" for row in rows)}


def test_sound_files_are_read(tmp_path: Path) -> None:
    prices, reference = read(tmp_path)
    assert set(reference.frames) == set(REFERENCE)
    assert set(prices.frames) | set(REFERENCE) == set(FILES)
    assert {name: frame.height for name, frame in reference.frames.items()} == {
        "accounts": 2,
        "numbers": 2,
        "credits": 1,
        "payments": 1,
        "exchange_rates": 1,
    }
    assert all(content for content in (prices | reference).contents.values())


@pytest.mark.parametrize("name", ["numbers", "credits", "payments"])
def test_only_the_accounts_must_exist(name: str, tmp_path: Path) -> None:
    found = installation(tmp_path)
    path_of(found, name).unlink()
    assert read_reference(found, read_price_tables(found)).frames[name].is_empty()


def test_without_accounts_there_is_no_installation(tmp_path: Path) -> None:
    found = installation(tmp_path)
    path_of(found, "accounts").unlink()
    sentence = f"there is no accounts.csv in {found.reference}: an installation needs its accounts"
    with pytest.raises(BadInput) as error:
        read_reference(found, read_price_tables(found))
    assert error.value.problems == [sentence]


def test_without_price_lists_there_are_no_price_tables(tmp_path: Path) -> None:
    found = installation(tmp_path)
    path_of(found, "price_lists").unlink()
    with pytest.raises(BadInput) as error:
        read_price_tables(found)
    assert error.value.problems == [
        f"there is no price_lists.csv in {found.price_tables}: name a folder of price tables with --price-tables"
    ]


ISO_COUNTRY = "a country, ISO 3166-1 alpha-2"
PROBLEMS = [
    (
        added("accounts", "A,Again,x@example.com,FR,,postpaid,balance,EUR,,2026-01-01,"),
        (
            "accounts.csv: line 4, column account_id: found 'A', "
            "expected a key (account_id) that no other row has; line 2 has it"
        ),
    ),
    (
        added("accounts", "C,New,x@example.com,FRA,,postpaid,balance,EUR,,2026-01-01,"),
        f"accounts.csv: line 4, column country: found 'FRA', expected {ISO_COUNTRY}",
    ),
    (
        added("accounts", "C,New,x@example.com,FR,,postpaid,balance,eur,,2026-01-01,"),
        "accounts.csv: line 4, column currency: found 'eur', expected a currency, ISO 4217",
    ),
    (
        added("accounts", "C,New,x@example.com,FR,,postpaid,balance,EUR,gold,2026-01-01,"),
        "accounts.csv: line 4, column price_list: found 'gold', expected a list of price_lists.csv, or nothing",
    ),
    (
        added("accounts", "C,New,x@example.com,FR,,postpaid,balance,USD,own,2026-01-01,"),
        "accounts.csv: line 4, column currency: found 'USD', expected EUR, the currency of the account's price list",
    ),
    (
        added("accounts", "C,New,x@example.com,FR,,postpaid,balance,EUR,,2026-01-02,2026-01-01"),
        "accounts.csv: line 4, column closed_on: found '2026-01-01', expected a day not before opened_on",
    ),
    (
        added("exchange_rates", "JPY,0,2026-01-01"),
        (
            "exchange_rates.csv: line 3, column rate: found '0', expected a plain decimal above 0 with at most 12 digits before "
            "and 6 behind the point"
        ),
    ),
    (
        added("numbers", "+33184000002,Z,FR,geographic,false,2026-02-01,"),
        "numbers.csv: line 4, column account_id: found 'Z', expected an account of accounts.csv",
    ),
    (
        added("numbers", "+33184000002,A,XX,geographic,false,2026-02-01,"),
        f"numbers.csv: line 4, column country: found 'XX', expected {ISO_COUNTRY}",
    ),
    (
        added("numbers", "33184000001,A,FR,geographic,false,2026-03-01T12:00:00Z,2026-03-01T18:00:00Z"),
        (
            "numbers.csv: line 4, column number: found '33184000001', "
            "expected a number that is free at its assigned_at; line 2 holds it still"
        ),
    ),
    (
        added("numbers", "+33184000001,A,FR,geographic,false,2026-04-01,"),
        (
            "numbers.csv: line 4, column number: found '+33184000001', "
            "expected a number that is free at its assigned_at; line 3 holds it still"
        ),
    ),
    (
        added("numbers", "+33184000002,A,FR,geographic,false,2026-02-02,2026-02-01"),
        "numbers.csv: line 4, column released_at: found '2026-02-01', expected a moment not before assigned_at",
    ),
    (
        added("credits", "C2,Z,top_up,1,EUR,2026-03-15,"),
        "credits.csv: line 3, column account_id: found 'Z', expected an account of accounts.csv",
    ),
    (
        added("credits", "C2,B,top_up,1,EUR,2026-03-15,"),
        "credits.csv: line 3, column currency: found 'EUR', expected USD, the currency of the account",
    ),
    (
        added("credits", "C2,B,top_up,1.001,USD,2026-03-15,"),
        "credits.csv: line 3, column amount: found '1.001', expected at most 2 decimals, the minor unit of USD",
    ),
    (
        added("credits", "C1,A,top_up,1,EUR,2026-03-15,"),
        (
            "credits.csv: line 3, column credit_id: found 'C1', "
            "expected a key (credit_id) that no other row has; line 2 has it"
        ),
    ),
    (
        added("payments", "P2,A,,0.501,EUR,2026-03-15"),
        "payments.csv: line 3, column amount: found '0.501', expected at most 2 decimals, the minor unit of EUR",
    ),
    (
        added("payments", "P2,A,,5,JPY,2026-03-15"),
        "payments.csv: line 3, column currency: found 'JPY', expected EUR, the currency of the account",
    ),
    (
        added("price_lists", "default_jpy,EUR"),
        "price_lists.csv: line 5, column currency: found 'EUR', expected JPY, as the name of a default list says",
    ),
    (
        added("price_lists", "gold,XAU"),
        "price_lists.csv: line 5, column currency: found 'XAU', expected a currency, ISO 4217",
    ),
    (
        added("destinations", "33,France again,FR"),
        (
            "destinations.csv: line 5, column prefix: found '33', "
            "expected a key (prefix) that no other row has; line 2 has it"
        ),
    ),
    (
        added("destinations", "44,United Kingdom,UK"),
        f"destinations.csv: line 5, column country: found 'UK', expected {ISO_COUNTRY}",
    ),
    (
        added("voice_outbound", "default_eur,Frence,0.01,0,1,1,2026-01-01"),
        "voice_outbound.csv: line 3, column destination: found 'Frence', expected a destination of destinations.csv",
    ),
    *(
        (
            added(name, row),
            (
                f"{name}.csv: line 3, column valid_from: found '2026-01-01', "
                f"expected a key ({key}, valid_from) that no other row has; line 2 has it"
            ),
        )
        for name, row, key in (
            ("voice_inbound", "default_eur,FR,geographic,0.01,0,1,1,2026-01-01", "price_list, country, number_class"),
            ("sms_outbound", "default_eur,FR,0.01,2026-01-01", "price_list, country"),
            ("sms_inbound", "default_eur,0.02,2026-01-01", "price_list"),
            ("number_fees", "default_eur,FR,geographic,2,daily,2026-01-01", "price_list, country, number_class"),
            ("vat_rates", "FR,0.1900,2026-01-01", "country"),
        )
    ),
    (
        added("voice_outbound", "default_eur,France,0.01,0,1,1,2026-01-01"),
        (
            "voice_outbound.csv: line 3, column valid_from: found '2026-01-01', "
            "expected a key (price_list, destination, valid_from) that no other row has; line 2 has it"
        ),
    ),
    (
        added("sms_inbound", "gold,0.01,2026-01-01"),
        "sms_inbound.csv: line 3, column price_list: found 'gold', expected a list of price_lists.csv",
    ),
]


@pytest.mark.parametrize(("changed", "sentence"), PROBLEMS)
def test_what_does_not_hang_together_is_named(changed: dict[str, str], sentence: str, tmp_path: Path) -> None:
    assert problems(tmp_path, **changed) == [sentence]


def test_a_number_may_be_assigned_at_the_moment_of_its_release(tmp_path: Path) -> None:
    handed_over = (
        FILES["numbers"].replace("2026-03-01", "2026-03-01T12:00:00Z").replace("2026-03-02", "2026-03-01T12:00:00Z")
    )
    assert read(tmp_path, numbers=handed_over)[1].frames["numbers"].height == 2


def test_a_number_that_stands_twice_is_both_repeated_and_held(tmp_path: Path) -> None:
    assert problems(tmp_path, **added("numbers", "0033184000001,B,FR,geographic,false,2026-03-02,")) == [
        (
            "numbers.csv: line 4, column assigned_at: found '2026-03-02', "
            "expected a key (number, assigned_at) that no other row has; line 3 has it"
        ),
        (
            "numbers.csv: line 4, column number: found '0033184000001', "
            "expected a number that is free at its assigned_at; line 3 holds it still"
        ),
    ]


def test_values_are_judged_before_what_hangs_together(tmp_path: Path) -> None:
    rows = added("numbers", "+33184000002,Z,XX,geographic,maybe,2026-02-01,")
    assert problems(tmp_path, **rows) == [
        "numbers.csv: line 4, column call_tracking: found 'maybe', expected true or false"
    ]


def test_problems_of_all_files_are_told_at_once_and_not_more_than_anybody_reads(tmp_path: Path) -> None:
    rows = [f"C{n},Z,top_up,1,EUR,2026-03-15," for n in range(2, 17)]
    numbers = [f"+331840001{n:02},Z,FR,geographic,false,2026-02-01," for n in range(10)]
    found = problems(tmp_path, **added("credits", *rows), **added("numbers", *numbers))
    assert len(found) == PROBLEMS_MAX + 1
    assert found[0].startswith("numbers.csv: line 4,")
    assert found[10].startswith("credits.csv: line 3,")
    assert found[-1] == "and 5 problems more"


@pytest.mark.parametrize(
    ("vat_number", "seller", "valid"),
    [
        ("DE136695976", "FR", True),
        ("DE 136 695 976", "FR", True),
        ("EL094259216", "FR", True),
        ("DE136695975", "FR", False),
        ("FR40303265045", "FR", False),
        ("FR40303265045", "DE", True),
        ("GB980780684", "FR", False),
        ("CHE107787577IVA", "FR", False),
        ("136695976", "FR", False),
        ("soon", "FR", False),
        (None, "FR", False),
    ],
)
def test_a_vat_number_counts_with_its_check_digits_and_of_another_member_state(
    vat_number: str | None, seller: str, valid: bool
) -> None:
    rows = accounts({"vat_number": vat_number})
    assert valid_vat_numbers(rows, seller)["account_id"].to_list() == (["A"] if valid else [])


OCTOBER = "2026-10"


@pytest.mark.parametrize(
    ("row", "missing"),
    [
        ({"country": "ES"}, True),
        ({"country": "ES", "billing_mode": "prepaid"}, False),
        ({"country": "ES", "opened_on": date(2026, 11, 1)}, False),
        ({"country": "ES", "closed_on": date(2026, 9, 30)}, False),
        ({"country": "US"}, False),
        ({"country": "FR"}, False),
    ],
)
def test_a_rate_that_a_bill_will_need_is_asked_for_in_time(
    row: dict[str, object], missing: bool, tmp_path: Path
) -> None:
    found = installation(tmp_path)
    month = Month.parse(OCTOBER, found.settings)
    nobody = pl.DataFrame(schema={"account_id": pl.String})
    if not missing:
        enough_vat_rates(found, accounts(row), nobody, vat_rates(), month)
        return
    with pytest.raises(BadInput) as error:
        enough_vat_rates(found, accounts(row), nobody, vat_rates(), month)
    assert error.value.problems == [
        (
            "vat_rates.csv: no rate of ES in force on 2026-10-31, which account 'A' needs "
            f"({found.price_tables / 'vat_rates.csv'})"
        )
    ]


RECEIPT = credits({}).select(
    pl.lit("R-2026-000001").alias("receipt_number"),
    "credit_id",
    "account_id",
    "credited_at",
    pl.col("amount").alias("credited_amount"),
)


NO_RECEIPT, NOTHING_POSTED = RECEIPT.clear(), empty(Ledger)
POSTED = conform(
    Ledger,
    credits({}).select(
        "account_id",
        "kind",
        "amount",
        "currency",
        entry_number=3,
        posted_at="credited_at",
        reference="credit_id",
        balance_after="amount",
    ),
)


def test_a_credit_that_stands_as_it_was_is_no_problem(tmp_path: Path) -> None:
    now = credits({"payment_reference": "new"}, {"credit_id": "C2"})
    unchanged_credits(RECEIPT, POSTED, now, installation(tmp_path))


@pytest.mark.parametrize(
    "change",
    [
        {"amount": D("99")},
        {"account_id": "B"},
        {"credited_at": moment("2026-10-06")},
        {"credit_id": "C9"},
        {"kind": "goodwill"},
    ],
    ids=["amount", "account", "moment", "gone", "kind"],
)
def test_a_credit_with_a_receipt_is_never_edited(change: dict[str, object], tmp_path: Path) -> None:
    found = installation(tmp_path)
    with pytest.raises(BadInput) as error:
        unchanged_credits(RECEIPT, NOTHING_POSTED, credits(change), found)
    with pytest.raises(BadInput, match=r"credit 'C1' has entry 3 of the ledger of A over 100\.0000"):
        unchanged_credits(NO_RECEIPT, POSTED, credits(change), found)
    assert error.value.problems == [
        (
            "credits.csv: credit 'C1' has receipt R-2026-000001 over 100.0000 and stands there otherwise now: "
            f"credits are never edited, add a new row to correct one ({found.reference / 'credits.csv'})"
        )
    ]
