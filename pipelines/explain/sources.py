"""What an explanation reads: the published file, and the price and reference files with the line of each row.

The warehouse is never opened, so that an explanation is there while a run goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl

from pipelines.errors import BadInput
from pipelines.explain.words import Row
from pipelines.reference.csv_tables import LINE, read_table
from pipelines.settings import Installation
from pipelines.storage.catalogue import PRICE_TABLES, REFERENCE
from pipelines.storage.published import published
from transforms.rating.book import DEFAULT_LIST

OF_BILL = "billing_month = $month AND account_id = $account"
"""The rows of one bill, in every published table of a month."""


@dataclass
class Sources:
    """The published file, open, and the CSV files, each read when it is first asked for."""

    installation: Installation
    connection: duckdb.DuckDBPyConnection
    _tables: dict[str, pl.DataFrame] = field(default_factory=dict)

    def rows(self, query: str, parameters: dict[str, object]) -> list[Row]:
        """The rows of a query over the published tables; `parameters` by the names it uses as $name."""
        found: pl.DataFrame = self.connection.sql(query, params=parameters).pl()
        return found.to_dicts()

    def row(self, query: str, parameters: dict[str, object]) -> Row | None:
        """The first row of the query."""
        found = self.rows(query, parameters)
        return found[0] if found else None

    def months(self) -> list[str]:
        """The months that are published."""
        return [row["billing_month"] for row in self.rows("SELECT DISTINCT billing_month FROM bills ORDER BY 1", {})]

    def path(self, name: str) -> Path:
        """Where the price or reference table `name` lies."""
        folder = self.installation.price_tables if name in PRICE_TABLES else self.installation.reference
        return folder / f"{name}.csv"

    def table(self, name: str) -> pl.DataFrame:
        """The price or reference table `name` as its file stands now, with the line of each row in LINE."""
        if name not in self._tables:
            table = {**PRICE_TABLES, **REFERENCE}[name]
            self._tables[name] = read_table(self.path(name), table, self.installation.settings.zone).frame
        return self._tables[name]

    def line_of(self, name: str, **values: object) -> Row | None:
        """The row of a price or reference table that has these values, the last of several, or None."""
        same = [pl.col(column).eq_missing(pl.lit(value)) for column, value in values.items()]
        found = self.table(name).filter(*same) if same else self.table(name)
        return found.row(-1, named=True) if found.height else None

    def account(self, account_id: str) -> Row | None:
        """The account's row of accounts.csv."""
        return self.line_of("accounts", account_id=account_id)

    def holding(self, number: str, at: datetime) -> Row | None:
        """The row of numbers.csv that says who held `number` at that moment: the latest assignment counts."""
        held = self.table("numbers").filter(
            pl.col("number") == number,
            pl.col("assigned_at") <= at,
            pl.col("released_at").is_null() | (pl.col("released_at") >= at),
        )
        return held.sort("assigned_at").row(-1, named=True) if held.height else None

    def prefix_of(self, number: str) -> Row | None:
        """The row of destinations.csv with the longest prefix of `number` (E.164 with +)."""
        digits = number.removeprefix("+")
        prefixes = [digits[:length] for length in range(1, len(digits) + 1)]
        found = self.table("destinations").filter(pl.col("prefix").is_in(pl.Series(prefixes).implode()))
        return found.sort(pl.col("prefix").str.len_chars()).row(-1, named=True) if found.height else None

    def vat_row(self, country: str, day: date) -> Row | None:
        """The row of vat_rates.csv in force on `day`."""
        found = self.table("vat_rates").filter(pl.col("country") == country, pl.col("valid_from") <= day)
        return found.sort("valid_from").row(-1, named=True) if found.height else None

    def why_list(self, account: Row | None, price_list: str, currency: str) -> str:
        """Why a price was taken from `price_list` (billing rule 6)."""
        default = f"the default list of {currency}"
        if account is None:
            return default if price_list == DEFAULT_LIST + currency.lower() else "the account's own list"
        if account["price_list"] is None:
            return f"{default}, as the account has no list of its own"
        if account["price_list"] == price_list:
            return "the account's own list"
        return f"{default}, as the account's own list {account['price_list']} had no row for it then"


def at_line(name: str, row: Row | None) -> str:
    """`numbers.csv line 12`, or that there is no such row."""
    return f"{name}.csv line {row[LINE]}" if row else f"no row of {name}.csv as it stands now"


def account_name(row: Row | None, account_id: str) -> str:
    """`A0001 Boulangerie (accounts.csv line 2)`."""
    return f"{account_id} {row['name'] if row else ''}".strip() + f" ({at_line('accounts', row)})"


@contextmanager
def open_sources(installation: Installation) -> Iterator[Sources]:
    """The sources of an installation. Raises BadInput where nothing is published, or its files are gone."""
    place = installation.published
    if not place.exists():
        raise BadInput(f"nothing is published in {place.parent} yet: run a month first, as `callbill run 2026-10`")
    try:
        with published(place) as connection:
            connection.execute(f"SET memory_limit = '{installation.settings.run.memory_limit_mb}MB'")
            yield Sources(installation, connection)
    except (duckdb.IOException, duckdb.CatalogException, duckdb.BinderException):
        raise BadInput(
            f"{place} cannot be read whole: another version made it, or its home was moved; publish it "
            "anew with `callbill run MONTH`"
        ) from None
