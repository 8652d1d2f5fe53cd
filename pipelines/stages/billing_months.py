"""Which months are issued, who in them is still open, and therefore in which month usage is billed (billing rule 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from pipelines.settings import Month
from pipelines.storage.session import Session

HELD = "(SELECT DISTINCT billing_month, account_id FROM parked WHERE released_at IS NULL)"
"""Accounts whose bills are held back, as an SQL table."""

LEG = ["file_number", "record_number", "leg"]
"""The columns that name a leg inside the warehouse."""


@dataclass(frozen=True)
class Issued:
    """The issued months, earliest first, each with the accounts whose bills of it are still open."""

    open_accounts: dict[str, frozenset[str]]

    def closed(self, month: str) -> bool:
        """Whether the month is issued and no account is open in it: nothing of it changes any more."""
        return month in self.open_accounts and not self.open_accounts[month]

    def partly_open(self, month: str) -> bool:
        """Whether the month is issued but for some accounts."""
        return bool(self.open_accounts.get(month))


def issued_months(session: Session) -> Issued:
    """What the warehouse knows of issued months."""
    rows = session.warehouse.connection.execute(
        "SELECT i.billing_month, o.account_id FROM (SELECT DISTINCT billing_month FROM issues) i "
        "LEFT JOIN left_open o USING (billing_month) ORDER BY ALL"
    ).fetchall()
    found: dict[str, set[str]] = {}
    for month, account in rows:
        found.setdefault(month, set()).update([account] if account else [])
    return Issued({month: frozenset(accounts) for month, accounts in found.items()})


@dataclass(frozen=True)
class UsageSlice:
    """Usage of a month that is billed in another, or in the same: all legs of records for which the SQL `condition`
    holds, but those that were `billed` before (LEG), of `only` these accounts or of all `but` these."""

    usage_month: Month
    condition: str
    billed: pl.DataFrame | None = None
    only: frozenset[str] | None = None
    but: frozenset[str] = frozenset()

    def unbilled(self, legs: pl.DataFrame) -> pl.DataFrame:
        """Those of `legs` that stand on no issued bill."""
        return legs if self.billed is None else legs.join(self.billed, on=LEG, how="anti", maintain_order="left")

    def rows_of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows of `frame` whose account belongs to the share; a row without an account does unless it is `only`."""
        account = pl.col("account_id")
        if self.only is not None:
            return frame.filter(account.is_in(sorted(self.only)).fill_null(False))
        return frame.filter(~account.is_in(sorted(self.but)).fill_null(False)) if self.but else frame


def slices_billed_in(session: Session, name: str) -> list[UsageSlice]:
    """What is billed in the month `name` as it stands: its own usage, and usage of issued months that came late and for
    which it is the earliest month that is open."""
    issued = issued_months(session)
    if issued.closed(name):
        return []
    mine = issued.open_accounts.get(name)
    own = (
        UsageSlice(session.month(name), "true")
        if mine is None
        else UsageSlice(session.month(name), "true", _billed(session, name, "true"), only=mine)
    )
    return [own, *(share for month in issued.open_accounts if (share := _late(session, issued, month, name)))]


def _late(session: Session, issued: Issued, usage: str, name: str) -> UsageSlice | None:
    """Usage of the issued month `usage` that falls to the later month `name`, if any can."""
    between = months_between(session, usage, name)
    if usage >= name or any(month not in issued.open_accounts for month in between[1:]):
        return None
    condition = (
        f"(file_number > {loaded_by(session, usage)} OR (file_number, record_number) IN (SELECT (f.file_number, s.record_number) "
        "FROM suspense s JOIN loaded_files f USING (file_id) "
        f"WHERE s.usage_month = '{usage}' AND s.format <> 'numbers') OR {_READ_AGAIN})"
    )
    elsewhere = frozenset().union(*(issued.open_accounts[month] for month in between))
    only = issued.open_accounts.get(name)
    return UsageSlice(
        session.month(usage),
        condition,
        _billed(session, usage, condition),
        only=None if only is None else only - elsewhere,
        but=elsewhere,
    )


def loaded_by(session: Session, month: str) -> int:
    """The number of the last file that had been loaded when the issued month was first issued; 0 where none had."""
    return int(session.warehouse.value("SELECT min(last_file_number) FROM issues WHERE billing_month = ?", [month]))


def late_months(session: Session) -> set[str]:
    """The months, not issued, to which usage falls that was loaded after its own month was issued."""
    issued, found = issued_months(session), set()
    for month in issued.open_accounts:
        bounds = session.month(month)
        if session.warehouse.value(
            "SELECT 1 FROM usage_records WHERE started_at >= ? AND started_at < ? "
            f"AND (file_number > ? OR {_READ_AGAIN}) LIMIT 1",
            [bounds.starts, bounds.ends, loaded_by(session, month)],
        ):
            found.add(_first_open(session, issued, month))
    return found


def billed_in(session: Session, month: str) -> str:
    """The month on whose bills usage of `month` goes now: itself, or the earliest behind it that is not issued."""
    return _first_open(session, issued_months(session), month)


def _first_open(session: Session, issued: Issued, month: str) -> str:
    while month in issued.open_accounts:
        month = session.month(month).following
    return month


_READ_AGAIN = "(file_number, record_number) IN (SELECT (file_number, record_number) FROM read_again)"
"""Records that were read again since their file was loaded: they may be usage, or of this month, since then alone."""


def months_between(session: Session, first: str, until: str) -> list[str]:
    """The months from `first` on, before `until`."""
    months, month = [], first
    while month < until:
        months.append(month)
        month = session.month(month).following
    return months


def legs_on_bills(session: Session, months: Sequence[str], condition: str = "true") -> pl.DataFrame:
    """LEG of every leg on issued bills and notes of `months` for which the SQL condition holds."""
    return session.warehouse.frame(
        f"SELECT DISTINCT file_number, record_number, leg FROM {issued_legs(session, months)} "
        f"JOIN loaded_files USING (file_id) WHERE {condition}"
    )


def issued_legs(session: Session, months: Sequence[str] | None = None) -> str:
    """An SQL table of the legs on issued bills and notes; of all months or of `months`."""
    files = session.warehouse.month_files
    columns = "file_id, record_number, leg, usage_month, charge"
    return "({} UNION ALL {})".format(
        *(
            f"SELECT {columns} FROM {files.source(table, months, issued=True)}"
            for table in ("rated_usage", "corrected_usage")
        )
    )


def _billed(session: Session, usage: str, condition: str) -> pl.DataFrame:
    """LEG of the usage of a month for which the condition holds and that stands on an issued bill, of whatever month."""
    month = session.month(usage)
    return session.warehouse.frame(
        f"SELECT f.file_number, r.record_number, r.leg FROM {issued_legs(session, _months_from(session, usage))} r "
        f"JOIN loaded_files f USING (file_id) "
        f"WHERE r.usage_month = '{usage}' AND (f.file_number, r.record_number) IN (SELECT (file_number, record_number) "
        f"FROM usage_records WHERE started_at >= ? AND started_at < ? AND {condition})",
        [month.starts, month.ends],
    )


def _months_from(session: Session, first: str) -> Sequence[str]:
    rows = session.warehouse.connection.execute(
        "SELECT DISTINCT billing_month FROM issues WHERE billing_month >= ? ORDER BY 1", [first]
    )
    return [row[0] for row in rows.fetchall()]
