"""Which destination a telephone number belongs to: the longest prefix wins, in one look-up a number.

The prefixes are flattened once into disjoint ranges of numbers, so that a batch of numbers is found by binary
search however deep the prefixes nest.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

DIGITS = 15
"""Digits of the longest E.164 number; shorter numbers and prefixes are filled up with zeros behind."""


@dataclass(frozen=True)
class DestinationIndex:
    """A deck of prefixes ready for look-ups.

    `rows`: the prefixes with destination and country, `destination_id` numbering the names. `starts` and `owners`:
    first number of each range, and the row of `rows` that owns it (null: none).
    """

    rows: pl.DataFrame
    starts: pl.Series
    owners: pl.Series

    @staticmethod
    def build(destinations: pl.DataFrame) -> DestinationIndex:
        """The index of `destinations` (Destinations)."""
        names = destinations.select(pl.col("destination").unique().sort()).with_row_index("destination_id")
        rows = (
            destinations.select("prefix", "destination", "country")
            .join(names, on="destination", how="left", maintain_order="left")
            .with_columns(
                pl.col("prefix").str.len_chars().cast(pl.Int64).alias("length"),
                pl.col("prefix").str.pad_end(DIGITS, "0").cast(pl.Int64).alias("start"),
                pl.col("prefix").str.pad_end(DIGITS, "9").cast(pl.Int64).alias("end"),
                pl.col("destination_id").cast(pl.Int64),
            )
            .sort("start", "length")
        )
        starts, owners = _flatten(rows["start"].to_list(), rows["end"].to_list())
        return DestinationIndex(rows, pl.Series(starts, dtype=pl.Int64), pl.Series(owners, dtype=pl.Int64))

    def find(self, numbers: pl.Series) -> pl.DataFrame:
        """destination, country, destination_id of each of `numbers` (E.164 with +); null where no prefix matches.

        `+33612345678` is found under 336 before 33. A number that ends before a prefix does is not under it.
        """
        digits = numbers.str.strip_prefix("+")
        length = digits.str.len_chars().cast(pl.Int64)
        scale = pl.Series([10 ** (DIGITS - n) for n in range(DIGITS + 1)], dtype=pl.Int64)
        key = digits.cast(pl.Int64, strict=False) * scale.gather(length.clip(0, DIGITS))
        position = self.starts.search_sorted(key.fill_null(-1), side="right").cast(pl.Int64) - 1
        owner = self._owner(position)
        frame = pl.DataFrame({"digits": digits, "length": length, "owner": owner}).with_columns(
            pl.when(pl.lit(key.is_not_null())).then("owner")
        )
        prefix_length = pl.lit(self.rows["length"].gather(frame["owner"]))
        too_long = frame.select((prefix_length > pl.col("length")).fill_null(False)).to_series()
        if too_long.any():
            frame = self._shorter(frame, too_long)
        owner = frame["owner"]
        return self.rows.select(
            pl.col("destination").gather(owner), pl.col("country").gather(owner), pl.col("destination_id").gather(owner)
        )

    def shadowed(self) -> pl.DataFrame:
        """prefix, destination and country of the prefixes that no longer number is found under.

        Longer prefixes cover all ten digits behind them: `33` beside 330 to 339, or beside 330 to 338 and 3390 to 3399.
        """
        owned = pl.Series(range(self.rows.height), dtype=pl.Int64).is_in(self.owners.drop_nulls().unique().implode())
        return self.rows.filter(~owned).select("prefix", "destination", "country")

    def _owner(self, position: pl.Series) -> pl.Series:
        if self.starts.is_empty():
            return pl.Series([None], dtype=pl.Int64).new_from_index(0, len(position))
        return self.owners.gather(position.clip(0)).zip_with(
            position >= 0, pl.Series([None], dtype=pl.Int64).new_from_index(0, len(position))
        )

    def _shorter(self, frame: pl.DataFrame, too_long: pl.Series) -> pl.DataFrame:
        """Owners for the few numbers that are shorter than the prefix found: by each length, the longest first."""
        few = frame.with_row_index("_at").filter(too_long).with_columns(pl.lit(None, pl.Int64).alias("owner"))
        prefixes = self.rows.select("prefix", "length").with_row_index("_row").cast({"_row": pl.Int64})
        for size in sorted(self.rows["length"].unique().to_list(), reverse=True):
            few = (
                few.with_columns(
                    pl.when(pl.col("length") >= size).then(pl.col("digits").str.head(size)).alias("prefix")
                )
                .join(
                    prefixes.filter(pl.col("length") == size).drop("length"),
                    on="prefix",
                    how="left",
                    maintain_order="left",
                )
                .with_columns(pl.coalesce("owner", "_row").alias("owner"))
                .drop("_row", "prefix")
            )
        found = few.select("_at", pl.col("owner").alias("_found"))
        return (
            frame.with_row_index("_at")
            .with_columns(pl.when(~pl.lit(too_long)).then("owner"))
            .join(found, on="_at", how="left", maintain_order="left")
            .with_columns(pl.coalesce("owner", "_found").alias("owner"))
            .drop("_at", "_found")
        )


def _flatten(starts: list[int], ends: list[int]) -> tuple[list[int], list[int | None]]:
    """Nested ranges, sorted by start and then the wider first, as disjoint ones: where each begins, and whose it is."""
    points: list[int] = []
    owners: list[int | None] = []

    def begin(point: int, owner: int | None) -> None:
        if points and points[-1] == point:
            owners[-1] = owner
        else:
            points.append(point)
            owners.append(owner)

    open_ranges: list[int] = []
    for index, start in enumerate(starts):
        while open_ranges and ends[open_ranges[-1]] < start:
            closed = open_ranges.pop()
            begin(ends[closed] + 1, open_ranges[-1] if open_ranges else None)
        begin(start, index)
        open_ranges.append(index)
    while open_ranges:
        closed = open_ranges.pop()
        begin(ends[closed] + 1, open_ranges[-1] if open_ranges else None)
    return points, owners
