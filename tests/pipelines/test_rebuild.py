"""An issued month made once more from what it was made from, whatever has come since."""

from __future__ import annotations

import duckdb
import pytest

from tests.pipelines.command import call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.test_issue import issue, run
from tests.pipelines.traffic import CALL

APRIL, MAY = "2026-04", "2026-05"


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """April was issued in two parts, with a price change between; late usage stands in May; both were corrected."""
    home = make_home(tmp_path_factory.mktemp("rebuild"))
    home.traffic([APRIL, MAY], records=120)
    home.usage("stranger.csv", [CALL | {"record_id": "stranger", "from_number": "+33184000009"}])
    run(home, APRIL)
    call("park", APRIL, "A2", "--reason", "in doubt", "--by", "Ann", *home.arguments)
    issue(home, APRIL)
    home.add("voice_outbound", "default_eur,France mobile,0.050000,0,1,1,2026-04-10")
    home.usage("late.csv", [CALL | {"record_id": f"late{n}", "from_number": f"+3318400000{n}"} for n in (1, 3, 4)])
    run(home, APRIL, MAY)
    call("release", APRIL, "A2", "--reason", "mended", "--by", "Ann", *home.arguments)
    issue(home, APRIL)
    home.add("numbers", "+33184000009,A3,FR,geographic,false,2026-04-01,")
    run(home, MAY)
    issue(home, MAY)
    home.add("voice_outbound", "default_eur,United Kingdom,0.030000,0,1,1,2026-05-01")
    for month in (APRIL, MAY):
        assert call("correct", month, "--new-tariff", "--issue", *home.arguments).status == 0
    home.settings('[billing]\nfirst_month = "2026-04"\n[issue]\nbill_prefix = "NEW-"\n')
    home.prices("sms_outbound", "price_list,country,price_per_segment,valid_from\n")
    return home


@pytest.mark.parametrize("month", [APRIL, MAY])
def test_the_same_comes_out(eventful: Home, month: str) -> None:
    said = call("rebuild", month, *eventful.arguments)
    assert (said.status, said.err) == (0, "")
    assert f"{month} comes out as it was issued" in said.out
    assert not list(eventful.path.glob(".rebuild*"))


def test_every_part_was_looked_at(eventful: Home) -> None:
    with duckdb.connect(str(eventful.path / "warehouse.duckdb"), read_only=True) as warehouse:
        parts = "SELECT billing_month, count(*) FROM issues GROUP BY 1 ORDER BY 1"
        assert warehouse.execute(parts).fetchall() == [(APRIL, 3), (MAY, 2)]
        late = "SELECT count(*) FROM rated_usage WHERE usage_month <> billing_month"
        assert warehouse.execute(late).fetchall() == [(3,)]


def test_a_raw_file_may_have_another_name(eventful: Home) -> None:
    place = eventful.path / "inbox/standard/late.csv"
    place.rename(place.with_name("renamed.csv"))
    assert call("rebuild", MAY, *eventful.arguments).status == 0
    place.with_name("renamed.csv").rename(place)


def test_what_it_was_made_from_is_gone(eventful: Home) -> None:
    place = eventful.path / "inbox/standard/late.csv"
    text = place.read_bytes()
    place.write_bytes(text.replace(b"late1", b"late7"))
    said = call("rebuild", MAY, *eventful.arguments)
    assert said.status == 2
    assert "inbox/standard/late.csv: not in the inbox any more" in said.err
    place.write_bytes(text)
    for kept in (eventful.path / "kept").iterdir():
        content = kept.read_bytes()
        kept.write_bytes(content + b"\n")
        said = call("rebuild", APRIL, *eventful.arguments)
        assert (said.status, "was changed" in said.err) in ((2, True), (0, False))
        kept.unlink()
        said = call("rebuild", APRIL, *eventful.arguments)
        assert (said.status, "is missing" in said.err) in ((2, True), (0, False))
        kept.write_bytes(content)


def test_another_outcome_is_told(eventful: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.rating.charge.SECONDS_PER_MINUTE", 61)
    said = call("rebuild", APRIL, *eventful.arguments)
    assert said.status == 1
    assert "rated_usage of 2026-04, issue 1" in said.err
