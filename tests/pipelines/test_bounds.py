"""Records, fees and sums that are very large: what waits, what is billed, and that no command stops for one of them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.explain import explain
from pipelines.operations.suspense import list_suspense
from pipelines.storage.month_files import NARROW
from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.switch import recycle
from tests.pipelines.traffic import CALL, MESSAGE, OTHERS
from tests.support import run_stages

APRIL, MAY = "2026-04", "2026-05"
LONGEST = "2147483647"
FIRST_MONTH = '[billing]\nfirst_month = "2026-04"\n'
OWN = "+33184000009"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """B1 pays in VND, a currency of large numbers: 60,000 a minute and segment, 1,000,000 a month for its number."""
    home = make_home(tmp_path)
    home.add("price_lists", "default_vnd,VND")
    home.add("voice_outbound", "default_vnd,France,60000,0,1,1,2025-01-01")
    home.add("sms_outbound", "default_vnd,FR,99999999.999999,2025-01-01")
    home.add("number_fees", "default_vnd,FR,geographic,1000000,none,2025-01-01")
    home.add("accounts", "B1,Cửa hàng,b1@example.com,FR,,postpaid,bank_transfer,VND,,2026-01-01,")
    home.add("numbers", f"{OWN},B1,FR,geographic,false,2026-02-01,")
    return home


def calls(home: Home, name: str, *seconds: str, start: str = "2026-04-05T10:00:00Z", **more: str) -> None:
    """Calls of B1 that last so long, named by the file and their place."""
    rows = [
        CALL
        | {"record_id": f"{name}-{place}", "from_number": OWN, "started_at": start, "duration_seconds": long}
        | more
        for place, long in enumerate(seconds)
    ]
    home.usage(f"{name}.csv", rows)


def rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(query).fetchall()


def run(home: Home, *months: str) -> None:
    run_stages(home.path, home.price_tables, months or (APRIL,))


def bill(home: Home, month: str = APRIL) -> tuple[Any, ...]:
    (found,) = rows(
        home,
        f"SELECT net_amount, vat_amount, total_owed FROM bills WHERE account_id = 'B1' AND billing_month = '{month}'",
    )
    return found


def issue(home: Home) -> None:
    said = call("issue", APRIL, "--yes", *home.arguments)
    assert said.status == 0, said.err


def states(home: Home) -> list[tuple[Any, ...]]:
    return rows(home, "SELECT record_id, reason, state FROM suspense ORDER BY ALL")


@pytest.mark.parametrize("price", ["3", "0.012"])
def test_a_call_of_absurd_length_waits_and_the_month_goes_on(home: Home, price: str) -> None:
    home.edit("voice_outbound", "default_vnd,France,60000", f"default_vnd,France,{price}")
    calls(home, "a", LONGEST, "60")
    run(home)
    assert bill(home)[0] == 1_000_000 + round(Decimal(price))
    assert states(home) == [("a-0", "bad_value", "open")]


def test_without_a_bound_a_call_that_no_charge_holds_waits(home: Home) -> None:
    home.settings(FIRST_MONTH + "[bounds]\nrecord_seconds = 0\n")
    calls(home, "a", LONGEST, "60")
    run(home)
    assert bill(home)[0] == 1_060_000
    assert states(home) == [("a-0", "bad_value", "open")]
    at_risk = list_suspense(home.installation)["reasons"][0]["at_risk"]
    assert at_risk == {"VND": Decimal(60_000)}


def test_a_dear_minute_and_a_large_fee_are_billed(home: Home) -> None:
    calls(home, "a", "60", "36000")
    run(home)
    assert bill(home) == (37_060_000, 7_412_000, 44_472_000)
    assert states(home) == []


@pytest.mark.parametrize(
    ("fee", "proration"), [("1000000", "daily"), ("99999999.999999", "none"), ("99999999", "daily")]
)
def test_large_fees_pass_the_controls(home: Home, fee: str, proration: str) -> None:
    home.edit("number_fees", "1000000,none", f"{fee},{proration}")
    run(home)
    assert bill(home)[0] == round(Decimal(fee))


def test_a_fee_that_no_charge_holds_waits_until_it_is_mended(home: Home) -> None:
    home.edit("number_fees", "1000000,none", "100000000,none")
    run(home)
    assert bill(home)[0] == 0
    assert states(home) == [(OWN, "bad_value", "open")]
    told = explain(home.installation, OWN)["found"][0]["what_to_do"]
    assert told.startswith("mend the fee in number_fees.csv, then `callbill recycle`")
    home.edit("number_fees", "100000000,none", "1000000,none")
    assert recycle(home)["recycled"] == 1
    assert bill(home)[0] == 1_000_000
    assert states(home) == [(OWN, "bad_value", "recycled")]


@pytest.mark.parametrize(
    ("before", "after", "seconds"),
    [
        ("record_seconds = 600", "record_seconds = 601", "601"),
        ("record_amount = 600000", "record_amount = 601000", "601"),
        ("", "record_seconds = 2678401", "2678401"),
    ],
)
def test_what_waits_for_a_bound_is_billed_once_it_is_raised(home: Home, before: str, after: str, seconds: str) -> None:
    home.settings(f"{FIRST_MONTH}[bounds]\n{before}\n")
    price = 600 if "record_seconds" in after else 60_000
    home.edit("voice_outbound", "default_vnd,France,60000", f"default_vnd,France,{price}")
    calls(home, "a", "600", seconds)
    run(home)
    assert bill(home)[0] == 1_000_000 + 10 * price
    assert states(home) == [("a-1", "bad_value", "open")]
    told = explain(home.installation, "a-1")["found"][0]["what_to_do"]
    assert told.startswith(
        "if it is right, raise the bound in callbill.toml, then `callbill recycle`. If it is wrong, "
    )
    assert "under the same record_id" not in told
    assert recycle(home)["recycled"] == 0
    home.settings(f"{FIRST_MONTH}[bounds]\n{after}\n")
    assert recycle(home)["recycled"] == 1
    assert bill(home)[0] == 1_000_000 + (600 + int(seconds)) * price // 60
    assert states(home) == [("a-1", "bad_value", "recycled")]


def test_beyond_the_bound_it_waits_again_where_no_charge_holds_it(home: Home) -> None:
    home.settings(FIRST_MONTH)
    calls(home, "a", "2678401")
    run(home)
    home.settings(f"{FIRST_MONTH}[bounds]\nrecord_seconds = 2678401\n")
    assert recycle(home)["recycled"] == 0
    assert states(home) == [("a-0", "bad_value", "open")]
    assert "100,000,000 or more" in rows(home, "SELECT detail FROM suspense")[0][0]
    told = explain(home.installation, "a-0")["found"][0]["what_to_do"]
    assert told.startswith("if its price in voice_outbound.csv is wrong, mend it, then `callbill recycle`.")


def test_of_an_issued_month_it_is_billed_in_the_next(home: Home) -> None:
    home.settings(f"{FIRST_MONTH}[bounds]\nrecord_seconds = 600\n[issue]\nsuspense_percent = 100\n")
    calls(home, "a", "600", "601")
    run(home)
    issue(home)
    home.settings(f"{FIRST_MONTH}[bounds]\nrecord_seconds = 601\n")
    assert recycle(home)["recycled"] == 1
    assert bill(home)[0] == 1_600_000
    assert bill(home, MAY)[0] == 1_601_000


def test_lines_and_bills_are_larger_than_a_charge(home: Home) -> None:
    calls(home, "a", *["86400"] * 3)
    message = MESSAGE | {"from_number": OWN, "to_number": OTHERS[1]}
    home.usage("m.csv", [message | {"record_id": f"m{place}", "text": "x"} for place in range(3)])
    calls(home, "may", "60", start="2026-05-05T10:00:00Z")
    run(home, APRIL, MAY)
    lines = "SELECT charge, amount FROM bill_lines WHERE account_id = 'B1' ORDER BY billing_month, line_number"
    assert rows(home, lines) == [
        (Decimal("259200000.0000000000"), Decimal("259200000.0000")),
        (Decimal("299999999.9999970000"), Decimal("300000000.0000")),
        (Decimal("1000000.0000000000"), Decimal("1000000.0000")),
        (Decimal("60000.0000000000"), Decimal("60000.0000")),
        (Decimal("1000000.0000000000"), Decimal("1000000.0000")),
    ]
    assert bill(home) == (560_200_000, 112_040_000, 672_240_000)
    # A month is kept in the room it needs: May is as it always was.
    digits = {
        path.parts[-3]: pl.read_parquet_schema(path)["charge"]
        for path in home.path.glob("tables/bill_lines/*/*/*.parquet")
    }
    assert digits == {APRIL: pl.Decimal(38, 10), MAY: pl.Decimal(NARROW, 10)}


def test_every_command_goes_on_with_them(home: Home) -> None:
    calls(home, "a", *["86400"] * 3)
    run(home)
    issue(home)
    run(home, MAY)
    home.edit("voice_outbound", "default_vnd,France,60000", "default_vnd,France,69000")
    for command in (("verify",), ("rebuild",), ("simulate",), ("correct", "--new-tariff")):
        said = call(*command, APRIL, *home.arguments)
        assert said.status == 0, said.err
    said = call("correct", APRIL, "--new-tariff", "--issue", "--reason", "a new price", "--json", *home.arguments)
    assert [row["net_amount"] for row in said.result["notes"]] == ["38880000.0000"]
    for command in ("verify", "rebuild"):
        assert call(command, APRIL, *home.arguments).status == 0
    for name in (f"{APRIL}:B1", f"{APRIL}:B1:1", "a-0"):
        said = call("explain", name, *home.arguments)
        assert said.status == 0, said.err


def test_what_was_charged_is_not_given_back_for_a_bound(home: Home) -> None:
    calls(home, "a", "600", "601")
    run(home)
    issue(home)
    home.settings(f"{FIRST_MONTH}[bounds]\nrecord_seconds = 600\n")
    said = call("correct", APRIL, "--new-tariff", "--json", *home.arguments)
    assert (said.result["accounts"], said.result["lost"]) == ([], {})


def test_what_waits_for_a_bound_is_not_charged_by_a_correction(home: Home) -> None:
    home.settings(f"{FIRST_MONTH}[bounds]\nrecord_seconds = 600\n[issue]\nsuspense_percent = 100\n")
    calls(home, "a", "600", "601")
    run(home)
    issue(home)
    assert call("correct", APRIL, "--new-tariff", "--json", *home.arguments).result["accounts"] == []


def test_simulated_prices_may_be_beyond_a_bound(home: Home) -> None:
    home.settings(f"{FIRST_MONTH}[bounds]\nrecord_amount = 600000\n")
    calls(home, "a", "600", "599")
    run(home)
    home.edit("voice_outbound", "default_vnd,France,60000", "default_vnd,France,60001")
    found = call("simulate", APRIL, "--json", *home.arguments).result
    assert found["unpriced"] == [{"reason": "bad_value", "legs": 1}]


def test_legs_of_the_longest_duration_pass_the_controls(home: Home) -> None:
    forwarded = {"direction": "inbound", "from_number": OTHERS[1], "to_number": OWN, "linked_id": "L"}
    calls(home, "a", LONGEST, forwarded_to=OTHERS[0], forwarded_seconds=LONGEST, **forwarded)
    calls(home, "b", LONGEST, linked_id="L", to_number=OTHERS[1])
    run(home)
    assert [reason for _, reason, _ in states(home)] == ["bad_value"] * 3
    assert rows(home, "SELECT sum(seconds) FROM usage_files") == [(3 * int(LONGEST),)]


def test_amounts_of_reference_files_have_a_limit(home: Home) -> None:
    home.add("credits", "C9,A1,top_up,9999999999999.99,EUR,2026-03-20T10:00:00Z,P9")
    run(home)
    assert rows(home, "SELECT vat_amount, total_paid FROM receipts WHERE credit_id = 'C9'") == [
        (Decimal("2000000000000.0000"), Decimal("11999999999999.9900"))
    ]
    home.add("credits", "C10,A1,goodwill,-10000000000000,EUR,2026-03-21T10:00:00Z,")
    said = call("check", *home.arguments)
    assert said.status == 2
    assert (
        "credits.csv: line 7, column amount: found '-10000000000000', expected an amount below 10,000,000,000,000"
        in said.err
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("record_seconds = -1", "record_seconds: -1 is no number from 0 to 2147483647 (0: no bound)"),
        ("record_amount = 3000000000", "record_amount: 3000000000 is no number from 0 to 2147483647 (0: no bound)"),
        ('record_seconds = "600"', "record_seconds: a whole number is expected"),
        ("record_second = 600", "unknown key 'record_second' in [bounds]; known are record_seconds, record_amount"),
    ],
)
def test_a_senseless_bound_is_told(home: Home, line: str, sentence: str) -> None:
    home.settings(f"{FIRST_MONTH}[bounds]\n{line}\n")
    said = call("run", APRIL, *home.arguments)
    assert (said.status, said.out) == (2, "")
    assert sentence in said.err
