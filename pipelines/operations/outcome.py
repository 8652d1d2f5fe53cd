"""What a run says at its end: counts, totals, suspense, controls."""

from __future__ import annotations

from typing import Any

from pipelines.reference.tariff import outcome_facts
from pipelines.stages.publish import SUSPENSE
from pipelines.stages.rate import is_current, usage_months
from pipelines.storage.session import Session


def outcome(session: Session, name: str) -> dict[str, Any]:
    """The month's figures, as the warehouse has them now."""
    warehouse = session.warehouse
    files = warehouse.month_files
    tables = {table: files.source(table, [name]) for table in ("rated_usage", "number_fees", "bill_lines", "bills")}

    def rows(query: str) -> list[dict[str, Any]]:
        return warehouse.frame(query.format(**tables)).to_dicts()

    months = usage_months(session)
    first = session.installation.settings.billing.first_month
    return {
        "month": name,
        "tariff": outcome_facts(session),
        "published": str(session.installation.published),
        "files": rows(
            "SELECT count(*) AS files, coalesce(sum(records), 0)::BIGINT AS records, "
            "(SELECT count(*) FROM duplicates WHERE NOT conflicting) AS duplicates FROM loaded_files"
        )[0],
        "usage": rows(
            "SELECT service, direction, currency, count(*) AS events, sum(charge) AS charges "
            "FROM {rated_usage} GROUP BY ALL ORDER BY ALL"
        ),
        "number_fees": rows(
            "SELECT currency, count(*) AS numbers, sum(amount) AS amount FROM {number_fees} GROUP BY ALL ORDER BY 1"
        ),
        "bills": rows(
            "SELECT billing_mode, currency, count(*) AS bills, sum(net_amount) AS net_amount, sum(vat_amount) AS vat_amount, "
            "sum(paid_from_balance) AS paid_from_balance, sum(total_owed) AS total_owed FROM {bills} GROUP BY ALL ORDER BY ALL"
        ),
        "suspense": rows(
            f"SELECT reason, count(*) AS open FROM ({SUSPENSE}) WHERE state = 'open' GROUP BY ALL ORDER BY ALL"
        ),
        "receipts": warehouse.value("SELECT count(*) FROM receipts"),
        "accounts_below_zero": warehouse.value(
            "SELECT count(*) FROM (SELECT arg_max(balance_after, entry_number) AS b FROM ledger GROUP BY account_id) WHERE b < 0"
        ),
        "controls": rows(
            f"SELECT count(DISTINCT control) AS passed FROM controls WHERE passed AND billing_month = '{name}'"
        )[0],
        "reported": rows(
            "SELECT control, difference::BIGINT AS found, findings FROM controls "
            f"WHERE passed AND difference <> 0 AND billing_month = '{name}' ORDER BY control"
        ),
        "first_month": first,
        "before_first_month": warehouse.value(
            "SELECT count(*) FROM usage_records WHERE started_at < ?", [session.month(first).starts]
        ),
        "months_waiting": [month for month in months if month != name and not is_current(session, month)],
    }
