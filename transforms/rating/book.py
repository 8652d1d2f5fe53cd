"""All that rating looks up, indexed once and passed in: accounts, holdings of numbers, destinations and prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from transforms.rating.bounds import UNBOUNDED, RecordBounds
from transforms.rating.destinations import DestinationIndex
from transforms.rating.prices import PriceIndex

DEFAULT_LIST = "default_"
"""The default price list of a currency is named `default_usd`, `default_eur` ... (contract, price tables)."""


@dataclass(frozen=True)
class RatingBook:
    """What `rate` looks up. `accounts`: account_id, account_index, currency, own_list, default_list, opened_on,
    closed_on. `holdings`: own_number, holder, number_country, number_class, class_id, held_from, held_to."""

    time_zone: str
    accounts: pl.DataFrame
    holdings: pl.DataFrame
    destinations: DestinationIndex
    voice_outbound: PriceIndex
    voice_inbound: PriceIndex
    sms_outbound: PriceIndex
    sms_inbound: PriceIndex
    number_fees: PriceIndex
    bounds: RecordBounds = UNBOUNDED

    @staticmethod
    def build(tables: Mapping[str, pl.DataFrame], *, time_zone: str, bounds: RecordBounds = UNBOUNDED) -> RatingBook:
        """The book of the reference and price tables, by the names of their files without ending."""
        lists = tables["price_lists"].sort("price_list").with_row_index("list_id").cast({"list_id": pl.Int64})
        list_ids = lists.select("price_list", "list_id")
        voice_inbound = PriceIndex.build(tables["voice_inbound"], ["country", "number_class"], list_ids)
        return RatingBook(
            time_zone=time_zone,
            accounts=with_price_lists(tables["accounts"], lists),
            holdings=_holdings(tables["numbers"], voice_inbound.keys),
            destinations=DestinationIndex.build(tables["destinations"]),
            voice_outbound=PriceIndex.build(tables["voice_outbound"], ["destination"], list_ids),
            voice_inbound=voice_inbound,
            sms_outbound=PriceIndex.build(tables["sms_outbound"], ["country"], list_ids),
            sms_inbound=PriceIndex.build(tables["sms_inbound"], [], list_ids),
            number_fees=PriceIndex.build(tables["number_fees"], ["country", "number_class"], list_ids),
            bounds=bounds,
        )


def with_price_lists(accounts: pl.DataFrame, lists: pl.DataFrame) -> pl.DataFrame:
    """account_id, account_index, currency, own_list, default_list, opened_on, closed_on of `accounts`.

    `lists` has price_list and list_id. An account without a list of its own has the default in both places.
    """
    default = pl.lit(DEFAULT_LIST) + pl.col("currency").str.to_lowercase()
    own = lists.select(pl.col("price_list"), pl.col("list_id").alias("own_list"))
    defaults = lists.select(pl.col("price_list").alias("_default"), pl.col("list_id").alias("default_list"))
    return (
        accounts.sort("account_id")
        .with_row_index("account_index")
        .with_columns(pl.coalesce("price_list", default).alias("price_list"), default.alias("_default"))
        .join(own, on="price_list", how="left", maintain_order="left")
        .join(defaults, on="_default", how="left", maintain_order="left")
        .select("account_id", "account_index", "currency", "own_list", "default_list", "opened_on", "closed_on")
    )


def _holdings(numbers: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Holdings as closed intervals of moments that do not touch: at one instant the later assignment holds."""
    next_from = pl.col("assigned_at").shift(-1).over("number", order_by="assigned_at")
    last = pl.min_horizontal("released_at", next_from - pl.duration(microseconds=1))
    return (
        numbers.sort("number", "assigned_at")
        .with_columns(last.alias("held_to"))
        .join(classes, on=["country", "number_class"], how="left", maintain_order="left")
        .select(
            pl.col("number").alias("own_number"),
            pl.col("account_id").alias("holder"),
            pl.col("country").alias("number_country"),
            "number_class",
            pl.col("key_id").alias("class_id"),
            pl.col("assigned_at").alias("held_from"),
            "held_to",
        )
    )
