"""What `callbill check` counts, what it notes, and what it refuses."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipelines.errors import BadInput
from pipelines.operations.check import check_inputs
from tests.pipelines.homes import Home, make_home

TODAY = date(2026, 10, 15)
SELLER = '[seller]\nname = "Exemple"\nvat_number = "FR44732829320"\n'
FRENCH_TERMS = '[legal_en]\nlate_payment = "x"\nrecovery_fee = "x"\nearly_payment = "x"\n'
HEADER = "account_id,name,email,country,vat_number,billing_mode,payment_method"
HEADER += ",currency,price_list,opened_on,closed_on"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with nothing to note."""
    home = make_home(tmp_path)
    home.settings(SELLER)
    home.edit("accounts", "direct_debit", "bank_transfer")
    return home


def warnings(home: Home, today: date = TODAY) -> list[str]:
    """The sentences about what stops no run."""
    found: list[str] = check_inputs(home.installation, today)["warnings"]
    return found


def accounts(home: Home, *rows: str) -> None:
    """Writes accounts.csv with these rows alone, and neither numbers nor credits."""
    home.reference("accounts", "\n".join([HEADER, *rows]) + "\n")
    for name in ("numbers", "credits"):
        (home.path / "reference" / f"{name}.csv").unlink()


def test_rows_of_every_table_without_a_warehouse(home: Home) -> None:
    report = check_inputs(home.installation, TODAY)
    assert report["warnings"] == []
    assert report["rows"] == {
        "price_lists": 3,
        "destinations": 4,
        "voice_outbound": 9,
        "voice_inbound": 2,
        "sms_outbound": 6,
        "sms_inbound": 2,
        "number_fees": 2,
        "vat_rates": 2,
        "accounts": 5,
        "numbers": 6,
        "credits": 4,
        "payments": 0,
        "exchange_rates": 0,
    }
    assert not home.installation.warehouse.exists()
    assert not (home.path / "warehouse.lock").exists()


def test_the_clock_is_that_of_today(home: Home) -> None:
    assert check_inputs(home.installation)["rows"]["accounts"] == 5


def test_a_seller_without_name_and_vat_number(home: Home) -> None:
    home.settings("[seller]\n")
    assert warnings(home) == ["what a bill must state and [seller] in callbill.toml does not (2): name, vat_number"]


def test_price_tables_that_are_missing(home: Home) -> None:
    (home.price_tables / "sms_inbound.csv").unlink()
    assert warnings(home) == [
        f"price tables that are not in {home.price_tables} and count as empty (1): sms_inbound.csv"
    ]


def test_what_french_law_wants_between_businesses(home: Home) -> None:
    accounts(
        home,
        "B1,a business,,FR,FR44732829320,postpaid,bank_transfer,EUR,,2026-01-01,",
        "B2,a consumer,,FR,,postpaid,bank_transfer,EUR,,2026-01-01,",
    )
    said = "what bills between French businesses must state and callbill.toml does not"
    assert warnings(home) == [f"{said} (3): [legal_en] late_payment, [legal_en] recovery_fee, [legal_en] early_payment"]
    home.settings(SELLER + FRENCH_TERMS.replace('recovery_fee = "x"\n', ""))
    assert warnings(home) == [f"{said} (1): [legal_en] recovery_fee"]
    home.settings(SELLER + FRENCH_TERMS)
    assert warnings(home) == []
    home.settings(SELLER + 'country = "BE"\n')
    assert not any(said in warning for warning in warnings(home))


def test_vat_numbers_that_do_not_count(home: Home) -> None:
    accounts(
        home,
        "B1,wrong digits,,DE,DE123456789,postpaid,bank_transfer,EUR,,2026-01-01,",
        "B2,valid,,DE,DE136695976,postpaid,bank_transfer,EUR,,2026-01-01,",
        "B3,the seller's own country,,DE,FR44732829320,postpaid,bank_transfer,EUR,,2026-01-01,",
        "B4,domestic,,FR,nonsense,postpaid,bank_transfer,EUR,,2026-01-01,",
        "B5,outside the EU,,US,nonsense,postpaid,bank_transfer,EUR,,2026-01-01,",
        "B6,closed before this month,,DE,nonsense,postpaid,bank_transfer,EUR,,2026-01-01,2026-09-30",
        "B7,none,,DE,,postpaid,bank_transfer,EUR,,2026-01-01,",
    )
    home.settings(SELLER + FRENCH_TERMS)
    assert warnings(home) == [
        (
            "accounts whose vat_number is no valid one of an EU country other than FR, so that they pay VAT as "
            "consumers (2): B1, B3"
        )
    ]
    home.settings(SELLER + 'country = "CH"\n')
    assert not any("vat_number is no valid" in sentence for sentence in warnings(home))


def test_examples_are_five(home: Home) -> None:
    accounts(home, *(f"B{n},,,DE,wrong,postpaid,bank_transfer,EUR,,2026-01-01," for n in range(1, 8)))
    assert warnings(home)[0].endswith("(7): B1, B2, B3, B4, B5 and 2 more")


def test_vat_rates_that_are_missing(home: Home) -> None:
    accounts(
        home,
        "B1,consumer,,ES,,postpaid,bank_transfer,EUR,,2026-01-01,",
        "B2,consumer,,ES,,prepaid,balance,EUR,,2026-01-01,",
        "B3,reverse charge,,IT,IT00743110157,postpaid,bank_transfer,EUR,,2026-01-01,",
        "B4,opens next month,,PT,,postpaid,bank_transfer,EUR,,2026-11-01,",
    )
    assert warnings(home) == [
        (
            "countries of customers who are charged VAT for which vat_rates.csv has no rate in force on "
            "2026-10-31, so that a bill or a top-up of theirs stops a run (1): ES: 2 accounts"
        )
    ]
    rates = home.price_tables / "vat_rates.csv"
    rates.write_text(rates.read_text() + "ES,0.2100,2026-10-31\n")
    assert warnings(home) == []
    assert len(warnings(home, date(2026, 9, 30))) == 1


def test_payment_methods_that_do_not_go_with_the_mode(home: Home) -> None:
    accounts(
        home,
        "B1,,,FR,,postpaid,balance,EUR,,2026-01-01,",
        "B2,,,FR,,prepaid,direct_debit,EUR,,2026-01-01,",
        "B3,,,FR,,prepaid,bank_transfer,EUR,,2026-01-01,",
    )
    assert warnings(home) == [
        "postpaid accounts with the payment_method balance (1): B1",
        "prepaid accounts with another payment_method than balance (2): B2, B3",
    ]


CREDITOR = 'iban = "FR7630006000011234567890189"\ncreditor_id = "DE98ZZZ09999999999"\n'
MANDATES = f"{HEADER},iban,mandate_reference,mandate_signed_on"


def test_accounts_that_cannot_be_debited(home: Home) -> None:
    home.settings(SELLER + CREDITOR)
    accounts(home)
    home.reference(
        "accounts",
        f"{MANDATES}\n"
        "B1,,,FR,,postpaid,direct_debit,EUR,,2026-01-01,,DE89370400440532013000,M1,2026-01-01\n"
        "B2,,,FR,,postpaid,direct_debit,EUR,,2026-01-01,,DE88370400440532013000,M2,2026-01-01\n"
        "B3,,,FR,,postpaid,bank_transfer,EUR,,2026-01-01,,,,\n"
        "B4,,,FR,,postpaid,direct_debit,EUR,,2026-01-01,,DE89370400440532013000,M4,2026-10-16\n"
        "B5,,,FR,,postpaid,direct_debit,EUR,,2026-01-01,2026-08-31,,,\n",
    )
    assert warnings(home) == [
        (
            "accounts that pay by direct debit and cannot be debited, so that their bills ask for a transfer (2): "
            "B2: the IBAN DE88...3000 has wrong check digits, "
            "B4: the mandate was signed on 2026-10-16, after the day of issue, 2026-10-15"
        )
    ]


def test_a_seller_who_can_debit_nobody(home: Home) -> None:
    home.edit(
        "accounts",
        "A2,Garage,a2@example.com,FR,,postpaid,bank_transfer",
        "A2,G,a2@example.com,FR,,postpaid,direct_debit",
    )
    assert warnings(home) == [
        (
            "why nobody can be debited, as accounts ask to be (2): [seller] iban in callbill.toml is missing, "
            "[seller] creditor_id in callbill.toml is missing"
        )
    ]


def test_currencies_without_a_price_list(home: Home) -> None:
    lists = home.price_tables / "price_lists.csv"
    lists.write_text(lists.read_text() + "pounds,GBP\n")
    accounts(
        home,
        "B1,own list,,US,,postpaid,bank_transfer,GBP,pounds,2026-01-01,",
        "B2,no list,,US,,postpaid,bank_transfer,GBP,,2026-01-01,",
        "B3,no list,,US,,postpaid,bank_transfer,JPY,,2026-01-01,",
    )
    assert warnings(home) == [
        (
            "currencies without a default price list, of accounts without a list of their own: nothing they use "
            "has a price (2): GBP: 1 account, JPY: 1 account"
        )
    ]


def test_numbers_without_a_fee_or_an_inbound_price(home: Home) -> None:
    numbers = home.path / "reference" / "numbers.csv"
    numbers.write_text(
        numbers.read_text()
        + "+33800000001,A1,FR,toll_free,false,2026-02-01,\n"
        + "+33800000002,A2,FR,toll_free,false,2026-02-01,2026-10-15\n"
        + "+33900000001,A2,FR,premium,false,2026-02-01,2026-10-14\n"
        + "+442079460000,A3,GB,geographic,false,2027-01-01,\n"
    )
    fees = home.price_tables / "number_fees.csv"
    fees.write_text(fees.read_text() + "own,GB,geographic,1.000000,none,2027-01-01\n")
    said = "in force, in the account's price list or the default"
    assert warnings(home) == [
        f"kinds of numbers without a monthly fee {said} (1): FR toll_free EUR: 2 numbers",
        (
            f"kinds of numbers without a price of inbound calls {said} (2): FR toll_free EUR: 2 numbers, "
            "GB geographic EUR: 1 number"
        ),
    ]


def test_a_price_that_starts_later_is_not_in_force(home: Home) -> None:
    inbound = home.price_tables / "voice_inbound.csv"
    inbound.write_text(inbound.read_text().replace("0.009000,0,1,1,2025-01-01", "0.009000,0,1,1,2026-11-01"))
    (sentence,) = warnings(home)
    assert sentence.endswith("US geographic USD: 1 number")
    assert warnings(home, date(2026, 11, 1)) == []


def test_destinations_without_a_price(home: Home) -> None:
    destinations = home.price_tables / "destinations.csv"
    destinations.write_text(destinations.read_text() + "49,Germany,DE\n491,Germany mobile,DE\n492,Germany,DE\n")
    assert warnings(home) == [
        "destinations without a price in any list, so that calls there go into suspense (2): Germany, Germany mobile"
    ]


def test_everything_that_would_stop_a_run_is_refused(home: Home) -> None:
    home.prices("sms_inbound", "price_list,price_per_message,valid_from\ndefault_eur,cheap,2025-01-01\n")
    numbers = home.path / "reference" / "numbers.csv"
    numbers.write_text(numbers.read_text() + "nonsense,A1,FR,geographic,true,2026-02-01,\n")
    with pytest.raises(BadInput) as refused:
        check_inputs(home.installation, TODAY)
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["sms_inbound.csv", "numbers.csv"]
    assert "line 2, column price_per_message: found 'cheap'" in refused.value.problems[0]


def test_reference_files_are_held_against_each_other(home: Home) -> None:
    numbers = home.path / "reference" / "numbers.csv"
    numbers.write_text(numbers.read_text() + "+33800000001,A99,FR,geographic,true,2026-02-01,\n")
    with pytest.raises(BadInput, match="line 8, column account_id: found 'A99'"):
        check_inputs(home.installation, TODAY)
