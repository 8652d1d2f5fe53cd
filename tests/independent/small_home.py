"""A small home for figures worked out by hand: one account, one number, few prices. It checks nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from tests.independent.biller import Tables, bill_month
from tests.independent.inputs import PRICE_COLUMNS, REFERENCE_COLUMNS, USAGE_COLUMNS

OWN = "+33184000001"
ACCOUNT = "A1,Customer,a@example.com,FR,,postpaid,direct_debit,EUR,,2025-01-01,"
NUMBER = f"{OWN},A1,FR,geographic,false,2025-02-01,"
CALL = {
    "service": "voice",
    "direction": "outbound",
    "from_number": OWN,
    "to_number": "+33145000001",
    "started_at": "2026-10-05T10:00:00Z",
    "duration_seconds": "83",
}
MESSAGE = CALL | {"service": "sms", "duration_seconds": "", "text": "hello"}

PRICES = {
    "price_lists": ["default_eur,EUR", "own,EUR"],
    "destinations": ["33,France,FR", "336,France mobile,FR", "1,North America,US"],
    "voice_outbound": ["default_eur,France,0.012000,0,1,1,2025-01-01"],
    "voice_inbound": ["default_eur,FR,geographic,0.006000,0,1,1,2025-01-01"],
    "sms_outbound": ["default_eur,FR,0.050000,2025-01-01"],
    "sms_inbound": ["default_eur,0.010000,2025-01-01"],
    "number_fees": ["default_eur,FR,geographic,1.000000,none,2025-01-01"],
    "vat_rates": ["FR,0.2000,2025-01-01", "DE,0.1900,2025-01-01"],
}


class SmallHome:
    """A home in a folder of its own; price rows come beside the usual ones, other rows instead of them."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.price_tables = folder / "prices"
        self.accounts([ACCOUNT])
        self.numbers([NUMBER])
        self.prices({})

    def accounts(self, rows: list[str]) -> None:
        """Writes accounts.csv; a row is a line of CSV."""
        self._table(self.home / "reference" / "accounts.csv", REFERENCE_COLUMNS["accounts"], rows)

    def numbers(self, rows: list[str]) -> None:
        """Writes numbers.csv."""
        self._table(self.home / "reference" / "numbers.csv", REFERENCE_COLUMNS["numbers"], rows)

    def credits(self, rows: list[str]) -> None:
        """Writes credits.csv."""
        self._table(self.home / "reference" / "credits.csv", REFERENCE_COLUMNS["credits"], rows)

    def prices(self, more: dict[str, list[str]]) -> None:
        """Writes the price tables, with more rows in some of them."""
        for name, columns in PRICE_COLUMNS.items():
            self._table(self.price_tables / f"{name}.csv", columns, PRICES[name] + more.get(name, []))

    def _table(self, path: Path, columns: str, rows: list[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([columns.replace(" ", ","), *rows]) + "\n", encoding="utf-8")

    def records(self, *records: dict[str, str], name: str = "usage.csv") -> None:
        """Writes a file of standard records; one without a record_id is named by its place: r1, r2, ..."""
        path = self.home / "inbox" / "standard" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, USAGE_COLUMNS, restval="")
            writer.writeheader()
            writer.writerows({"record_id": f"r{place}"} | row for place, row in enumerate(records, start=1))

    def lines(self, usage_format: str, name: str, *lines: Any) -> None:
        """Writes a file of JSON lines; a line that is text already is written as it is."""
        path = self.home / "inbox" / usage_format / name
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("\n".join(texts) + "\n", encoding="utf-8")

    def bill(self, month: str = "2026-10", **options: Any) -> Tables:
        """The tables of a month."""
        return bill_month(self.home, self.price_tables, month, **options)


def only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The one row there is."""
    assert len(rows) == 1, rows
    return rows[0]
