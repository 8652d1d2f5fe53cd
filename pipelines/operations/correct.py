"""`callbill correct`: an issued month by today's prices, numbers and accounts, and the notes that make up for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pipelines.reference.consistency import read_price_tables, read_reference
from pipelines.reference.tariff import require_issued_tariff
from pipelines.settings import Installation, Month
from pipelines.stages.correct import compare_month, correct_month
from pipelines.stages.load import load_reference_and_prices
from pipelines.stages.proof import put_proof, require_known
from pipelines.stages.publish import catch_up, publish
from pipelines.storage.month_files import scan
from pipelines.storage.opening import open_existing
from pipelines.storage.session import Progress, Session
from transforms.billing.corrections import by_account


def correct_bills(
    installation: Installation,
    name: str,
    progress: Progress,
    *,
    issue: bool,
    reason: str,
    new_tariff: bool = False,
    wait_seconds: float | None = None,
) -> dict[str, Any]:
    """How the issued month would be billed today: `accounts` with what they were charged, what is right, and the
    difference; `lines` that differ; `lost` legs by reason. With `issue`, `notes` that make up for it are issued, and
    published. Raises LockHeld or BadInput, also where prices are other than those of the last issue and no `new_tariff`
    was agreed to."""
    Month.parse(name, installation.settings)
    with open_existing(installation, progress, wait_seconds) as warehouse:
        session = Session(installation, warehouse, progress)
        prices = read_price_tables(installation)
        if not new_tariff:
            require_issued_tariff(session, name)
        tables = prices | read_reference(installation, prices)
        if issue:
            catch_up(session)
            require_known(session)
            load_reference_and_prices(session, name)
        found = compare_month(session, name, tables)
        result = {
            "month": name,
            "accounts": by_account(found.lines, found.bills).to_dicts(),
            "lines": found.lines.to_dicts(),
            "lost": found.lost,
        }
        if not issue:
            return result
        part = correct_month(session, name, tables, found, reason, datetime.now(UTC))
        put_proof(session, name)
        publish(session, name)
        numbers = warehouse.month_files.part("correction_notes", name, part) if part else []
        return {**result, "notes": scan("correction_notes", numbers).collect().to_dicts()}
