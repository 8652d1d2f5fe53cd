"""From a table class to everything that shows its columns: DDL, comments, Dagster's column schema, the docs page."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pipelines.storage.internal_tables import INTERNAL
from transforms.tables import base, billing, books, closing, control, documents, prices, reference, suspense, usage
from transforms.tables.base import Table

BILLED: dict[str, type[Table]] = {
    "rated_usage": usage.RatedUsage,
    "number_fees": billing.NumberFees,
    "bill_lines": billing.BillLines,
    "bills": billing.Bills,
}
"""A month's bills and what they follow from."""

CORRECTED: dict[str, type[Table]] = {
    "corrected_usage": billing.CorrectedUsage,
    "correction_lines": billing.CorrectionLines,
    "correction_notes": billing.CorrectionNotes,
}
"""What corrects issued bills of a month."""

PUBLISHED_MONTHLY: dict[str, type[Table]] = {**BILLED, **CORRECTED}
"""Tables kept as immutable Parquet files a month, with a view over them."""

BOOKS: dict[str, type[Table]] = {
    "receivables": books.Receivables,
    "open_items": books.OpenItems,
    "journal": books.Journal,
}
"""What follows from issued documents and payments."""

DELIVERABLES: dict[str, type[Table]] = {
    "documents": documents.Documents,
    "collections": documents.Collections,
}
"""What was made of issued documents."""

PUBLISHED_WHOLE: dict[str, type[Table]] = {
    "receipts": billing.Receipts,
    "ledger": billing.Ledger,
    **BOOKS,
    "suspense": suspense.PublishedSuspense,
    "write_offs": suspense.WriteOffs,
    "usage_files": usage.UsageFiles,
    "controls": control.Controls,
    "parked": closing.Parked,
    "audit": closing.Audit,
    **DELIVERABLES,
}
"""Tables that stand in the published file itself."""

PRICE_TABLES: dict[str, type[Table]] = {
    "price_lists": prices.PriceLists,
    "destinations": prices.Destinations,
    "voice_outbound": prices.VoiceOutbound,
    "voice_inbound": prices.VoiceInbound,
    "sms_outbound": prices.SmsOutbound,
    "sms_inbound": prices.SmsInbound,
    "number_fees": prices.NumberFeePrices,
    "vat_rates": prices.VatRates,
}
"""Price tables by the name of their file."""

REFERENCE: dict[str, type[Table]] = {
    "accounts": reference.Accounts,
    "numbers": reference.Numbers,
    "credits": reference.Credits,
    "payments": reference.Payments,
    "exchange_rates": reference.ExchangeRates,
}
"""Reference tables by the name of their file."""


def in_warehouse(name: str) -> str:
    """The warehouse's table for a reference or price file: number_fees is there the table of the fees charged."""
    return "number_fee_prices" if name == "number_fees" else name


WAREHOUSE: dict[str, type[Table]] = {
    **REFERENCE,
    **{in_warehouse(name): table for name, table in PRICE_TABLES.items()},
    "usage_records": usage.UsageRecords,
    "event_parts": usage.EventParts,
    "number_events": usage.NumberEvents,
    "refused_records": usage.RefusedRecords,
    "duplicates": usage.Duplicates,
    "receipts": billing.Receipts,
    "ledger": billing.Ledger,
    **BOOKS,
    "suspense": usage.Suspense,
    "write_offs": suspense.WriteOffs,
    "controls": control.Controls,
    "parked": closing.Parked,
    **DELIVERABLES,
    "outbox": documents.Outbox,
    **INTERNAL,
}
"""Every table of the warehouse."""

STORED_PLAIN = {"usage_records": ("record_id", "other_number")}
"""Columns of the warehouse whose values hardly repeat: to look for a dictionary in them is a quarter of the work of
loading and saves little (docs/performance.md)."""

_SQL: dict[type[pl.DataType], str] = {
    pl.String: "VARCHAR",
    pl.Boolean: "BOOLEAN",
    pl.Date: "DATE",
    pl.Int8: "TINYINT",
    pl.Int32: "INTEGER",
    pl.Int64: "BIGINT",
    pl.Datetime: "TIMESTAMP WITH TIME ZONE",
}


def sql_type(dtype: pl.DataType) -> str:
    """The DuckDB type of a Polars type. Raises KeyError for one that the house does not use (floats, above all)."""
    if dtype == pl.Decimal(38, 0):
        return "HUGEINT"
    if isinstance(dtype, pl.Decimal):
        return f"DECIMAL({dtype.precision},{dtype.scale})"
    return _SQL[dtype.base_type()]


def quoted(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def create_table(name: str, table: type[Table]) -> str:
    """CREATE TABLE IF NOT EXISTS for `table`."""
    plain = dict.fromkeys(STORED_PLAIN.get(name, ()), " USING COMPRESSION uncompressed")
    body = ", ".join(
        f'"{column}" {sql_type(dtype)}{plain.get(column, "")}' for column, dtype in base.types(table).items()
    )
    return f"CREATE TABLE IF NOT EXISTS {name} ({body})"


def add_columns(name: str, table: type[Table], there: set[tuple[str, str]]) -> list[str]:
    """ALTER TABLE for the columns of `table` that are not among `there` (table and column)."""
    return [
        f'ALTER TABLE {name} ADD COLUMN "{column}" {sql_type(dtype)}'
        for column, dtype in base.types(table).items()
        if (name, column) not in there
    ]


def select_nothing(table: type[Table]) -> str:
    """A SELECT of no rows with the columns of `table`."""
    body = ", ".join(f'NULL::{sql_type(dtype)} AS "{column}"' for column, dtype in base.types(table).items())
    return f"SELECT {body} WHERE false"


def comments(name: str, table: type[Table], kind: str = "TABLE") -> Iterator[str]:
    """COMMENT ON statements for the table (or VIEW) and each of its columns."""
    yield f"COMMENT ON {kind} {name} IS {quoted(_one_line(table))}"
    for column, field in base.columns(table).items():
        yield f'COMMENT ON COLUMN {name}."{column}" IS {quoted(described(field))}'


def described(field: object) -> str:
    """Description and unit of a column."""
    unit = (getattr(field, "metadata", None) or {}).get("unit")
    text = str(getattr(field, "description", "") or "")
    return f"{text} [{unit}]" if unit else text


def _one_line(table: type[Table]) -> str:
    return " ".join((table.__doc__ or "").split("\n\n")[0].split())


def data_dictionary() -> str:
    """The page docs/data-dictionary.md, made from the table classes."""
    parts = [
        "# Data dictionary\n",
        "Made from the classes in `transforms/tables` by `python -m pipelines.storage.catalogue`; a test fails when it is stale.",
        "Amounts of different currencies are never added: every amount stands beside its currency.\n",
    ]
    shown = {*PUBLISHED_MONTHLY, *PUBLISHED_WHOLE, *REFERENCE, *map(in_warehouse, PRICE_TABLES)}
    sections = (
        ("Published tables", {**PUBLISHED_MONTHLY, **PUBLISHED_WHOLE}),
        ("Reference files", REFERENCE),
        ("Price tables", PRICE_TABLES),
        ("Inside the warehouse", {name: table for name, table in WAREHOUSE.items() if name not in shown}),
    )
    for title, tables in sections:
        parts.append(f"## {title}\n")
        for name, table in tables.items():
            parts.append(f"### {name}\n\n{_one_line(table)} Key: {', '.join(f'`{c}`' for c in table._key)}.\n")
            parts.append("| column | type | null | meaning |\n|---|---|---|---|")
            parts += [
                f"| `{column}` | {sql_type(base.types(table)[column])} | {'yes' if field.nullable else ''} | {described(field)} |"
                for column, field in base.columns(table).items()
            ]
            parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    from pipelines.settings import REPOSITORY

    (REPOSITORY / "docs" / "data-dictionary.md").write_text(data_dictionary(), encoding="utf-8")
