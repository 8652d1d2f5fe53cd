"""The list of open items: every value comes back as it was, and none is run."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from pipelines.documents.open_items import COLUMNS, open_items_csv
from tests.unit.pipelines.documents.test_debits import HOSTILE

ITEM: dict[str, Any] = {
    "document": "2026-000001",
    "kind": "bill",
    "account_id": "A1",
    "name": "Ann",
    "issued_on": date(2026, 5, 2),
    "due_on": date(2026, 6, 1),
    "amount": Decimal("12.3400"),
    "open_amount": Decimal("10.0000"),
    "currency": "EUR",
    "payment_method": "bank_transfer",
    "reason": None,
}


def rows(*items: dict[str, Any]) -> list[list[str]]:
    content = open_items_csv(pl.DataFrame(items, infer_schema_length=None), {"EUR": 2, "JPY": 0, "KWD": 3})
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def test_what_stands_in_it() -> None:
    yen = ITEM | {"document": "2026-000000", "currency": "JPY", "amount": Decimal(1300), "reason": "no mandate"}
    assert rows(ITEM, yen) == [
        list(COLUMNS),
        *[
            [
                "2026-000000",
                "bill",
                "A1",
                "Ann",
                "2026-05-02",
                "2026-06-01",
                "1300",
                "10",
                "JPY",
                "bank_transfer",
                "no mandate",
            ]
        ],
        *[
            [
                "2026-000001",
                "bill",
                "A1",
                "Ann",
                "2026-05-02",
                "2026-06-01",
                "12.34",
                "10.00",
                "EUR",
                "bank_transfer",
                "",
            ]
        ],
    ]


def test_names_of_all_kinds() -> None:
    items = [ITEM | {"document": f"2026-{n:06}", "name": text, "account_id": text} for n, text in enumerate(HOSTILE)]
    _, *written = rows(*items)
    assert len(written) == len(HOSTILE)
    for row, text in zip(written, HOSTILE, strict=True):
        assert row[2] == row[3]
        assert row[3] in (text, f"'{text}")
        assert not row[3].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert (row[6], row[7]) == ("12.34", "10.00")
