"""What is wrong, or looks wrong, with the price tables and reference files: `callbill check`.

What would stop a run is an error of `pipelines.reference.consistency`; what stops nothing but deserves a look is here, and what
does so in the price tables alone is in `pipelines.reference.lint`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from pipelines.documents.mandates import creditor_problems, refusals
from pipelines.errors import BadInput
from pipelines.reference import consistency, lint
from pipelines.reference.consistency import InputTables
from pipelines.reference.csv_tables import read_table
from pipelines.reference.findings import grouped
from pipelines.reference.tariff import tariff
from pipelines.settings import Installation, Month, Seller, Settings
from pipelines.storage.catalogue import PRICE_TABLES, REFERENCE
from transforms.billing.bills import missing_vat_rates
from transforms.billing.vat import EU
from transforms.rating.book import RatingBook
from transforms.rating.prices import PriceIndex


def check_inputs(installation: Installation, today: date | None = None) -> dict[str, Any]:
    """The `tariff`, `rows` of each price and reference table, and `warnings`: sentences about what stops no run.

    Prices and rates are looked for as of `today` (in the billing time zone). Of usage only what is published is read.
    Raises BadInput with every problem of the files themselves.
    """
    settings = installation.settings
    today = today or datetime.now(settings.zone).date()
    prices = _price_tables(installation)
    tables = {**prices.frames, **consistency.read_reference(installation, prices).frames}
    book = RatingBook.build(tables, time_zone=settings.billing.time_zone)
    month = Month(f"{today:%Y-%m}", settings.zone)
    closed = pl.col("closed_on").is_not_null() & (pl.col("closed_on") < month.first)
    accounts = tables["accounts"].filter(~closed)
    warnings = [
        *_missing_files(installation),
        *_seller(installation),
        *_vat_numbers(accounts, settings.seller.country),
        *_vat_rates(accounts, tables["vat_rates"], month, settings.seller.country),
        *_payment_methods(accounts),
        *_debits(accounts, settings.seller, today),
        *_legal(accounts, settings),
        *_currencies(accounts, book),
        *_numbers(tables["numbers"], book, today),
        *_destinations(tables["destinations"], tables["voice_outbound"]),
        *lint.prefixes(prices, book),
        *lint.outliers(prices, today),
        *lint.traffic(installation, accounts, book, today),
    ]
    rows = {name: tables[name].height for name in (*PRICE_TABLES, *REFERENCE)}
    return {"tariff": tariff(installation).facts(), "rows": rows, "warnings": warnings}


def _price_tables(installation: Installation) -> InputTables:
    """The price tables; where they are unsound, reference files that cannot be read are told too."""
    try:
        return consistency.read_price_tables(installation)
    except BadInput as error:
        files = [
            read_table(installation.reference / f"{name}.csv", table, installation.settings.zone)
            for name, table in REFERENCE.items()
        ]
        raise BadInput([*error.problems, *(problem for file in files for problem in file.problems)]) from None


def _counts(frame: pl.DataFrame, columns: Sequence[str], word: str) -> list[str]:
    """`FR geographic: 12 numbers` for each group of rows that share the values of `columns`."""
    groups = frame.group_by(columns).agg(pl.len()).sort(columns)
    return [f"{' '.join(values)}: {n} {word}{'s' if n > 1 else ''}" for *values, n in groups.rows()]


def _missing_files(installation: Installation) -> list[str]:
    folder = installation.price_tables
    missing = [f"{name}.csv" for name in PRICE_TABLES if not (folder / f"{name}.csv").exists()]
    return grouped(f"price tables that are not in {folder} and count as empty", missing)


def _seller(installation: Installation) -> list[str]:
    seller = installation.settings.seller
    missing = [name for name in ("name", "vat_number") if not getattr(seller, name).strip()]
    return grouped("what a bill must state and [seller] in callbill.toml does not", missing)


_FRENCH_TERMS = ("late_payment", "recovery_fee", "early_payment")


def _legal(accounts: pl.DataFrame, settings: Settings) -> list[str]:
    """What French law wants on bills between businesses (Code de commerce, L441-9 and L441-10) and is not set."""
    if settings.seller.country != "FR":
        return []
    business = (pl.col("country") == "FR") & (pl.col("vat_number").is_not_null() | pl.col("registration").is_not_null())
    spoken = accounts.filter(business)["language"].fill_null(settings.documents.language).unique().sort()
    wording = {"en": settings.legal_en, "fr": settings.legal_fr}
    missing = [
        f"[legal_{language}] {name}"
        for language in spoken
        for name in _FRENCH_TERMS
        if not getattr(wording[language], name).strip()
    ]
    return grouped("what bills between French businesses must state and callbill.toml does not", missing)


def _vat_numbers(accounts: pl.DataFrame, seller_country: str) -> list[str]:
    """Accounts elsewhere in the EU with a VAT number that does not count, so that they pay as consumers."""
    if seller_country not in EU:
        return []
    elsewhere = accounts.filter(pl.col("country").is_in(sorted(EU - {seller_country})))
    stated = elsewhere.filter(pl.col("vat_number").is_not_null())
    invalid = stated.join(consistency.valid_vat_numbers(stated, seller_country), on="account_id", how="anti")
    return grouped(
        f"accounts whose vat_number is no valid one of an EU country other than {seller_country}, so that "
        "they pay VAT as consumers",
        invalid.sort("account_id")["account_id"].to_list(),
    )


def _vat_rates(accounts: pl.DataFrame, vat_rates: pl.DataFrame, month: Month, seller_country: str) -> list[str]:
    """Countries of customers who are charged VAT without a rate in force at the end of this month."""
    valid = consistency.valid_vat_numbers(accounts, seller_country)
    taxed = consistency.with_vat_numbers(accounts.filter(pl.col("opened_on") <= month.last), valid)
    missing = missing_vat_rates(taxed, vat_rates, month.last, seller_country)
    return grouped(
        "countries of customers who are charged VAT for which vat_rates.csv has no rate in force on "
        f"{month.last}, so that a bill or a top-up of theirs stops a run",
        _counts(missing, ["country"], "account"),
    )


def _payment_methods(accounts: pl.DataFrame) -> list[str]:
    """Accounts whose way of paying does not go with their mode."""
    balance = pl.col("payment_method") == "balance"
    postpaid = pl.col("billing_mode") == "postpaid"

    def names(which: pl.Expr) -> list[str]:
        return accounts.filter(which).sort("account_id")["account_id"].to_list()

    return [
        *grouped("postpaid accounts with the payment_method balance", names(postpaid & balance)),
        *grouped("prepaid accounts with another payment_method than balance", names(~postpaid & ~balance)),
    ]


def _debits(accounts: pl.DataFrame, seller: Seller, today: date) -> list[str]:
    """Postpaid accounts that pay by direct debit and cannot be debited; what [seller] lacks for them is told once."""
    asked = accounts.filter((pl.col("billing_mode") == "postpaid") & (pl.col("payment_method") == "direct_debit"))
    if asked.is_empty():
        return []
    if missing := creditor_problems(seller):
        return grouped("why nobody can be debited, as accounts ask to be", missing)
    refused = refusals(asked, seller, today).sort("account_id")
    return grouped(
        "accounts that pay by direct debit and cannot be debited, so that their bills ask for a transfer",
        [f"{account}: {reason}" for account, reason in refused.iter_rows()],
    )


def _currencies(accounts: pl.DataFrame, book: RatingBook) -> list[str]:
    """Currencies of accounts for which there is no price list at all."""
    lists = book.accounts.select("account_id", "own_list", "default_list")
    nothing = pl.col("own_list").is_null() & pl.col("default_list").is_null()
    without = accounts.join(lists, on="account_id").filter(nothing)
    return grouped(
        "currencies without a default price list, of accounts without a list of their own: nothing they use "
        "has a price",
        _counts(without, ["currency"], "account"),
    )


def _numbers(numbers: pl.DataFrame, book: RatingBook, today: date) -> list[str]:
    """Kinds of numbers, held now or later, that have no fee or no price of inbound calls."""
    lists = book.accounts.select("account_id", "own_list", "default_list", "currency")
    day = pl.max_horizontal(_date("assigned_at", book.time_zone), pl.lit(today))
    is_held = pl.col("released_at").is_null() | (_date("released_at", book.time_zone) >= today)
    held = (
        numbers.filter(is_held)
        .with_columns(day.alias("_day"))
        .join(lists, on="account_id", how="left", maintain_order="left")
    )
    found = []
    for what, prices in (("monthly fee", book.number_fees), ("price of inbound calls", book.voice_inbound)):
        kinds = _counts(_unpriced(held, prices), ["country", "number_class", "currency"], "number")
        said = f"kinds of numbers without a {what} in force, in the account's price list or the default"
        found += grouped(said, kinds)
    return found


def _date(name: str, time_zone: str) -> pl.Expr:
    return pl.col(name).dt.convert_time_zone(time_zone).dt.date()


def _unpriced(held: pl.DataFrame, prices: PriceIndex) -> pl.DataFrame:
    """The numbers `held` for which `prices` have no row in force on `_day`."""
    keyed = held.join(prices.keys, on=["country", "number_class"], how="left", maintain_order="left")
    found = prices.find([keyed["own_list"], keyed["default_list"]], keyed["key_id"], keyed["_day"])
    return keyed.filter(found.is_null())


def _destinations(destinations: pl.DataFrame, voice_outbound: pl.DataFrame) -> list[str]:
    names = destinations.select("destination").unique()
    unpriced = names.join(voice_outbound, on="destination", how="anti").sort("destination")
    return grouped(
        "destinations without a price in any list, so that calls there go into suspense",
        unpriced["destination"].to_list(),
    )
