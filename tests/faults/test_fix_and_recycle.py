"""A month whose inputs had faults that were mended, and recycled, has the same bills as one whose inputs were right.

A home holds CASES cases, each an account with its own prices, number and source, its own random traffic, and a random
fault or two: pytest tests/faults/test_fix_and_recycle.py --mended-homes 40
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from tests.pipelines.homes import Home, make_home
from tests.pipelines.switch import SETTINGS, calls, recycle, switch_format
from tests.support import Published, read_published, run_stages, scratch

CASES = 25
MONTHS = ["2026-04", "2026-05"]
TABLES = ("rated_usage", "number_fees", "bill_lines", "bills", "usage_files")
RIGHT = {"time_zone": "Europe/Paris", "country": "FR"}

HEADS = {
    "voice_outbound": "price_list,destination,price_per_minute,connection_fee,first_increment,increment,valid_from",
    "voice_inbound": "price_list,country,number_class,price_per_minute,connection_fee,first_increment,increment,valid_from",
    "sms_outbound": "price_list,country,price_per_segment,valid_from",
    "sms_inbound": "price_list,price_per_message,valid_from",
    "number_fees": "price_list,country,number_class,monthly_fee,proration,valid_from",
}
LINES = {
    "price_lists": ["{own},EUR"],
    "destinations": ["999{case:03}1,Place {case},FR", "999{case:03}9,Place {case},FR"],
    "voice_outbound": [
        "{own},Place {case},0.0{case:02}1,0,1,1,2025-01-01",
        "{own},France,0.0{case:02}2,0,1,1,2025-01-01",
        "{own},United Kingdom,0.0{case:02}3,0,1,1,2025-01-01",
    ],
    "voice_inbound": ["{own},FR,geographic,0.006000,0,1,1,2025-01-01"],
    "sms_outbound": ["{own},FR,0.05{case:02},2025-01-01", "{own},GB,0.04{case:02},2025-01-01"],
    "sms_inbound": ["{own},0.010000,2025-01-01"],
    "number_fees": ["{own},FR,geographic,1.{case:02},none,2025-01-01"],
    "accounts": ["{account},Case {case},c@example.com,FR,,postpaid,bank_transfer,EUR,{own},2026-01-01,"],
    "numbers": ["+33184{case:03}001,{account},FR,geographic,false,2026-02-01,"],
}
"""What each case has in reference files and price tables."""

WRONG = [
    *({"time_zone": zone} for zone in ("America/New_York", "Asia/Tokyo", "UTC", "Australia/Lord_Howe")),
    *({"country": country} for country in ("US", "GB", "DE")),
    {"template": "${epoch}"},
]
"""Settings of a source under which its records are read wrongly, or are refused."""

OF_TABLES = ("voice_outbound", "voice_inbound", "sms_outbound", "sms_inbound", "number_fees", "destinations")
FAULTS = (*OF_TABLES, "numbers", "accounts", "source")


def lines_of(case: int) -> dict[str, list[str]]:
    """The lines of a case by their table."""
    names = {"case": case, "own": f"own_{case}", "account": f"C{case:03}"}
    return {table: [line.format(**names) for line in lines] for table, lines in LINES.items()}


def write_tables(home: Home, missing: dict[int, set[tuple[str, int]]]) -> None:
    """Reference files, price tables and settings of all cases, but for the lines and settings that are `missing`."""
    for name, head in HEADS.items():
        home.prices(name, head + "\n")
    home.prices("price_lists", "price_list,currency\ndefault_eur,EUR\n")
    home.prices("destinations", "prefix,destination,country\n33,France,FR\n44,United Kingdom,GB\n")
    home.reference("credits", "credit_id,account_id,kind,amount,currency,credited_at,payment_reference\n")
    columns = "email,country,vat_number,billing_mode,payment_method,currency,price_list,opened_on,closed_on"
    home.reference("accounts", f"account_id,name,{columns}\n")
    home.reference("numbers", "number,account_id,country,number_class,call_tracking,assigned_at,released_at\n")
    sections = [SETTINGS]
    for case in range(CASES):
        gone = missing.get(case, set())
        for table, lines in lines_of(case).items():
            home.add(table, *(line for place, line in enumerate(lines) if (table, place) not in gone))
        source = {**RIGHT, **next((WRONG[place] for table, place in gone if table == "source"), {})}
        section = "".join(f'{name} = "{value}"\n' for name, value in source.items())
        sections.append(f'[source."switch/{case}"]\n{section}')
    home.settings("".join(sections))


def faults(chance: random.Random) -> set[tuple[str, int]]:
    """A fault or two of a case: lines of tables, and a wrong setting, by table and place."""
    found = set()
    for kind in chance.sample(FAULTS, chance.randint(1, 2)):
        found.add((kind, chance.randrange(len(WRONG) if kind == "source" else len(LINES[kind]))))
    if ("accounts", 0) in found:
        found.add(("numbers", 0))
    return found


def said(moment: datetime) -> str:
    """As the clock of a switch says it, in whatever zone its source is set to."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def write_usage(home: Home, case: int, chance: random.Random) -> None:
    """Random usage of April and May, close to their bounds as well, in both formats; some of it twice."""
    national, held = f"0184{case:03}001", f"+33184{case:03}001"
    called = ("0145000001", f"+999{case:03}12345", "+442079460123", "01 45 00 00 07")
    begins = datetime(2026, 4, 1, 3, tzinfo=UTC)
    rows: list[tuple[object, ...]] = []
    for place in range(chance.randint(2, 7)):
        near = timedelta(days=30, minutes=chance.randrange(-900, 900))
        at = begins + chance.choice((near, timedelta(minutes=chance.randrange(60 * 24 * 59))))
        ends = (national, chance.choice(called))
        if chance.random() < 0.3:
            later = at + timedelta(seconds=chance.randrange(600))
            rows += [
                (f"{case}p{place}", "INVITE", *ends, said(at), ""),
                (f"{case}p{place}", "BYE", *ends, said(later), ""),
            ]
        else:
            rows.append((f"{case}s{place}", "", *ends, said(at), chance.randrange(900)))
    rows += chance.sample(rows, chance.randint(0, 2))
    cut = chance.randint(0, len(rows))
    calls(home, f"{case}/a.csv", rows[:cut])
    calls(home, f"{case}/b.csv", rows[cut:])
    standard = []
    for place in range(chance.randint(1, 5)):
        at = begins + timedelta(minutes=chance.randrange(60 * 24 * 59))
        other = chance.choice(("+33145000001", f"+999{case:03}12345", "+442079460123"))
        service, direction = chance.choice(("voice", "sms")), chance.choice(("inbound", "outbound"))
        ends = (held, other) if direction == "outbound" else (other, held)
        record = {"record_id": f"{case}r{place}", "service": service, "direction": direction}
        record |= {"duration_seconds": f"{chance.randrange(900)}"} if service == "voice" else {"segments": "2"}
        if (service, direction) == ("voice", "inbound"):
            record |= {"forwarded_to": chance.choice(called[1:3]), "forwarded_seconds": f"{chance.randrange(60)}"}
        record |= {"started_at": f"{at:%Y-%m-%dT%H:%M:%S}Z", "from_number": ends[0], "to_number": ends[1]}
        standard.append(record)
    home.usage(f"{case}.csv", standard)


def tables(published: Published) -> dict[str, str]:
    """What must be the same, as CSV."""
    return {name: published.tables[name].drop("loaded_at", strict=False).write_csv() for name in TABLES}


def test_mended_and_recycled_is_as_it_would_have_been(mended_home: int) -> None:
    made = []
    missing = {case: faults(random.Random(f"{mended_home} {case} faults")) for case in range(CASES)}
    with switch_format():
        for wanting in ({}, missing):
            with scratch() as folder:
                home = make_home(folder)
                write_tables(home, wanting)
                for case in range(CASES):
                    write_usage(home, case, random.Random(f"{mended_home} {case}"))
                found = run_stages(home.path, home.price_tables, MONTHS)
                if wanting:
                    assert found.tables["suspense"].filter(state="open").height >= CASES
                    assert tables(found) != made[0]
                    write_tables(home, {})
                    recycle(home)
                    recycle(home, "switch")
                    found = Published(read_published(home.path), [])
                assert found.tables["suspense"].filter(state="open").is_empty()
                made.append(tables(found))
    for name in TABLES:
        assert made[0][name] == made[1][name], name


def test_every_kind_of_fault_is_among_the_cases() -> None:
    seen = {kind for case in range(CASES) for kind, _ in faults(random.Random(f"0 {case} faults"))}
    assert seen == set(FAULTS)
