"""Homes for the tests of the shell: a few accounts, small prices and a known number of records a month.

Everything follows from the arguments, nothing from chance or the clock. What the figures must be is not said here.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.settings import Installation

SIX_MONTHS = ("2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09")

COLUMNS = (
    "record_id service direction account_id from_number to_number started_at duration_seconds status "
    "linked_id forwarded_to forwarded_seconds text encoding text_length segments"
).split()

ACCOUNTS = """\
account_id,name,email,country,vat_number,billing_mode,payment_method,currency,price_list,opened_on,closed_on
A1,Boulangerie,a1@example.com,FR,,prepaid,balance,EUR,,2026-01-01,
A2,Garage,a2@example.com,FR,,postpaid,direct_debit,EUR,,2026-01-01,
A3,Werkstatt,a3@example.com,DE,,postpaid,bank_transfer,EUR,own,2026-01-01,
A4,Shop,a4@example.com,US,,postpaid,bank_transfer,USD,,2026-01-01,
A5,Quiet,a5@example.com,FR,,prepaid,balance,EUR,,2026-01-01,2026-08-15
"""

NUMBERS = """\
number,account_id,country,number_class,call_tracking,assigned_at,released_at
+33184000001,A1,FR,geographic,true,2026-02-01,
+33184000002,A1,FR,geographic,true,2026-02-01,
+33184000003,A2,FR,geographic,false,2026-02-01,
+33184000004,A3,FR,geographic,false,2026-02-01,
+12125550101,A4,US,geographic,true,2026-02-01,
+33184000006,A5,FR,geographic,false,2026-02-01,2026-08-15
"""
OWN = ("+33184000001", "+33184000002", "+33184000003", "+33184000004", "+12125550101")
OTHERS = ("+33639980001", "+33145000001", "+442079460123", "+12025550142", "+33639980777")

CREDITS = """\
credit_id,account_id,kind,amount,currency,credited_at,payment_reference
C1,A1,top_up,100.00,EUR,2026-03-15T10:00:00Z,P1
C2,A1,top_up,50.00,EUR,2026-06-15T10:00:00Z,P2
C3,A5,opening_balance,5.00,EUR,2026-03-31T10:00:00Z,
C4,A1,goodwill,1.00,EUR,2026-07-02T10:00:00Z,
"""

PRICES = {
    "price_lists": "price_list,currency\ndefault_eur,EUR\ndefault_usd,USD\nown,EUR\n",
    "destinations": "prefix,destination,country\n33,France,FR\n336,France mobile,FR\n44,United Kingdom,GB\n1,United States,US\n",
    "voice_outbound": "price_list,destination,price_per_minute,connection_fee,first_increment,increment,valid_from\n"
    "default_eur,France,0.012000,0,1,1,2025-01-01\ndefault_eur,France mobile,0.045000,0,1,1,2025-01-01\n"
    "default_eur,United Kingdom,0.015000,0,1,1,2025-01-01\ndefault_eur,United States,0.010000,0,1,1,2025-01-01\n"
    "default_usd,France,0.013000,0,1,1,2025-01-01\ndefault_usd,France mobile,0.050000,0,1,1,2025-01-01\n"
    "default_usd,United Kingdom,0.017000,0,1,1,2025-01-01\ndefault_usd,United States,0.010000,0,1,1,2025-01-01\n"
    "own,France mobile,0.040000,0.010000,30,6,2026-06-01\n",
    "voice_inbound": "price_list,country,number_class,price_per_minute,connection_fee,first_increment,increment,valid_from\n"
    "default_eur,FR,geographic,0.006000,0,1,1,2025-01-01\ndefault_usd,US,geographic,0.009000,0,1,1,2025-01-01\n",
    "sms_outbound": "price_list,country,price_per_segment,valid_from\n"
    "default_eur,FR,0.050000,2025-01-01\ndefault_eur,GB,0.040000,2025-01-01\ndefault_eur,US,0.008000,2025-01-01\n"
    "default_usd,FR,0.055000,2025-01-01\ndefault_usd,GB,0.045000,2025-01-01\ndefault_usd,US,0.008000,2025-01-01\n",
    "sms_inbound": "price_list,price_per_message,valid_from\ndefault_eur,0.010000,2025-01-01\ndefault_usd,0.010000,2025-01-01\n",
    "number_fees": "price_list,country,number_class,monthly_fee,proration,valid_from\n"
    "default_eur,FR,geographic,1.000000,none,2025-01-01\ndefault_usd,US,geographic,1.150000,daily,2025-01-01\n",
    "vat_rates": "country,rate,valid_from\nFR,0.2000,2025-01-01\nDE,0.1900,2025-01-01\n",
}


@dataclass(frozen=True)
class Home:
    """A home folder and its price tables, side by side in a folder of their own."""

    path: Path
    price_tables: Path

    @property
    def installation(self) -> Installation:
        """As callbill finds it."""
        return Installation.find(self.path, self.price_tables)

    @property
    def arguments(self) -> list[str]:
        """The options that name it on the command line."""
        return ["--home", str(self.path), "--price-tables", str(self.price_tables)]

    @property
    def published(self) -> Path:
        """What analysts open."""
        return self.path / "published" / "billing.duckdb"

    def settings(self, text: str) -> None:
        """Writes callbill.toml."""
        (self.path / "callbill.toml").write_text(text, encoding="utf-8")

    def reference(self, name: str, text: str) -> None:
        """Writes one reference file."""
        _write(self.path / "reference" / f"{name}.csv", text)

    def prices(self, name: str, text: str) -> None:
        """Writes one price table."""
        _write(self.price_tables / f"{name}.csv", text)

    def raw(self, name: str, content: bytes | str) -> Path:
        """Writes a file of the inbox; `name` begins with the format."""
        path = self.path / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def usage(self, name: str, records: Iterable[dict[str, str]]) -> Path:
        """Writes standard records, as the ending of `name` says: .csv, .jsonl, .parquet, and .gz behind it."""
        rows = [dict.fromkeys(COLUMNS, "") | record for record in records]
        plain = name.removesuffix(".gz")
        if plain.endswith(".parquet"):
            path = self.raw(f"standard/{name}", b"")
            frame = pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String))
            frame.with_columns(
                pl.when(pl.col(COLUMNS) != "").then(pl.col(COLUMNS)).name.keep()
            ).write_parquet(path)
            return path
        if plain.endswith(".jsonl"):
            text = "".join(
                json.dumps({key: value for key, value in row.items() if value}) + "\n" for row in rows
            )
        else:
            text = _csv(rows)
        content = text.encode()
        return self.raw(
            f"standard/{name}", gzip.compress(content, mtime=0) if name.endswith(".gz") else content
        )

    def callr(self, name: str, events: Iterable[dict[str, Any]]) -> Path:
        """Writes events of CALLR."""
        return self.raw(f"callr/{name}", "".join(json.dumps(event) + "\n" for event in events))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _csv(rows: Sequence[dict[str, str]]) -> str:
    from io import StringIO

    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def make_home(folder: Path, *, first_month: str = "2026-04") -> Home:
    """A home with reference files, prices and settings, and an empty inbox."""
    home = Home(folder / "home", folder / "prices")
    (home.path / "inbox" / "standard").mkdir(parents=True)
    home.settings(f'[billing]\nfirst_month = "{first_month}"\n')
    for name, text in (("accounts", ACCOUNTS), ("numbers", NUMBERS), ("credits", CREDITS)):
        home.reference(name, text)
    for name, text in PRICES.items():
        home.prices(name, text)
    return home


def add_traffic(home: Home, months: Sequence[str] = SIX_MONTHS, records: int = 300) -> None:
    """Puts about `records` records a month into the inbox: one file of CSV, one of JSON lines, one of Parquet, one of CALLR."""
    for month in months:
        rows = list(standard_records(month, records * 9 // 10))
        third = len(rows) // 3
        home.usage(f"{month}/a.csv", rows[:third])
        home.usage(f"{month}/b.jsonl.gz", rows[third : 2 * third])
        home.usage(f"{month}/c.parquet", rows[2 * third :])
        home.callr(f"{month}.jsonl", callr_events(month, records // 30))


def standard_records(month: str, count: int, name: str = "s") -> Iterable[dict[str, str]]:
    """`count` calls and messages of a month, every service, direction and status among them."""
    start = datetime.fromisoformat(f"{month}-01T00:30:00+00:00")
    step = timedelta(days=27) / max(count, 1)
    for place in range(count):
        own, other = OWN[place % 5], OTHERS[place // 5 % 5]
        record = {"record_id": f"{name}-{month}-{place}", "started_at": (start + place * step).isoformat()}
        match place % 7:
            case 0 | 1 | 2:
                kind = {
                    "service": "voice",
                    "direction": "outbound",
                    "duration_seconds": str(1 + place * 37 % 1800),
                }
            case 3:
                kind = {
                    "service": "voice",
                    "direction": "inbound",
                    "duration_seconds": str(place % 90),
                    "linked_id": f"L{place}",
                }
                kind |= {"forwarded_to": OTHERS[place % 5], "forwarded_seconds": str(place % 60)}
            case 4:
                kind = {
                    "service": "voice",
                    "direction": "outbound",
                    "duration_seconds": "0",
                    "status": "no_answer",
                }
            case 5:
                kind = {
                    "service": "sms",
                    "direction": "outbound",
                    "text": f"Bonjour {'é€ç'[place % 3] * (place % 170)}",
                }
            case _:
                kind = {
                    "service": "sms",
                    "direction": "inbound",
                    "text": f"answer {place}",
                    "status": "received",
                }
        ends = (own, other) if kind["direction"] == "outbound" else (other, own)
        yield record | kind | {"from_number": ends[0], "to_number": ends[1]}


def callr_events(month: str, calls: int) -> Iterable[dict[str, Any]]:
    """`calls` tracked calls of CALLR, each with the outbound call that forwards it and a message behind it."""
    start = datetime.fromisoformat(f"{month}-02T08:00:00+00:00").astimezone(timezone.utc)
    for place in range(calls):
        began = start + timedelta(hours=7 * place)
        name = int(f"{month[2:4]}{month[5:]}{place:06}")
        yield callr_call("inbound", name, "+33639980001", OWN[0], began, 40 + place)
        yield callr_call(
            "outbound", name + 500_000, OWN[0], "+33639980777", began, 30 + place, callid_in=name
        )
        yield {
            "sid": f"m-{month}-{place}",
            "direction": "out",
            "from": OWN[1],
            "to": "+33639980001",
            "text": f"Rappel {place}",
            "status": "delivered",
            "parts": 1,
            "createdAt": f"{began:%Y-%m-%d %H:%M:%S}",
        }


def callr_call(
    direction: str,
    callid: int,
    from_number: str,
    to_number: str,
    started: datetime,
    seconds: int,
    callid_in: int | None = None,
) -> dict[str, Any]:
    """The webhook of a call that has ended."""
    payload = {
        "direction": direction,
        "callid": callid,
        "callerNumber": from_number,
        "callee": to_number,
        "started": f"{started:%Y-%m-%dT%H:%M:%S}.000Z",
        "status": "answered",
        "durationAnswered": seconds,
        "durationBilled": -(-seconds // 60) * 60,
    }
    if callid_in is not None:
        payload["callid_in"] = callid_in
    return {"id": f"e{callid}{direction}", "type": f"v2.call.{direction}.ended", "payload": payload}
