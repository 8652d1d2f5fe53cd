"""What `callbill explain` says of records, rated or suspended, with the figures worked out by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import BadInput
from pipelines.explain import explain
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.explained import FIRST_FILE, NUMBERS, SECOND_FILE, august, copied, facts_of, said, text_of
from tests.pipelines.homes import Home, make_home
from tests.support import run_stages


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose August is published. Nobody may change it."""
    return august(tmp_path_factory.mktemp("explain"))


class TestRecord:
    """A rated leg, from its raw record to the bill line."""

    @pytest.mark.parametrize(
        ("identifier", "arithmetic"),
        [
            ("standard:voice:c-1", "83 s x 0.012000 EUR/min / 60 = 0.0166000000 EUR"),
            ("c-2", "0.010000 + 66 s x 0.040000 EUR/min / 60 = 0.0540000000 EUR"),
            ("m-1", "1 segment x 0.040000 EUR = 0.0400000000 EUR"),
            ("m-2", "2 segments x 0.040000 EUR = 0.0800000000 EUR"),
            ("m-5", "3 segments x 0.050000 EUR = 0.1500000000 EUR"),
            ("m-4", "1 message x 0.010000 EUR = 0.0100000000 EUR"),
            ("u-1", "83 s x 0.010000 USD/min / 60 = 0.0138333333 USD"),
            ("standard:voice:i-1", "60 s x 0.006000 EUR/min / 60 = 0.0060000000 EUR"),
            ("standard:voice:i-1:forwarded", "30 s x 0.012000 EUR/min / 60 = 0.0060000000 EUR"),
        ],
    )
    def test_arithmetic(self, home: Home, identifier: str, arithmetic: str) -> None:
        assert said(text_of(home, identifier), "charge")[0] == arithmetic
        assert facts_of(home, identifier)["arithmetic"] == arithmetic

    def test_a_charge_that_was_rounded_says_so(self, home: Home) -> None:
        assert "rounded half away from zero to 10 decimals" in text_of(home, "u-1")
        assert "rounded" not in text_of(home, "standard:voice:c-1")

    def test_increments(self, home: Home) -> None:
        assert said(text_of(home, "c-2"), "increments") == ["61 s at 30/6 -> 30 + 6 x 6 = 66 s"]
        assert said(text_of(home, "c-6"), "increments") == ["7 s at 1/1 -> 7 s"]

    def test_reading(self, home: Home) -> None:
        text = text_of(home, "c-3")
        assert said(text, "to_number") == ["0033145000001 read as +33145000001: the other party"]
        assert said(text, "from_number") == ["+33184000003: the customer's own"]
        assert said(text, "started_at") == ["2026-08-05T10:00:00+02:00 read as 2026-08-05 08:00:00 UTC"]
        assert said(text, "duration") == ["82.4 read as 83 s, rounded up to whole seconds"]
        assert said(text_of(home, "m-1"), "length") == ["1 segment, counted from its text, which is not kept"]
        assert said(text_of(home, "m-5"), "length") == ["3 segments, stated by the source"]

    def test_account_and_why(self, home: Home) -> None:
        assert said(text_of(home, "standard:voice:c-1"), "why") == ["the record states the account"]
        (why,) = said(text_of(home, "c-3"), "why")
        assert why == ("+33184000003 was held by it at that moment: numbers.csv line 3, since 2026-02-01 00:00:00 UTC")
        assert facts_of(home, "c-3")["account"] == {"account_id": "A2", "why": "held", "line": 3}

    def test_prefix_and_price_row(self, home: Home) -> None:
        facts = facts_of(home, "c-2")
        assert (facts["destination"]["prefix"], facts["destination"]["line"]) == ("336", 3)
        price = facts["price"]
        assert (price["line"], price["price_list"], price["valid_from"]) == (10, "own", "2026-06-01")
        assert (price["first_increment"], price["increment"]) == (30, 6)
        text = text_of(home, "c-2")
        assert "own: the account's own list" in said(text, "price list")
        assert said(text_of(home, "m-1"), "price list") == [
            "default_eur: the default list of EUR, as the account has no list of its own"
        ]

    def test_own_list_without_a_row(self, home: Home) -> None:
        inbound = text_of(home, "standard:voice:i-1")
        assert said(inbound, "number called") == ["+33184000001 is FR geographic: numbers.csv line 2"]
        assert said(inbound, "price row")[0].startswith("voice_inbound.csv line 2 (")

    def test_bill_line(self, home: Home) -> None:
        line = facts_of(home, "c-2")["bill_line"]
        assert line == "2026-08:A3:1"
        assert said(text_of(home, "c-2"), "line") == ["2026-08:A3:1, 0.05 EUR: the only record of it"]

    def test_other_legs(self, home: Home) -> None:
        assert facts_of(home, "standard:voice:i-1")["other_legs"] == ["standard:voice:i-1:forwarded"]
        both = explain(home.installation, "i-1")["found"]
        assert [leg["leg"] for leg in both] == ["main", "forwarded"]

    @pytest.mark.parametrize(
        ("identifier", "why"),
        [
            ("c-4", "the call was not answered (no_answer)"),
            ("c-5", "the call lasted 0 s"),
            ("m-3", "the carrier never accepted the message (failed)"),
        ],
    )
    def test_nothing_charged(self, home: Home, identifier: str, why: str) -> None:
        (charge,) = said(text_of(home, identifier), "charge")
        assert charge.startswith(f"{why}: nothing is charged")
        assert facts_of(home, identifier)["bill_line"] is None


class TestPlace:
    """Where the raw record stands."""

    def test_every_record_of_the_csv_file_is_found_on_its_line(self, home: Home) -> None:
        lines = (home.path / "inbox" / "standard" / "1.csv").read_text().split("\n")
        for number, record in enumerate(FIRST_FILE, start=1):
            raw = explain(home.installation, f"inbox/standard/1.csv:{number}")["found"][0]["raw"]
            assert lines[raw["line"] - 1].startswith(f"{record['record_id']},"), record
            assert raw["record_number"] == number

    def test_json_lines_are_counted_without_compression(self, home: Home) -> None:
        raw = [facts_of(home, name)["raw"] for name in ("m-4", "u-1", "m-5")]
        assert [(item["record_number"], item["line"]) for item in raw] == [(2, 4), (3, 6), (4, 8)]
        assert "number 4, line 8 of the text" in text_of(home, "m-5")

    def test_a_file_of_columns_has_no_lines(self, home: Home) -> None:
        raw = facts_of(home, "p-07")["raw"]
        assert (raw["record_number"], raw["line"]) == (8, None)
        assert Path(raw["path"]).name == "3.parquet"

    def test_a_record_without_a_name_is_named_by_its_place(self, home: Home) -> None:
        facts = facts_of(home, "inbox/standard/1.csv:14")
        assert (facts["type"], facts["reason"]) == ("suspended", "unreadable")
        with pytest.raises(BadInput, match="record 99 of that file is neither rated nor in suspense"):
            explain(home.installation, "inbox/standard/1.csv:99")

    def test_a_file_that_was_moved_is_found_by_its_content(self, home: Home, tmp_path: Path) -> None:
        copy = copied(home, tmp_path)
        (copy.path / "inbox" / "standard" / "1.csv").rename(copy.path / "inbox" / "standard" / "moved")
        facts = facts_of(copy, "c-3")
        assert facts["raw"]["path"].endswith("moved")
        assert facts["raw"]["line"] == facts_of(home, "c-3")["raw"]["line"]

    def test_a_file_that_is_gone_or_changed_is_not_read(self, home: Home, tmp_path: Path) -> None:
        copy = copied(home, tmp_path)
        raw = copy.path / "inbox" / "standard" / "1.csv"
        raw.write_text(raw.read_text().replace(",83,", ",84,"))
        text = text_of(copy, "standard:voice:c-1")
        assert "is not there any more as it was loaded" in text
        assert "83 s x 0.012000 EUR/min / 60 = 0.0166000000 EUR" in text
        raw.unlink()
        assert "is not there any more as it was loaded" in text_of(copy, "standard:voice:c-1")


class TestSuspense:
    """Records that wait."""

    @pytest.mark.parametrize(
        ("identifier", "reason", "todo"),
        [
            ("bad", "bad_value", "mend the record at its source"),
            ("nobody", "account_unknown", "add the account to accounts.csv"),
            ("nowhere", "no_destination", "add a prefix of the number to destinations.csv"),
            ("unpriced", "no_price", "add a row to voice_outbound.csv"),
            ("standard:voice:unpriced", "no_price", "add a row to voice_outbound.csv"),
        ],
    )
    def test_reason_and_what_to_do(self, home: Home, identifier: str, reason: str, todo: str) -> None:
        text = text_of(home, identifier)
        assert said(text, "reason") == [reason]
        assert said(text, "what to do")[0].startswith(todo)
        assert facts_of(home, identifier)["type"] == "suspended"

    def test_the_number_in_full_where_it_could_be_read(self, home: Home) -> None:
        (read,) = said(text_of(home, "nowhere"), "read as")
        assert read.startswith("outbound call from +33184000003 to +99912345678, answered")

    def test_another_service_has_another_name(self, home: Home) -> None:
        with pytest.raises(BadInput):
            explain(home.installation, "standard:sms:unpriced")

    def test_a_conflicting_duplicate(self, home: Home) -> None:
        stands, waits = explain(home.installation, "c-1")["found"]
        assert (stands["type"], stands["billable_seconds"]) == ("record", 83)
        assert (waits["type"], waits["reason"]) == ("suspended", "conflicting_duplicate")
        text = text_of(home, "c-1")
        assert "billable_seconds: 84 here, 83 in the record that stands" in text
        assert "own_number:" not in text

    def test_a_number_without_a_fee(self, tmp_path: Path) -> None:
        home = make_home(tmp_path)
        home.reference("numbers", NUMBERS + "+33800000001,A2,FR,toll_free,false,2026-02-01,\n")
        run_stages(home.path, home.price_tables, ["2026-08"])
        text = text_of(home, "+33800000001")
        assert said(text, "number") == ["+33800000001: numbers.csv line 6, its monthly fee of 2026-08"]
        assert said(text, "what to do")[0].startswith("add a row to number_fees.csv")

    def test_recycled(self, tmp_path: Path) -> None:
        copy = august(tmp_path)
        destinations = copy.price_tables / "destinations.csv"
        copy.prices("destinations", destinations.read_text() + "999,France,FR\n")
        run_stages(copy.path, copy.price_tables, ["2026-08"])
        rated, waited = explain(copy.installation, "nowhere")["found"]
        assert (rated["type"], rated["destination"]["prefix"]) == ("record", "999")
        assert (waited["state"], "what_to_do" in waited) == ("recycled", False)


class TestAll:
    """What holds of every explanation."""

    def test_no_text_of_a_message_is_shown(self, home: Home) -> None:
        names = [record["record_id"] for record in [*FIRST_FILE, *SECOND_FILE]]
        for identifier in [*names, "2026-08:A2", "2026-08:A2:2", "2026-08:A1", "inbox/standard/1.csv:14"]:
            shown = json.dumps(explain(home.installation, identifier), ensure_ascii=False)
            assert "4711" not in shown
            assert "noon" not in shown

    def test_facts_are_json_without_floats(self, home: Home) -> None:
        for identifier in ("c-1", "2026-08:A2", "2026-08:A2:1", "R-2026-000001", "bad", "i-1"):
            found = explain(home.installation, identifier)
            assert json.loads(json.dumps(found)) == found
            assert not any(isinstance(value, float) for value in leaves(found))

    def test_while_a_run_holds_the_warehouse(self, home: Home) -> None:
        with Warehouse.open(home.installation):
            assert facts_of(home, "c-3")["charge"] == "0.0166000000"

    def test_a_price_that_was_edited_is_told(self, home: Home, tmp_path: Path) -> None:
        copy = copied(home, tmp_path)
        prices = copy.price_tables / "voice_outbound.csv"
        prices.write_text(prices.read_text().replace("France,0.012000", "France,0.013000"))
        assert "the row says 0.013000 now" in text_of(copy, "c-3")
        prices.write_text(prices.read_text().replace(",30,6,", ",60,60,"))
        assert "charged were 66 s: the row had other increments then" in text_of(copy, "c-2")
        prices.write_text(prices.read_text().replace("default_eur,France,", "default_eur,United States,"))
        assert "no row of voice_outbound.csv as it stands now" in text_of(copy, "c-3")

    @pytest.mark.parametrize("identifier", ["", "c-99", "2026-08:A99", "2026-08:A2:99", "2026-13:A2", "R-1", "'"])
    def test_unknown(self, home: Home, identifier: str) -> None:
        with pytest.raises(BadInput, match=r"a bill \(2026-10:A0001\).*Published months: 2026-08"):
            explain(home.installation, identifier)

    def test_nothing_published(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="run a month first"):
            explain(make_home(tmp_path).installation, "c-1")

    def test_a_home_that_was_moved(self, tmp_path: Path) -> None:
        home = make_home(tmp_path)
        run_stages(home.path, home.price_tables, ["2026-08"])
        shutil.move(home.path, tmp_path / "elsewhere")
        moved = Home(tmp_path / "elsewhere", home.price_tables)
        with pytest.raises(BadInput, match="publish it anew"):
            explain(moved.installation, "2026-08:A2")


def leaves(value: Any) -> list[Any]:
    """Every plain value within dicts and lists."""
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]
