"""What is in suspense as it is published: by reason, how old, and an estimate of the money that waits there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pipelines.explain.raw import find_lines
from pipelines.explain.sources import Sources, open_sources
from pipelines.explain.words import Row
from pipelines.registries import minor_units
from pipelines.settings import Installation

AVERAGED_MONTHS = 3
"""Averages are taken over so many of the latest published months."""

_OPEN = """
    SELECT s.*, f.path FROM suspense s LEFT JOIN (SELECT file_id, path FROM usage_files) f USING (file_id)
    WHERE s.state = 'open' AND s.reason = coalesce($reason, s.reason)
    AND ($month IS NULL OR s.usage_month = $month) AND ($account IS NULL OR s.account_id = $account)
    ORDER BY s.first_seen_at, s.file_id, s.record_number, s.leg
"""

_USAGE = """
    SELECT account_id, service, direction, destination, currency, sum(charge) AS charge, count(*) AS legs
    FROM rated_usage WHERE billing_month IN (SELECT DISTINCT billing_month FROM bills ORDER BY 1 DESC LIMIT $months)
    GROUP BY ALL
"""
_FEES = """
    SELECT account_id, 'fee' AS service, NULL AS direction, NULL AS destination, currency, sum(amount) AS charge,
        count(*) AS legs
    FROM number_fees WHERE billing_month IN (SELECT DISTINCT billing_month FROM bills ORDER BY 1 DESC LIMIT $months)
    GROUP BY ALL
"""
_ALIKE: tuple[tuple[str, ...], ...] = (
    ("account_id", "service", "direction", "destination"),
    ("account_id", "service", "direction"),
    ("service", "direction", "destination"),
    ("service", "direction"),
    ("account_id",),
)
"""By what legs are like one that waits, the nearest first; by no more than is known of it."""


def list_suspense(
    installation: Installation,
    month: str | None = None,
    account: str | None = None,
    reason: str | None = None,
    *,
    each: bool = False,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Open suspense as published: `reasons` (reason, records, oldest_days, newest_days, at_risk by currency, records without an
    estimate), and with `each` the `records` with path, line where it can be told, and sentence.

    Raises BadInput where nothing is published.
    """
    now = now or datetime.now(UTC)
    with open_sources(installation) as sources:
        rows = sources.rows(_OPEN, {"month": month, "account": account, "reason": reason})
        estimate = _estimates(sources) if rows else _nothing
        at_risk = [estimate(row) for row in rows]
        found: dict[str, Any] = {
            "month": month,
            "account": account,
            "reason": reason,
            "open": len(rows),
            "estimated": True,
            "reasons": _by_reason(rows, at_risk, now),
        }
        if each:
            found["records"] = _records(sources, rows, at_risk, now)
        return found


Amount = tuple[Decimal, str]


def _nothing(row: Row) -> Amount | None:
    del row
    return None


def _estimates(sources: Sources) -> Callable[[Row], Amount | None]:
    """What a leg that waits costs about: the average charge of legs that are most like it, in the currency of most of
    these; unrounded. None where nothing like it was charged."""
    values: dict[str, object] = {"months": AVERAGED_MONTHS}
    sums: dict[tuple[Any, ...], dict[str, list[Any]]] = defaultdict(lambda: defaultdict(lambda: [Decimal(0), 0]))
    for row in (*sources.rows(_USAGE, values), *sources.rows(_FEES, values)):
        for names in _ALIKE:
            if names == ("account_id",) and row["service"] == "fee":
                continue
            total = sums[names, *(row[name] for name in names)][row["currency"]]
            total[0] += row["charge"]
            total[1] += row["legs"]

    def estimate(row: Row) -> Amount | None:
        known = dict(row) | ({"service": "fee"} if row["format"] == "numbers" else {})
        for names in _ALIKE:
            if any(known[name] is None and not (name == "direction" and known["service"] == "fee") for name in names):
                continue
            if found := sums.get((names, *(known[name] for name in names))):
                currency, (charge, legs) = max(found.items(), key=lambda item: (item[1][1], item[0]))
                return charge / legs, currency
        return None

    return estimate


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-minor_units()[currency]), ROUND_HALF_UP)


def _by_reason(rows: list[Row], at_risk: list[Amount | None], now: datetime) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row, amount in zip(rows, at_risk, strict=True):
        ages = (now - row["first_seen_at"]).days
        of_reason = found.setdefault(
            row["reason"],
            {"reason": row["reason"], "records": 0, "oldest_days": ages, "newest_days": ages, "no_estimate": 0},
        )
        of_reason["records"] += 1
        of_reason["oldest_days"] = max(of_reason["oldest_days"], ages)
        of_reason["newest_days"] = min(of_reason["newest_days"], ages)
        if amount is None:
            of_reason["no_estimate"] += 1
        else:
            sums[row["reason"]][amount[1]] += amount[0]
    for reason, of_reason in found.items():
        of_reason["at_risk"] = {currency: _rounded(total, currency) for currency, total in sorted(sums[reason].items())}
    return sorted(found.values(), key=lambda of_reason: (-of_reason["records"], of_reason["reason"]))


_SHOWN = ("file_id", "format", "record_number", "leg", "reason", "detail", "account_id", "usage_month", "first_seen_at")


def _records(sources: Sources, rows: list[Row], at_risk: list[Amount | None], now: datetime) -> list[dict[str, Any]]:
    """Each record, by nothing that is the customer's but the account: no number, no text, no name of an event."""
    places: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        places[row["file_id"]].append(row["record_number"])
    lines: dict[tuple[str, int], int] = {}
    for file_id, numbers in places.items():
        file = sources.row("SELECT * FROM usage_files WHERE file_id = $id", {"id": file_id})
        found = find_lines(sources.installation, file, numbers) if file else {}
        lines.update({(file_id, number): line for number, line in found.items()})
    return [
        {
            "path": row["path"] or "reference/numbers.csv",
            **{name: row[name] for name in _SHOWN},
            "line": lines.get((row["file_id"], row["record_number"])),
            "age_days": (now - row["first_seen_at"]).days,
            "at_risk": None if amount is None else _rounded(*amount),
            "currency": None if amount is None else amount[1],
        }
        for row, amount in zip(rows, at_risk, strict=True)
    ]
