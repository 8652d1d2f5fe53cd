"""A month whose inputs had a fault that was mended, and recycled, has the same bills as one whose inputs were right.

Each case is a month of random calls and messages, run with one or two faults, mended and recycled:
pytest tests/faults/test_fix_and_recycle.py --recycleds 1000
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from tests.pipelines.homes import Home, make_home
from tests.pipelines.switch import RIGHT, calls, recycle, settings, switch_format
from tests.pipelines.traffic import OTHERS, OWN
from tests.support import Published, read_published, run_stages, scratch

MONTHS = ["2026-04", "2026-05"]
NATIONAL = ("0184000001", "0184000002", "0184000003", "0184000004", "+12125550101")
CALLED = ("0639980001", "0145000001", "+442079460123", "+12025550142", "01 45 00 00 07")
NEW_ACCOUNT = "A6,Late,a6@example.com,FR,,postpaid,bank_transfer,EUR,,2026-01-01,"
NEW_NUMBER = "+33184000007,A6,FR,geographic,false,2026-02-01,"

Fault = Callable[[Home, random.Random], Callable[[], str | None]]
"""Puts a fault into a home; what it returns mends it, and says of which source all is to be read again, if of any."""


def without_a_line(table: str) -> Fault:
    """One line of a price or reference table is missing."""

    def fault(home: Home, chance: random.Random) -> Callable[[], str | None]:
        path = next(path for path in home.path.parent.rglob(f"{table}.csv") if "kept" not in path.parts)
        whole = path.read_text("utf-8")
        head, *lines = whole.splitlines(keepends=True)
        del lines[chance.randrange(len(lines))]
        path.write_text(head + "".join(lines), encoding="utf-8")
        return lambda: _written(path, whole)

    return fault


def _written(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def account_missing(home: Home, chance: random.Random) -> Callable[[], str | None]:
    """An account and its number are not there yet."""
    del chance
    home.edit("accounts", NEW_ACCOUNT + "\n", "")
    home.edit("numbers", NEW_NUMBER + "\n", "")

    def mend() -> None:
        home.add("accounts", NEW_ACCOUNT)
        home.add("numbers", NEW_NUMBER)

    return mend


def setting_wrong(name: str, *values: str) -> Fault:
    """A setting of the source is wrong, and the records are read, but not right."""

    def fault(home: Home, chance: random.Random) -> Callable[[], str | None]:
        settings(home, **{**RIGHT, name: chance.choice(values)})

        def mend() -> str:
            settings(home, **RIGHT)
            return "switch"

        return mend

    return fault


def mapping_wrong(home: Home, chance: random.Random) -> Callable[[], str | None]:
    """By a wrong mapping no start of a call can be read."""
    del chance
    settings(home, **RIGHT, template="${epoch}")
    return lambda: settings(home, **RIGHT)


OF_TABLES = [
    without_a_line(name)
    for name in (
        "voice_outbound",
        "voice_inbound",
        "sms_outbound",
        "sms_inbound",
        "number_fees",
        "destinations",
        "numbers",
    )
]
OF_SOURCE = [
    setting_wrong("time_zone", "America/New_York", "Asia/Tokyo", "UTC", "Australia/Lord_Howe"),
    setting_wrong("country", "US", "GB", "DE"),
    mapping_wrong,
]


def write_month(home: Home, chance: random.Random) -> None:
    """Random usage of April and May, close to their bounds as well: records of both formats, some of them twice."""
    home.add("accounts", NEW_ACCOUNT)
    home.add("numbers", NEW_NUMBER)
    settings(home, **RIGHT)
    begins = datetime(2026, 4, 1, 3)
    rows: list[tuple[object, ...]] = []
    for place in range(chance.randint(4, 14)):
        at = begins + timedelta(
            minutes=chance.choice((chance.randrange(60 * 24 * 59), 60 * 24 * 30 - 240 + place * 30))
        )
        ends = (chance.choice((*NATIONAL, "0184000007")), chance.choice(CALLED))
        if chance.random() < 0.3:
            later = at + timedelta(seconds=chance.randrange(600))
            rows += [(f"p{place}", "INVITE", *ends, f"{at}", ""), (f"p{place}", "BYE", *ends, f"{later}", "")]
        else:
            rows.append((f"s{place}", "", *ends, f"{at}", chance.randrange(900)))
    rows += chance.sample(rows, chance.randint(0, 2))
    cut = chance.randint(0, len(rows))
    calls(home, "a.csv", rows[:cut])
    calls(home, "b.csv", rows[cut:])
    standard = []
    for place in range(chance.randint(3, 9)):
        at = begins + timedelta(minutes=chance.randrange(60 * 24 * 59))
        own, other = chance.choice((*OWN, "+33184000007")), chance.choice(OTHERS)
        service, direction = chance.choice(("voice", "sms")), chance.choice(("inbound", "outbound"))
        ends = (own, other) if direction == "outbound" else (other, own)
        what = {"duration_seconds": f"{chance.randrange(900)}"} if service == "voice" else {"segments": "2"}
        if (service, direction) == ("voice", "inbound"):
            what |= {"forwarded_to": chance.choice(OTHERS), "forwarded_seconds": f"{chance.randrange(60)}"}
        named = {
            "record_id": f"r{place}",
            "service": service,
            "direction": direction,
            "started_at": f"{at.isoformat()}Z",
        }
        standard.append(named | what | {"from_number": ends[0], "to_number": ends[1]})
    home.usage("c.csv", standard)


TABLES = ("rated_usage", "number_fees", "bill_lines", "bills", "usage_files")


def outcome(case: int, *, faulty: bool) -> tuple[dict[str, str], int]:
    """The tables of the case as CSV, and how many records are in open suspense at the end."""
    faults = random.Random(f"faults {case}")
    with scratch() as folder:
        home = make_home(folder)
        write_month(home, random.Random(case))
        kinds = [faults.choice([*OF_TABLES, account_missing]), faults.choice(OF_SOURCE)]
        chosen = faults.choice((kinds, kinds[:1], kinds[1:])) if faulty else []
        mends = [fault(home, faults) for fault in chosen]
        found = run_stages(home.path, home.price_tables, MONTHS)
        if faulty:
            for source in {mend() for mend in mends}:
                recycle(home, source)
            found = Published(read_published(home.path), [])
    tables = {name: found.tables[name].drop("loaded_at", strict=False).write_csv() for name in TABLES}
    return tables, found.tables["suspense"].filter(state="open").height


def test_mended_and_recycled_is_as_it_would_have_been(recycled: int) -> None:
    with switch_format():
        clean, mended = outcome(recycled, faulty=False), outcome(recycled, faulty=True)
    assert clean == mended
