"""How reference and price files hang together: keys, countries, currencies, lists and accounts that must exist."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines import registries
from pipelines.errors import BadInput
from pipelines.reference.csv_tables import LINE, PROBLEMS_MAX, CsvTable, read_table
from pipelines.settings import Installation, Month
from pipelines.storage.catalogue import PRICE_TABLES, REFERENCE
from transforms.billing.bills import missing_vat_rates
from transforms.rating.book import DEFAULT_LIST
from transforms.tables.vocabulary import CREDIT_KINDS


@dataclass(frozen=True)
class InputTables:
    """Files that were read and found sound: the tables by file name, what each file holds (None for no file), and the
    line on which each row of a table begins."""

    frames: dict[str, pl.DataFrame]
    contents: dict[str, bytes | None]
    lines: dict[str, pl.Series]

    def __or__(self, other: InputTables) -> InputTables:
        """The files of both."""
        return InputTables(self.frames | other.frames, self.contents | other.contents, self.lines | other.lines)


def read_price_tables(installation: Installation) -> InputTables:
    """The price tables. Raises BadInput with every problem found."""
    folder = installation.price_tables
    if not (folder / "price_lists.csv").exists():
        raise BadInput(f"there is no price_lists.csv in {folder}: name a folder of price tables with --price-tables")
    files = {
        name: read_table(folder / f"{name}.csv", table, installation.settings.zone)
        for name, table in PRICE_TABLES.items()
    }
    problems = [problem for file in files.values() for problem in file.problems]
    if not problems:
        problems = _price_problems(files)
    return _sound(files, problems)


def read_reference(installation: Installation, prices: InputTables) -> InputTables:
    """The reference tables, held against the price lists of `prices`. Raises BadInput with every problem found."""
    folder = installation.reference
    if not (folder / "accounts.csv").exists():
        raise BadInput(f"there is no accounts.csv in {folder}: an installation needs its accounts")
    files = {
        name: read_table(folder / f"{name}.csv", table, installation.settings.zone) for name, table in REFERENCE.items()
    }
    problems = [problem for file in files.values() for problem in file.problems]
    if not problems:
        problems = _reference_problems(files, prices.frames["price_lists"])
    return _sound(files, problems)


def valid_vat_numbers(accounts: pl.DataFrame, seller_country: str) -> pl.DataFrame:
    """account_id of the `accounts` (Accounts) whose VAT number makes them businesses of another EU country."""
    stated = accounts.filter(pl.col("vat_number").is_not_null()).select("account_id", "vat_number")
    valid = [registries.is_vat_number(text, seller_country) for text in stated["vat_number"]]
    return stated.filter(pl.Series(valid, dtype=pl.Boolean)).select("account_id")


def _sound(files: dict[str, CsvTable], problems: list[str]) -> InputTables:
    if problems:
        more = len(problems) - PROBLEMS_MAX
        raise BadInput(problems[:PROBLEMS_MAX] + ([f"and {more} problems more"] if more > 0 else []))
    return InputTables(
        {name: file.frame.drop(LINE) for name, file in files.items()},
        {name: file.content for name, file in files.items()},
        {name: file.frame[LINE] for name, file in files.items()},
    )


def _price_problems(files: dict[str, CsvTable]) -> list[str]:
    lists = files["price_lists"]
    problems = _bad_currencies(lists)
    for line, name, currency in lists.frame.select(LINE, "price_list", "currency").iter_rows():
        if name.startswith(DEFAULT_LIST) and name != DEFAULT_LIST + currency.lower():
            expected = f"{name.removeprefix(DEFAULT_LIST).upper()}, as the name of a default list says"
            problems.append(lists.problem(line, "currency", expected))
    for name, file in files.items():
        problems += _repeated_keys(file, PRICE_TABLES[name]._key)
        if "country" in file.frame.columns:
            problems += _unknown(file, "country", registries.countries(), "a country, ISO 3166-1 alpha-2")
        if name != "price_lists" and "price_list" in file.frame.columns:
            problems += _unknown(file, "price_list", set(lists.frame["price_list"]), "a list of price_lists.csv")
    destinations = set(files["destinations"].frame["destination"])
    return problems + _unknown(
        files["voice_outbound"], "destination", destinations, "a destination of destinations.csv"
    )


def _reference_problems(files: dict[str, CsvTable], price_lists: pl.DataFrame) -> list[str]:
    accounts, numbers = files["accounts"], files["numbers"]
    problems = []
    for name, file in files.items():
        problems += _repeated_keys(file, REFERENCE[name]._key)
        if "country" in file.frame.columns:
            problems += _unknown(file, "country", registries.countries(), "a country, ISO 3166-1 alpha-2")
        if "currency" in file.frame.columns:
            problems += _bad_currencies(file)
    problems += _unknown(
        accounts, "price_list", set(price_lists["price_list"]), "a list of price_lists.csv, or nothing"
    )
    listed = accounts.frame.join(
        price_lists.rename({"currency": "_list"}), on="price_list", how="inner", maintain_order="left"
    )
    for line, of_list in listed.filter(pl.col("currency") != pl.col("_list")).select(LINE, "_list").iter_rows():
        problems.append(accounts.problem(line, "currency", f"{of_list}, the currency of the account's price list"))
    for line in accounts.frame.filter(pl.col("closed_on") < pl.col("opened_on"))[LINE]:
        problems.append(accounts.problem(line, "closed_on", "a day not before opened_on"))
    known = set(accounts.frame["account_id"])
    for name in ("numbers", "credits", "payments"):
        problems += _unknown(files[name], "account_id", known, "an account of accounts.csv")
    problems += _overlaps(numbers)
    own_currencies = accounts.frame.select("account_id", _own=pl.col("currency"))
    for file in (files["credits"], files["payments"]):
        rows = file.frame.join(own_currencies, on="account_id", how="inner", maintain_order="left")
        for line, own in rows.filter(pl.col("currency") != pl.col("_own")).select(LINE, "_own").iter_rows():
            problems.append(file.problem(line, "currency", f"{own}, the currency of the account"))
    amounts = (files["credits"], files["payments"])
    return problems + [problem for file in amounts for problem in _too_large(file) + _too_fine(file)]


def _overlaps(numbers: CsvTable) -> list[str]:
    frame = numbers.frame.sort("number", "assigned_at")
    problems = [
        numbers.problem(line, "released_at", "a moment not before assigned_at")
        for line in frame.filter(pl.col("released_at") < pl.col("assigned_at"))[LINE]
    ]
    before = frame.with_columns(
        pl.col("released_at").shift(1).over("number").alias("_until"),
        pl.col(LINE).shift(1).over("number").alias("_before"),
    ).filter(pl.col("_before").is_not_null())
    taken = before.filter(pl.col("_until").is_null() | (pl.col("assigned_at") < pl.col("_until")))
    for line, other in taken.select(LINE, "_before").iter_rows():
        expected = f"a number that is free at its assigned_at; line {other} holds it still"
        problems.append(numbers.problem(line, "number", expected))
    return problems


ROW_AMOUNT_MAX = 10**13
"""What an amount of credits.csv or payments.csv stays below, so that it fits with VAT, and so that some add up to a balance."""


def _too_large(file: CsvTable) -> list[str]:
    large = file.frame.filter(pl.col("amount").cast(pl.Decimal(38, 4)).abs() >= ROW_AMOUNT_MAX)
    return [file.problem(line, "amount", f"an amount below {ROW_AMOUNT_MAX:,}") for line in large[LINE]]


def _too_fine(file: CsvTable) -> list[str]:
    wide = pl.col("amount").cast(pl.Decimal(38, 4))
    digits = pl.col("currency").replace_strict(registries.minor_units(), default=None, return_dtype=pl.Int8)
    fine = file.frame.with_columns(digits.alias("_digits")).filter(
        pl.any_horizontal(
            (pl.col("_digits") == n) & (wide.round(n, mode="half_away_from_zero") != wide) for n in range(4)
        )
    )
    return [
        file.problem(line, "amount", f"at most {digits} decimals, the minor unit of {currency}")
        for line, digits, currency in fine.select(LINE, "_digits", "currency").iter_rows()
    ]


def _bad_currencies(file: CsvTable) -> list[str]:
    return _unknown(file, "currency", set(registries.minor_units()), "a currency, ISO 4217")


def _unknown(file: CsvTable, column: str, known: set[str] | frozenset[str], expected: str) -> list[str]:
    found = file.frame.filter(
        pl.col(column).is_not_null() & ~pl.col(column).is_in(pl.Series(sorted(known), dtype=pl.String).implode())
    )
    return [file.problem(line, column, expected) for line in found[LINE].head(PROBLEMS_MAX)]


def _repeated_keys(file: CsvTable, key: tuple[str, ...]) -> list[str]:
    first = pl.col(LINE).first().over(key).alias("_first")
    again = file.frame.with_columns(first).filter(pl.col(LINE) != pl.col("_first")).head(PROBLEMS_MAX)
    return [
        file.problem(line, key[-1], f"a key ({', '.join(key)}) that no other row has; line {before} has it")
        for line, before in again.select(LINE, "_first").iter_rows()
    ]


def unchanged_credits(
    receipts: pl.DataFrame, posted: pl.DataFrame, credits: pl.DataFrame, installation: Installation
) -> None:
    """Raises BadInput where a credit that has its receipt (Receipts), or that is `posted` (Ledger) with an issued month,
    is no longer what was said of it: credits are never edited."""
    documented = [
        receipts.select(
            "credit_id",
            "account_id",
            "credited_at",
            pl.col("credited_amount").alias("amount"),
            pl.lit("top_up").alias("kind"),
            pl.format("receipt {}", "receipt_number").alias("document"),
        ),
        posted.filter(pl.col("kind").is_in(CREDIT_KINDS)).select(
            pl.col("reference").alias("credit_id"),
            "account_id",
            pl.col("posted_at").alias("credited_at"),
            "amount",
            "kind",
            pl.format("entry {} of the ledger of {}", "entry_number", "account_id").alias("document"),
        ),
    ]
    what = ["credit_id", "account_id", "credited_at", "amount", "kind"]
    changed = (
        pl.concat(documented)
        .unique("credit_id", keep="first", maintain_order=True)
        .join(credits, on=what, how="anti", maintain_order="left")
    )
    path = installation.reference / "credits.csv"
    problems = [
        f"credits.csv: credit '{credit}' has {document} over {amount} and stands there otherwise now: "
        f"credits are never edited, add a new row to correct one ({path})"
        for credit, document, amount in changed.select("credit_id", "document", "amount").iter_rows()
    ]
    if problems:
        raise BadInput(problems[:PROBLEMS_MAX])


def enough_vat_rates(
    installation: Installation, accounts: pl.DataFrame, valid: pl.DataFrame, vat_rates: pl.DataFrame, month: Month
) -> None:
    """Raises BadInput where a postpaid account that is open in the month needs a VAT rate that is not there.

    `valid`: account_id of the accounts with a valid VAT number of another EU country.
    """
    is_open = (pl.col("opened_on") <= month.last) & (
        pl.col("closed_on").is_null() | (pl.col("closed_on") >= month.first)
    )
    billed = accounts.filter((pl.col("billing_mode") == "postpaid") & is_open)
    require_vat_rates(installation, with_vat_numbers(billed, valid), vat_rates, month.last)


def with_vat_numbers(accounts: pl.DataFrame, valid: pl.DataFrame) -> pl.DataFrame:
    """`accounts` and has_vat_number: whether they are among `valid`."""
    return accounts.with_columns(pl.col("account_id").is_in(valid["account_id"].implode()).alias("has_vat_number"))


def require_vat_rates(installation: Installation, accounts: pl.DataFrame, vat_rates: pl.DataFrame, day: date) -> None:
    """Raises BadInput where one of `accounts` (and has_vat_number) needs a rate that vat_rates.csv lacks on `day`."""
    missing = missing_vat_rates(accounts, vat_rates, day, installation.settings.seller.country)
    path = installation.price_tables / "vat_rates.csv"
    problems = [
        f"vat_rates.csv: no rate of {country} in force on {day}, which account '{account}' needs ({path})"
        for account, country in missing.head(PROBLEMS_MAX).iter_rows()
    ]
    if problems:
        raise BadInput(problems)
