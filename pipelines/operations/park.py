"""`callbill park` and `callbill release`: a bill is kept back from being issued, and let go."""

from __future__ import annotations

from datetime import UTC, datetime

from pipelines.errors import BadInput
from pipelines.settings import Installation, Month
from pipelines.stages.billing_months import issued_months
from pipelines.stages.issue import park_account
from pipelines.storage.audit import add_entry
from pipelines.storage.opening import open_warehouse
from pipelines.storage.session import Session, Silent
from pipelines.storage.warehouse import Warehouse


def park_bill(
    installation: Installation, month: str, account: str, reason: str, who: str, *, wait_seconds: float | None = None
) -> None:
    """Parks the account's bill of the month. Raises BadInput where it is issued, parked, or nobody's."""
    Month.parse(month, installation.settings)
    with open_warehouse(installation, Silent(), wait_seconds) as warehouse:
        session = Session(installation, warehouse)
        if not warehouse.value("SELECT 1 FROM accounts WHERE account_id = ?", [account]):
            raise BadInput(f"{account} is not in accounts.csv as it was last loaded")
        issued = issued_months(session)
        if month in issued.open_accounts and account not in issued.open_accounts[month]:
            raise BadInput(f"{month}:{account}: the month is issued, and this bill with it")
        if _is_parked(warehouse, month, account):
            raise BadInput(f"{month}:{account} is parked already")
        with warehouse.transaction():
            park_account(session, month, account, reason, who, datetime.now(UTC))


def release_bill(
    installation: Installation, month: str, account: str, reason: str, who: str, *, wait_seconds: float | None = None
) -> None:
    """Releases the account's bill of the month. Raises BadInput where it is not parked."""
    Month.parse(month, installation.settings)
    with open_warehouse(installation, Silent(), wait_seconds) as warehouse:
        session = Session(installation, warehouse)
        if not _is_parked(warehouse, month, account):
            raise BadInput(f"{month}:{account} is not parked")
        with warehouse.transaction():
            warehouse.connection.execute(
                "UPDATE parked SET released_by = ?, release_reason = ?, released_at = ? "
                "WHERE billing_month = ? AND account_id = ? AND released_at IS NULL",
                [who, reason, datetime.now(UTC), month, account],
            )
            add_entry(session, "release", month, f"{account}: {reason}", who)


def _is_parked(warehouse: Warehouse, month: str, account: str) -> bool:
    query = "SELECT 1 FROM parked WHERE billing_month = ? AND account_id = ? AND released_at IS NULL"
    return bool(warehouse.value(query, [month, account]))
