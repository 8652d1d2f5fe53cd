"""Which price row is in force: by list, key and day, the account's own list before the default of its currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

_DAYS = 1 << 17
"""Room for days since 1970 within a code: up to the year 2328."""


def _day(date: pl.Series) -> pl.Series:
    return date.cast(pl.Int32).cast(pl.Int64).clip(0, _DAYS - 1)


@dataclass(frozen=True)
class PriceIndex:
    """One price table ready for look-ups.

    `keys`: the distinct keys with `key_id`. `codes`: list, key and first day of each row in one sorted number.
    `rows`: the price rows in the order of `codes`.
    """

    keys: pl.DataFrame
    codes: pl.Series
    rows: pl.DataFrame

    @staticmethod
    def build(prices: pl.DataFrame, key: Sequence[str], lists: pl.DataFrame) -> PriceIndex:
        """The index of `prices` (a priced table) by `key`; `lists` has price_list and list_id (Int64)."""
        keys = prices.select(key).unique().sort(key).with_row_index("key_id").cast({"key_id": pl.Int64})
        if not key:
            keys = pl.DataFrame({"key_id": [0]}, schema={"key_id": pl.Int64})
        rows = prices.join(lists, on="price_list", how="left", maintain_order="left")
        rows = (
            rows.join(keys, on=list(key), how="left") if key else rows.with_columns(pl.lit(0, pl.Int64).alias("key_id"))
        )
        group = pl.col("list_id") * keys.height + pl.col("key_id")
        rows = rows.with_columns((group * _DAYS + pl.lit(_day(rows["valid_from"]))).alias("_code")).sort("_code")
        return PriceIndex(keys, rows["_code"], rows.drop("_code", "list_id", "key_id"))

    def find(self, lists: Sequence[pl.Series], key_id: pl.Series, date: pl.Series) -> pl.Series:
        """Position in `rows` of the price in force, null where there is none (billing rule 6).

        `lists` holds the list ids to ask, the first first; `date` is the day on which the event started.
        """
        found = self._in_list(lists[0], key_id, date)
        for list_id in lists[1:]:
            if not found.has_nulls():
                break
            found = found.zip_with(found.is_not_null(), self._in_list(list_id, key_id, date))
        return found

    def _in_list(self, list_id: pl.Series, key_id: pl.Series, date: pl.Series) -> pl.Series:
        nothing = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(key_id))
        if self.codes.is_empty():
            return nothing
        group = list_id * self.keys.height + key_id
        code = (group * _DAYS + _day(date)).fill_null(-1)
        position = self.codes.search_sorted(code, side="right").cast(pl.Int64) - 1
        same_key = self.codes.gather(position.clip(0)) // _DAYS == code // _DAYS
        return position.zip_with(same_key & (position >= 0) & (code >= 0), nothing)

    def column(self, name: str, found: pl.Series) -> pl.Series:
        """Column `name` of the price rows `found`, null where nothing was."""
        return self.rows[name].gather(found).alias(name)
