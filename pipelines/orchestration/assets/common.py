"""What the asset files share: partitions, owners, and how a table class shows in Dagster."""

from collections.abc import Sequence, Set
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from pipelines.settings import Billing
from pipelines.storage import catalogue
from transforms.tables import base
from transforms.tables.base import Table

OWNERS = ["team:billing"]


def monthly(billing: Billing, until: str | None = None) -> dg.MonthlyPartitionsDefinition:
    """The months from the first of the settings to the one at hand, in the billing time zone; or further, to `until`."""
    now = datetime.now(ZoneInfo(billing.time_zone))
    ahead = 0 if until is None else 12 * (int(until[:4]) - now.year) + int(until[5:]) - now.month
    return dg.MonthlyPartitionsDefinition(
        start_date=billing.first_month, fmt="%Y-%m", timezone=billing.time_zone, end_offset=max(0, ahead) + 1
    )


def column_schema(table: type[Table]) -> dg.TableSchema:
    """The columns of `table` as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type=catalogue.sql_type(base.types(table)[name]),
                description=catalogue.described(field),
                constraints=dg.TableColumnConstraints(nullable=bool(field.nullable), unique=bool(field.unique)),
            )
            for name, field in base.columns(table).items()
        ]
    )


def described(
    table: type[Table], group: str, deps: Sequence[str], kinds: Set[str], months: dg.MonthlyPartitionsDefinition
) -> dict[str, Any]:
    """What an asset that is a table shows: description, columns, group, owners and kinds follow from its class."""
    return {
        "description": " ".join((table.__doc__ or "").split()),
        "deps": list(deps),
        "group_name": group,
        "owners": OWNERS,
        "kinds": set(kinds),
        "partitions_def": months,
        "metadata": {"dagster/column_schema": column_schema(table), "key": ", ".join(table._key)},
    }
