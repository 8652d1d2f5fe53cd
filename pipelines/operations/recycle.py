"""Which months a recycling runs, and what of suspense it is measured by."""

from __future__ import annotations

import polars as pl

from pipelines.stages.billing_months import billed_in
from pipelines.storage.session import Session
from pipelines.storage.unfinished import must_run, to_run
from pipelines.storage.warehouse import Warehouse


def months_to_run(session: Session, waiting: pl.DataFrame) -> list[str]:
    """The open months on whose bills usage of months with suspense goes, those whose drafts are outdated, and those that
    were to be run already. They are noted: a kill does not make them forgotten."""
    outdated = session.warehouse.frame(
        "SELECT DISTINCT month FROM month_files WHERE part = 0 AND table_name = 'rated_usage' "
        "AND month NOT IN (SELECT month FROM manifest WHERE stage = 'rated_usage')"
    )
    names = {billed_in(session, name) for name in {*waiting["usage_month"], *outdated["month"], *to_run(session)}}
    names = {name for name in names if name >= session.installation.settings.billing.first_month}
    if names:
        with session.warehouse.transaction():
            must_run(session, names)
    return sorted(names)


def open_suspense(warehouse: Warehouse) -> pl.DataFrame:
    """usage_month, and `key`, which names what waits there also when numbers.csv was written anew."""
    return warehouse.frame(
        "SELECT usage_month, CASE WHEN format = 'numbers' THEN concat_ws('/', usage_month, record_id, account_id) "
        "ELSE concat_ws('/', file_id, record_number, leg) END AS key "
        "FROM suspense WHERE state = 'open' AND usage_month IS NOT NULL ORDER BY ALL"
    )
