"""`callbill recycle`: what was refused is read again, and the months run again that have suspense or other usage since."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.operations.materialize import materialize
from pipelines.orchestration.instance import prepare_environment
from pipelines.settings import Installation
from pipelines.stages.billing_months import billed_in
from pipelines.stages.publish import catch_up, finish
from pipelines.stages.reread import reread_records
from pipelines.storage.opening import open_warehouse
from pipelines.storage.session import Progress, Session
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


def recycle_months(
    installation: Installation, progress: Progress, *, source: str | None = None, wait_seconds: float | None = None
) -> dict[str, Any]:
    """Reads again what was refused, or with `source` (a folder of the inbox) all of it that is on no issued bill; then runs
    the months again that have open suspense or other usage since. Returns what became of it. Raises LockHeld, BadInput
    or ControlFailed."""
    prepare_environment(installation)
    installation.home.mkdir(parents=True, exist_ok=True)
    with open_warehouse(installation, progress, wait_seconds) as warehouse:
        session = Session(installation, warehouse, progress)
        catch_up(session)
        before = open_suspense(warehouse)
        mended = reread_records(session, source)
        for sentence in mended.problems:
            progress.warn(sentence)
        for name in months_to_run(session, before):
            materialize(session, name)
        finish(session)
        still = before.join(open_suspense(warehouse), on="key", how="semi")
        months = [
            {"month": name, "open_before": count, "open": left, "recycled": count - left}
            for (name,), rows in before.group_by("usage_month", maintain_order=True)
            for count, left in [(rows.height, still.filter(pl.col("usage_month") == name).height)]
        ]
        return {
            "open_before": before.height + mended.refused,
            "recycled": before.height - still.height + mended.mended,
            "read_again": {
                "files": mended.files,
                "refused_before": mended.refused,
                "mended": mended.mended,
                "problems": mended.problems,
            },
            "months": months,
        }
