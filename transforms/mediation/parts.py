"""Events that several records tell: which of them are whole, which records say nothing new, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from transforms.mediation.contract import Assembled
from transforms.mediation.records import mediate
from transforms.tables.base import conform
from transforms.tables.usage import Duplicates, RefusedRecords, UsageRecords

_PLACE = ("file_number", "record_number")
_SAYS = ("event", "part", "at", "content")


@dataclass(frozen=True)
class Whole:
    """What parts came to: `usage` (UsageRecords), `refused` (RefusedRecords), `duplicates` (Duplicates), and the new
    `states` (file_number, record_number, state) of the parts that waited."""

    usage: pl.DataFrame
    refused: pl.DataFrame
    duplicates: pl.DataFrame
    states: pl.DataFrame


def assemble_parts(
    parts: pl.DataFrame,
    assemble: Callable[[pl.DataFrame], Assembled],
    *,
    format_name: str,
    one_suffices: bool = False,
) -> Whole:
    """What comes of `parts` (EventParts of whole events: every part of an event or none).

    A part that says what an earlier one of its event said is a duplicate. A part of an event that is whole already, and
    that says something else, is suspended as conflicting. What is left goes through the format's own `assemble`.
    `one_suffices`: every part tells the whole event in its own way, so that a late one is only in conflict with an
    earlier one of its own kind.
    """
    marked = parts.sort(_PLACE)
    repeats = _repeats(marked)
    new = marked.filter(pl.col("state") == "waiting")
    repeated = repeats.filter(pl.col("state") == "waiting")
    first = new.join(repeated, on=_PLACE, how="anti") if repeated.height else new
    settled = marked.filter(pl.col("state").is_in(("usage", "told", "refused"))).select("event").unique()
    late = first.join(settled, on="event", how="semi") if settled.height else first.clear()
    found = assemble(first.join(late, on=_PLACE, how="anti") if late.height else first)
    if one_suffices and late.height:
        late = late.join(marked.filter(pl.col("state") != "waiting"), on=["event", "part"], how="semi")
    rows = found.fields.drop("file_number").with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("record_number"))
    places = found.fields.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("_row"), *_PLACE)
    mediated = mediate(rows)
    usage = _placed(mediated.records, places)
    other = late.select(
        *_PLACE,
        pl.lit("main").alias("leg"),
        pl.col("event").alias("record_id"),
        pl.lit("conflicting_duplicate").alias("reason"),
        (pl.col("part") + pl.lit(" of an event that was whole already, and says something else")).alias("detail"),
        pl.lit(None, pl.String).alias("account_id"),
    )
    refused = pl.concat([_placed(mediated.refused, places).select(other.columns), other])
    states = pl.concat(
        [
            repeated.select(*_PLACE, pl.lit("repeated").alias("state")),
            usage.select(*_PLACE, pl.lit("usage").alias("state")),
            refused.filter(pl.col("leg") == "main").select(*_PLACE, pl.lit("refused").alias("state")),
            found.waiting.select(*_PLACE, pl.lit("waiting").alias("state")),
        ]
    )
    told = new.join(states, on=_PLACE, how="anti").select(*_PLACE, pl.lit("told").alias("state"))
    return Whole(
        conform(UsageRecords, usage, {"format": format_name}),
        conform(RefusedRecords, refused),
        conform(Duplicates, repeated, {"conflicting": False}),
        pl.concat([states, told]),
    )


def _repeats(parts: pl.DataFrame) -> pl.DataFrame:
    """The parts that say what an earlier one of their event said, with its `first_file_number`, `first_record_number`."""
    # Only an event with two parts of one name can have any. The hash is a sieve; what passes is compared by itself.
    several = pl.struct(pl.col("event").hash(), "part").is_duplicated()
    return (
        parts.filter(several)
        .with_columns(
            pl.int_range(pl.len()).over(_SAYS).alias("_position"),
            *(pl.col(name).first().over(_SAYS).alias(f"first_{name}") for name in _PLACE),
        )
        .filter(pl.col("_position") > 0)
    )


def _placed(frame: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    rows = frame.rename({"record_number": "_row"}).join(places, on="_row", how="left", maintain_order="left")
    return rows.drop("_row")
