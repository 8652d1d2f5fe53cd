"""Rates a batch of legs: account, destination, price in force, charge. What has no price yet is suspended."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from transforms.mediation.records import UNCHARGED_SMS
from transforms.privacy import masked_number
from transforms.rating import charge
from transforms.rating.book import RatingBook
from transforms.rating.bounds import RecordBounds
from transforms.rating.prices import PriceIndex
from transforms.tables.base import assert_contract, conform, types
from transforms.tables.usage import RatedUsage

_ZERO_FEE = pl.lit("0").str.to_decimal(scale=6).cast(pl.Decimal(18, 6))
_ZERO = pl.lit("0").str.to_decimal(scale=10).cast(pl.Decimal(18, 10))
_PRICE = pl.Decimal(18, 6)

HOLDS_NO_MORE = "100,000,000 or more, which is more than a charge holds"
"""What is said of a charge that its type does not hold."""

SUSPENDED = (
    "file_number",
    "record_number",
    "format",
    "record_id",
    "leg",
    "reason",
    "detail",
    "account_id",
    "usage_month",
)


@dataclass(frozen=True)
class Rated:
    """`rated`: RatedUsage, but with file_number in place of file_id. `suspended`: the columns SUSPENDED.
    Together they are the legs that came in."""

    rated: pl.DataFrame
    suspended: pl.DataFrame


def rate(legs: pl.DataFrame, book: RatingBook, *, files: pl.DataFrame, month: str, billing_month: str) -> Rated:
    """The charge of each of `legs` (from `mediation.legs`), all of which started in `month`.

    `files`: file_number and file_id. `billing_month`: the month that is billed, a later one for late usage. Source:
    billing rules 2, 3, 4, 6 and 7. A leg with nothing to charge has charge 0 and needs neither destination nor price.
    One beyond the bounds of the book waits, and so does one whose charge the type does not hold.
    Rows leave sorted by account, so that one account's usage lies together.
    """
    priced = with_price(legs, book).with_columns(pl.lit(month).alias("usage_month"))
    suspended = priced.filter(pl.col("reason").is_not_null())
    rated = priced.filter(pl.col("reason").is_null()) if suspended.height else priced
    told = suspended.with_columns(_detail(book.bounds).alias("detail"))
    return Rated(_rated(rated, files, billing_month), told.select(SUSPENDED))


def with_price(legs: pl.DataFrame, book: RatingBook) -> pl.DataFrame:
    """`legs` in any order with account, destination, country, price and charge, and the `reason` why one has none."""
    found = _with_account(legs, book).with_columns(_chargeable().alias("_chargeable"))
    voice, out = pl.col("service") == "voice", pl.col("direction") == "outbound"
    priced = pl.concat(
        [
            _outbound(found.filter(voice & out), book, book.voice_outbound, "destination"),
            _outbound(found.filter(~voice & out), book, book.sms_outbound, "country"),
            _inbound(found.filter(voice & ~out), book.voice_inbound, by_class=True),
            _inbound(found.filter(~voice & ~out), book.sms_inbound, by_class=False),
        ]
    )
    if priced.height != legs.height:
        raise AssertionError("rating lost or doubled a leg")
    return priced.with_columns(_reason(book.bounds).alias("reason"))


def _with_account(legs: pl.DataFrame, book: RatingBook) -> pl.DataFrame:
    """Adds the account of each leg, its lists, the event's date, and what the own number's holding says.

    The account is the stated one, or the holder of the own number at that moment; it must be open on the date.
    """
    at = pl.col("started_at")
    legs = legs.with_row_index("_row").with_columns(at.dt.convert_time_zone(book.time_zone).dt.date().alias("_date"))
    held = (
        legs.filter((pl.col("direction") == "inbound") | pl.col("account_id").is_null())
        .select("_row", "own_number", "started_at")
        .join(book.holdings, on="own_number", how="inner")
        .filter((at >= pl.col("held_from")) & (pl.col("held_to").is_null() | (at <= pl.col("held_to"))))
        .select("_row", "holder", "number_country", "number_class", "class_id")
    )
    joined = legs.join(held, on="_row", how="left").with_columns(
        pl.coalesce("account_id", "holder").alias("account_id"), pl.col("account_id").is_not_null().alias("_stated")
    )
    joined = joined.join(book.accounts, on="account_id", how="left")
    if joined.height != legs.height:
        raise AssertionError("a number had two holders at one moment")
    is_open = (pl.col("opened_on") <= pl.col("_date")) & (
        pl.col("closed_on").is_null() | (pl.col("_date") <= pl.col("closed_on"))
    )
    return joined.with_columns(is_open.fill_null(False).alias("_account_open"))


def _chargeable() -> pl.Expr:
    """Whether there is anything to charge: answered seconds, or a message that the carrier accepted."""
    voice = pl.col("service") == "voice"
    return pl.when(voice).then(pl.col("billable_seconds") > 0).otherwise(~pl.col("status").is_in(UNCHARGED_SMS))


def _outbound(legs: pl.DataFrame, book: RatingBook, prices: PriceIndex, key: str) -> pl.DataFrame:
    """Legs priced by the destination, or its country, of the number called or written to."""
    place = book.destinations.find(legs["other_number"])
    legs = legs.with_columns(place["destination"], place["country"])
    names = book.destinations.rows.select(key).unique().join(prices.keys, on=key, how="left")
    key_id = legs.select(key).join(names, on=key, how="left", maintain_order="left")["key_id"]
    return _priced(legs, prices, key_id)


def _inbound(legs: pl.DataFrame, prices: PriceIndex, *, by_class: bool) -> pl.DataFrame:
    """Legs priced by country and class of the customer's own number; messages by their list alone."""
    key_id = legs["class_id"] if by_class else pl.Series([0], dtype=pl.Int64).new_from_index(0, legs.height)
    place = legs.with_columns(pl.lit(None, pl.String).alias("destination"), pl.col("number_country").alias("country"))
    return _priced(place, prices, key_id)


def _priced(legs: pl.DataFrame, prices: PriceIndex, key_id: pl.Series) -> pl.DataFrame:
    """Adds the price in force and the charge; both null where a chargeable leg has no price. The charge alone is null
    where its type does not hold it, or that of its billed seconds these."""
    found = prices.find([legs["own_list"], legs["default_list"]], key_id, legs["_date"])
    found = found.zip_with(legs["_chargeable"], pl.Series([None], dtype=pl.Int64).new_from_index(0, legs.height))
    legs = legs.with_columns(
        prices.column("price_list", found).alias("price_list"),
        prices.column("valid_from", found).alias("price_valid_from"),
        found.is_not_null().alias("_has_price"),
    )
    if "price_per_minute" in prices.rows.columns:
        legs = legs.with_columns(
            prices.column("price_per_minute", found).alias("unit_price"),
            prices.column("connection_fee", found).fill_null(_ZERO_FEE),
            prices.column("first_increment", found),
            prices.column("increment", found),
        ).with_columns(
            charge.billed_seconds(pl.col("billable_seconds"), pl.col("first_increment"), pl.col("increment")).alias(
                "billed_seconds"
            )
        )
        legs = legs.drop("first_increment", "increment")
        amount = charge.voice_charge(pl.col("unit_price"), pl.col("connection_fee"), pl.col("billed_seconds"))
    else:
        per_segment = "price_per_segment" in prices.rows.columns
        price = "price_per_segment" if per_segment else "price_per_message"
        legs = legs.with_columns(
            prices.column(price, found).alias("unit_price"),
            _ZERO_FEE.alias("connection_fee"),
            pl.lit(0, pl.Int32).alias("billed_seconds"),
        )
        amount = charge.counted_charge(pl.col("unit_price"), pl.col("segments") if per_segment else pl.lit(1))
    return legs.with_columns(
        pl.when(pl.col("_chargeable")).then(amount).otherwise(_ZERO).alias("charge"),
        pl.col("unit_price").cast(_PRICE),
        pl.when(pl.col("_has_price")).then("billed_seconds").otherwise(0).alias("billed_seconds"),
    )


def _reason(bounds: RecordBounds) -> pl.Expr:
    """Why a leg cannot be rated, or null: one readable row a reason, the first that applies."""
    out = pl.col("direction") == "outbound"
    return (
        pl.when(~pl.col("_account_open"))
        .then(pl.lit("account_unknown"))
        .when(pl.col("billable_seconds").is_null() | bounds.too_long())
        .then(pl.lit("bad_value"))
        .when(pl.col("_chargeable") & out & pl.col("country").is_null())
        .then(pl.lit("no_destination"))
        .when(pl.col("_chargeable") & ~pl.col("_has_price"))
        .then(pl.lit("no_price"))
        .when(pl.col("charge").is_null() | bounds.too_dear())
        .then(pl.lit("bad_value"))
    )


def _detail(bounds: RecordBounds) -> pl.Expr:
    day = pl.col("_date").cast(pl.String)
    own, other = masked_number(pl.col("own_number")), masked_number(pl.col("other_number"))
    number_price = pl.format(
        "no {} price for {} {} in force on {}",
        "service",
        pl.col("number_country").fill_null("a number that nobody holds:"),
        pl.coalesce("number_class", own),
        day,
    )
    return (
        pl.when(pl.col("reason") == "no_destination")
        .then(pl.format("no prefix of destinations.csv matches {}", other))
        .when((pl.col("reason") == "no_price") & (pl.col("direction") == "outbound"))
        .then(pl.format("no {} price for {} in force on {}", "service", pl.coalesce("destination", "country"), day))
        .when(pl.col("reason") == "no_price")
        .then(number_price)
        .when((pl.col("reason") == "bad_value") & pl.col("billable_seconds").is_null())
        .then(pl.lit("the source does not tell how long the forwarded leg lasted"))
        .when(pl.col("reason") == "bad_value")
        .then(_beyond(bounds))
        .when(pl.col("account_id").is_null())
        .then(pl.format("number {} is held by nobody at that moment of {}", own, day))
        .when(pl.col("account_index").is_null())
        .then(pl.lit("the account stated is not in accounts.csv"))
        .otherwise(pl.format("the account is not open on {}", day))
    )


def _beyond(bounds: RecordBounds) -> pl.Expr:
    """Which bound a leg is beyond, and how to raise it; or that no charge is so large."""
    raise_it = "if it is right, raise [bounds] {} in callbill.toml and recycle"
    seconds, amount = f"{bounds.record_seconds:,}", f"{bounds.record_amount:,}"
    too_long = pl.format(
        f"lasts {{}} s, and the bound is {seconds} s: {raise_it.format('record_seconds')}", "billable_seconds"
    )
    too_dear = pl.format(
        f"costs {{}} {{}}, and the bound is {amount}: {raise_it.format('record_amount')}",
        pl.col("charge").cast(pl.String).str.strip_chars_end("0").str.strip_chars_end("."),
        "currency",
    )
    quantity = (
        pl.when(pl.col("service") == "voice")
        .then(pl.format("{} s at {} {} a minute", "billable_seconds", "unit_price", "currency"))
        .when(pl.col("direction") == "outbound")
        .then(pl.format("{} segments at {} {} each", "segments", "unit_price", "currency"))
        .otherwise(pl.format("a message at {} {}", "unit_price", "currency"))
    )
    return (
        pl.when(bounds.too_long())
        .then(too_long)
        .when(pl.col("billed_seconds").is_null())
        .then(pl.format("lasts {} s, and in the increments of its price more than 2,147,483,647 s", "billable_seconds"))
        .when(pl.col("charge").is_null())
        .then(pl.format(f"costs {HOLDS_NO_MORE}: {{}}", quantity))
        .otherwise(too_dear)
    )


def _rated(priced: pl.DataFrame, files: pl.DataFrame, billing_month: str) -> pl.DataFrame:
    second = pl.when(pl.col("leg") == "forwarded").then(pl.lit(":forwarded")).otherwise(pl.lit(""))
    wanted = [name for name in priced.columns if name in types(RatedUsage)]
    named = (
        priced.select(*wanted, "file_number", "account_index")
        .sort("account_index", maintain_order=True)
        .join(files, on="file_number", how="left", maintain_order="left")
        .with_columns(
            pl.concat_str(
                pl.col("format"), pl.lit(":"), pl.col("service"), pl.lit(":"), pl.col("record_id"), second
            ).alias("usage_id")
        )
    )
    return assert_contract(RatedUsage, conform(RatedUsage, named, {"billing_month": billing_month}))
