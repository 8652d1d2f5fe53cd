"""Issuing a month from the command line: what is to be issued is shown, and asked for, before it gets its numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.errors import BadInput
from pipelines.operations.materialize import materialize
from pipelines.orchestration.instance import prepare_environment
from pipelines.reference.tariff import differing_prices, prices_of_run, tariff
from pipelines.settings import Installation, Month
from pipelines.stages.issue import drafts_to_issue, held_back, require_over, require_same_tariff, require_seller
from pipelines.stages.publish import catch_up
from pipelines.storage.opening import open_warehouse
from pipelines.storage.session import Progress, Session

MONEY = ("net_amount", "vat_amount", "paid_from_balance", "total_owed")


@dataclass(frozen=True)
class ComingIssue:
    """What an issue of the `month` would do now: `bills` that it numbers, how many and their totals by mode and currency;
    `parked` with account_id and reason; the `tariff`; `contents`: the drafts, by which they are known again; `early`: why
    it may be issued before it is over."""

    month: str
    tariff: dict[str, str]
    bills: list[dict[str, Any]]
    parked: list[dict[str, Any]]
    contents: dict[str, str]
    early: str

    @property
    def count(self) -> int:
        """How many bills it numbers."""
        return sum(row["bills"] for row in self.bills)


def coming_issue(
    installation: Installation,
    name: str,
    progress: Progress,
    *,
    early: str = "",
    new_tariff: bool = False,
    wait_seconds: float | None = None,
) -> ComingIssue:
    """What an issue of the month would do, everything that it needs being there. The month is run first where it has no
    drafts, and with `new_tariff` where prices are other than those of its run. Raises LockHeld, BadInput or ControlFailed."""
    Month.parse(name, installation.settings)
    installation.home.mkdir(parents=True, exist_ok=True)
    prepare_environment(installation)
    with open_warehouse(installation, progress, wait_seconds) as warehouse:
        session = Session(installation, warehouse, progress, early=early)
        catch_up(session)
        require_over(session, name)
        at_hand = tariff(installation).facts()
        has_drafts = warehouse.value("SELECT 1 FROM month_files WHERE month = ? LIMIT 1", [name])
        if not has_drafts or (new_tariff and differing_prices(session, name, prices_of_run(session, name))):
            materialize(session, name)
        drafts = drafts_to_issue(session, name)
        if drafts is None:
            return ComingIssue(name, at_hand, [], [], warehouse.month_files.contents(name), early)
        require_same_tariff(session, name)
        require_seller(session, drafts.ready)
        totals = drafts.ready.group_by("billing_mode", "currency").agg(pl.len().alias("bills"), pl.col(MONEY).sum())
        return ComingIssue(
            name,
            at_hand,
            totals.sort("billing_mode", "currency").to_dicts(),
            drafts.reasons(session, name).to_dicts(),
            warehouse.month_files.contents(name),
            early,
        )


def issue_bills(
    installation: Installation, coming: ComingIssue, progress: Progress, *, wait_seconds: float | None = None
) -> dict[str, Any]:
    """Issues what is `coming`; returns how many bills, their numbers, the tariff, and who is parked. Raises LockHeld,
    BadInput where the drafts have changed since, or ControlFailed."""
    name = coming.month
    with open_warehouse(installation, progress, wait_seconds) as warehouse:
        if warehouse.month_files.contents(name) != coming.contents:
            raise BadInput(
                f"the drafts of {name} have changed since they were shown: nothing was issued; issue it again"
            )
        session = Session(installation, warehouse, progress, early=coming.early)
        catch_up(session)
        before = warehouse.value("SELECT count(*) FROM issues")
        materialize(session, name, "issue")
        issued = warehouse.value("SELECT count(*) FROM issues") > before
        last = json.loads(
            warehouse.value("SELECT document FROM issues WHERE billing_month = ? ORDER BY part DESC LIMIT 1", [name])
            or "{}"
        )
        return {
            "month": name,
            "tariff": coming.tariff,
            "issued": last["documents"] if issued else 0,
            "first_number": last["first_number"] if issued else None,
            "last_number": last["last_number"] if issued else None,
            "parked": held_back(session, name).to_dicts(),
        }
