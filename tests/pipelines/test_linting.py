"""What `callbill check` notes of price tables, held against what is published: sentences as a person reads them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.operations.check import check_inputs
from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.traffic import CALL, MESSAGE
from tests.support import run_stages

TODAY = date(2026, 10, 15)
SELLER = '[billing]\nfirst_month = "2026-04"\n[seller]\nname = "Exemple"\nvat_number = "FR44732829320"\n'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with nothing to note, in which nothing was run."""
    home = make_home(tmp_path)
    home.settings(SELLER)
    home.edit("accounts", "direct_debit", "bank_transfer")
    return home


def notes(home: Home, today: date = TODAY) -> list[str]:
    found: list[str] = check_inputs(home.installation, today)["warnings"]
    return found


def test_prefixes_that_decide_nothing(home: Home) -> None:
    home.add("destinations", *(f"44{digit},UK {digit},GB" for digit in range(9)))
    home.add("voice_outbound", *(f"default_eur,UK {digit},0.015000,0,1,1,2025-01-01" for digit in range(10)))
    home.edit("destinations", "1,United States,US\n", "1,United States,US\n\n449,UK 9,GB\n")
    home.edit("destinations", "440,UK 0,GB\n", "".join(f"440{digit},UK 0,GB\n" for digit in range(10)))
    said = "prefixes of destinations.csv that decide no number, as longer ones cover every number that begins with them"
    assert notes(home) == [f"{said} (1): line 4: 44 United Kingdom"]


def test_a_price_ten_times_its_predecessor_the_newest_first(home: Home) -> None:
    home.add("voice_outbound", "own,France mobile,0.400000,0.010000,30,6,2026-10-01")
    home.add("voice_outbound", "own,France mobile,0.400000,0.100000,30,6,2026-11-01")
    home.add("sms_inbound", "default_eur,0.001000,2026-12-01")
    home.add("number_fees", "default_usd,US,geographic,11.500000,daily,2026-12-01")
    home.add("sms_outbound", "default_eur,GB,0.190000,2026-12-01")
    (sentence,) = notes(home)
    assert sentence == (
        "prices that are ten times, or a tenth of, the price in force before them (4): "
        "sms_inbound.csv line 4: default_eur price_per_message 0.001000 against 0.010000 in line 2, "
        "number_fees.csv line 4: default_usd US geographic monthly_fee 11.500000 against 1.150000 in line 3, "
        "voice_outbound.csv line 12: own France mobile connection_fee 0.100000 against 0.010000 in line 11, "
        "voice_outbound.csv line 11: own France mobile price_per_minute 0.400000 against 0.040000 in line 10"
    )


def test_a_jump_is_told_until_the_month_after_it_is_over(home: Home) -> None:
    home.add("voice_inbound", "default_eur,FR,geographic,0.060000,0,1,1,2026-08-10")
    home.add("voice_inbound", "default_eur,FR,geographic,0.006000,0,1,1,2026-08-20")
    assert [len(notes(home, day)) for day in (date(2026, 8, 31), date(2026, 9, 30), date(2026, 10, 1))] == [1, 1, 0]


def test_a_price_ten_times_the_default(home: Home) -> None:
    home.add("sms_outbound", "own,FR,0.005000,2026-10-01")
    assert notes(home) == [
        (
            "prices that are ten times, or a tenth of, that of the default list of their currency (1): "
            "sms_outbound.csv line 8: own FR price_per_segment 0.005000 against 0.050000 in line 2"
        )
    ]


def test_a_price_five_times_that_of_another_currency(home: Home) -> None:
    home.edit("sms_outbound", "default_usd,FR,0.055000", "default_usd,FR,0.550000")
    assert notes(home) == [
        (
            "prices of default lists that are five times, or a fifth of, that of another currency's, as these two lists go (1): "
            "sms_outbound.csv line 2: default_eur FR price_per_segment 0.050000 against 0.550000 in line 5"
        )
    ]


def test_a_price_ten_times_the_others_of_its_country(home: Home) -> None:
    home.add("destinations", "3389,France special,FR", "870,Inmarsat,001", "883,Networks,001")
    home.add("voice_outbound", "default_eur,France special,0.450000,0,1,1,2025-01-01")
    home.add(
        "voice_outbound", *(f"default_eur,{n},{p},0,1,1,2025-01-01" for n, p in (("Inmarsat", 5), ("Networks", 0.1)))
    )
    home.add("number_fees", "default_eur,FR,mobile,10,none,2025-01-01")
    assert notes(home) == [
        (
            "prices that are ten times the dearest other, or a tenth of the cheapest other, of their country in their list "
            "(2): voice_outbound.csv line 11: default_eur France special price_per_minute 0.450000 against 0.045000 in line 3, "
            "number_fees.csv line 4: default_eur FR mobile monthly_fee 10.000000 against 1.000000 in line 2"
        )
    ]


APRIL = [CALL | {"record_id": f"c{n}", "to_number": f"+3363999000{n}"} for n in range(3)]
APRIL += [CALL | {"record_id": "free", "duration_seconds": "0", "status": "no_answer", "to_number": "+12025550142"}]
APRIL += [MESSAGE | {"record_id": "m1"}, CALL | {"record_id": "lost", "to_number": "+99912345678"}]
APRIL += [CALL | {"record_id": "unpriced", "to_number": "+4930123456"}]


@pytest.fixture
def billed(home: Home) -> Home:
    """The home with April published: three calls to French mobiles, a message to France, two records in suspense."""
    home.add("destinations", "49,Germany,DE")
    home.usage("april.csv", APRIL)
    run_stages(home.path, home.price_tables, ["2026-04"])
    home.add("voice_outbound", "default_eur,Germany,0.015000,0,1,1,2026-05-01")
    return home


SUSPENSE = [
    (
        "legs and fees in open suspense for want of a price, 1 as last published; callbill recycle puts through what has "
        "one now (1): no voice price for Germany: 1"
    ),
    (
        "legs and fees in open suspense for want of a destination, 1 as last published; callbill recycle puts through what "
        "has one now (1): no prefix of destinations.csv matches +9991…: 1"
    ),
]


def test_what_waits_in_suspense_is_told_masked(billed: Home) -> None:
    assert notes(billed) == SUSPENSE
    billed.published.chmod(0o600)
    with duckdb.connect(str(billed.published)) as connection:
        connection.execute("UPDATE suspense SET state = 'recycled' WHERE reason = 'no_price'")
    assert notes(billed) == SUSPENSE[1:]


def test_traffic_without_a_price(billed: Home) -> None:
    billed.edit("voice_outbound", "default_eur,France mobile,0.045000,0,1,1,2025-01-01\n", "")
    billed.edit("voice_outbound", "default_eur,United States,0.010000,0,1,1,2025-01-01\n", "")
    billed.edit("sms_outbound", "default_eur,FR,0.050000,2025-01-01", "default_eur,FR,0.050000,2026-10-16")
    when = "traffic billed in 2026-04 that would have no price on"
    mobile, message = "outbound voice France mobile EUR: 3 legs", "outbound sms FR EUR: 1 leg"
    assert notes(billed) == [f"{when} 2026-10-15 (2): {mobile}, {message}", *SUSPENSE]
    assert notes(billed, date(2026, 10, 16)) == [f"{when} 2026-10-16 (1): {mobile}", *SUSPENSE]


def test_traffic_whose_prefix_was_removed(billed: Home) -> None:
    billed.edit("destinations", "33,France,FR\n336,", "3360,")
    said = "traffic billed in 2026-04 to numbers under which destinations.csv has no prefix any more"
    found = [f"{said} (2): outbound voice France mobile EUR: 3 legs, outbound sms France EUR: 1 leg"]
    billed.add("destinations", "32,France,FR")
    assert notes(billed) == found + SUSPENSE


def test_a_prefix_carved_out_needs_a_price(billed: Home) -> None:
    billed.add("destinations", "33639990001,France special,FR")
    billed.add("voice_outbound", "default_usd,France special,0.01,0,1,1,2025-01-01")
    said = "traffic billed in 2026-04 that would have no price on 2026-10-15"
    assert notes(billed) == [f"{said} (1): outbound voice France special EUR: 1 leg", *SUSPENSE]


def test_accounts_that_are_closed_need_no_price(billed: Home) -> None:
    billed.edit("voice_outbound", "default_eur,France mobile,0.045000,0,1,1,2025-01-01\n", "")
    billed.edit("accounts", "bank_transfer,EUR,,2026-01-01,", "bank_transfer,EUR,,2026-01-01,2026-09-30")
    assert notes(billed) == SUSPENSE
    assert len(notes(billed, date(2026, 9, 30))) == 3


def test_the_latest_three_months_count(home: Home) -> None:
    home.usage("april.csv", [CALL])
    home.usage("may.csv", [MESSAGE | {"started_at": "2026-05-05T10:00:00Z"}])
    run_stages(home.path, home.price_tables, ["2026-04", "2026-05", "2026-06"])
    home.edit("voice_outbound", "default_eur,France,0.012000,0,1,1,2025-01-01\n", "")
    home.edit("sms_outbound", "default_eur,FR,0.050000,2025-01-01\n", "")
    said = "traffic billed in 2026-{} to 2026-{} that would have no price on 2026-10-15 ({}): {}"
    call_, message = "outbound voice France EUR: 1 leg", "outbound sms FR EUR: 1 leg"
    assert notes(home) == [said.format("04", "06", 2, f"{message}, {call_}")]
    run_stages(home.path, home.price_tables, ["2026-07"])
    assert notes(home) == [said.format("05", "07", 1, message)]


def test_months_ahead_are_asked_on_their_last_day(home: Home) -> None:
    home.usage("april.csv", [CALL])
    run_stages(home.path, home.price_tables, ["2026-04"])
    home.edit(
        "voice_outbound", "default_eur,France,0.012000,0,1,1,2025-01-01", "default_eur,France,0.012000,0,1,1,2026-04-30"
    )
    assert notes(home, date(2026, 4, 1)) == []


def test_a_published_file_that_cannot_be_read_is_a_note(billed: Home) -> None:
    billed.published.chmod(0o600)
    billed.published.write_bytes(b"no database")
    (sentence,) = notes(billed)
    assert sentence.startswith("the published traffic cannot be read, so that nobody looked for what has no price: ")
    assert sentence.endswith(f" ({billed.published})")
    said = call("check", *billed.arguments)
    assert (said.status, said.err) == (0, "")
    assert f"note: {sentence}" in said.out


def test_months_whose_files_are_gone_are_a_note(billed: Home) -> None:
    for path in (billed.path / "tables" / "rated_usage").rglob("*.parquet"):
        path.unlink()
    (sentence,) = notes(billed)
    assert sentence.startswith("the published traffic cannot be read")


def test_nothing_is_written(billed: Home) -> None:
    def state() -> dict[str, tuple[int, int]]:
        paths = [path for path in billed.path.rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in paths}

    before = state()
    assert call("check", *billed.arguments).status == 0
    assert state() == before


def test_no_whole_number_is_told(billed: Home) -> None:
    billed.edit("destinations", "33,France,FR\n336,France mobile,FR\n", "")
    home = Home(billed.path, billed.price_tables)
    home.prices("voice_outbound", (home.price_tables / "voice_outbound.csv").read_text().split("\n")[0] + "\n")
    said = call("check", *home.arguments, "--json")
    assert said.status == 0
    assert len(said.result["warnings"]) > 3
    assert not any(record[end].lstrip("+") in said.out for record in APRIL for end in ("from_number", "to_number"))
