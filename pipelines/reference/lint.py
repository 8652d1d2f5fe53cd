"""What looks wrong in the price tables: prefixes that decide nothing, prices far off those beside them, and traffic
that has no price. Every finding is a note of `callbill check`."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import polars as pl

from pipelines import registries
from pipelines.errors import BadInput
from pipelines.reference.consistency import InputTables
from pipelines.reference.findings import grouped
from pipelines.settings import Installation, Month
from pipelines.storage.catalogue import quoted
from pipelines.storage.published import published
from transforms.rating.book import DEFAULT_LIST, RatingBook
from transforms.rating.outliers import off_country, off_currency, off_default, off_predecessor
from transforms.rating.unpriced import payers, unpriced

MONTHS = 3
"""Published months whose traffic is looked at, the latest."""

_PRICES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "voice_outbound": (("destination",), ("price_per_minute", "connection_fee")),
    "voice_inbound": (("country", "number_class"), ("price_per_minute", "connection_fee")),
    "sms_outbound": (("country",), ("price_per_segment",)),
    "sms_inbound": ((), ("price_per_message",)),
    "number_fees": (("country", "number_class"), ("monthly_fee",)),
}
"""Of each table what is priced (besides list and day), and its prices."""

_BESIDE = ("voice_outbound", "number_fees")
"""Tables in which the prices of one country are alike. Inbound calls are not: a toll-free number costs its holder far
more than any other. Messages have one price a country."""


_OUTLIERS = (
    "prices that are ten times, or a tenth of, the price in force before them",
    "prices that are ten times, or a tenth of, that of the default list of their currency",
    "prices of default lists that are five times, or a fifth of, that of another currency's, as these two lists go",
    "prices that are ten times the dearest other, or a tenth of the cheapest other, of their country in their list",
)


def prefixes(prices: InputTables, book: RatingBook) -> list[str]:
    """Prefixes that decide no number, as longer ones cover every number behind them."""
    lines = prices.frames["destinations"].select("prefix").with_columns(prices.lines["destinations"].alias("line"))
    shadowed = book.destinations.shadowed().join(lines, on="prefix").sort("line")
    return grouped(
        "prefixes of destinations.csv that decide no number, as longer ones cover every number that begins with them",
        _said(shadowed, pl.format("line {}: {} {}", "line", "prefix", "destination")),
    )


def outliers(prices: InputTables, today: date) -> list[str]:
    """Prices that are ten times, or a tenth of, their predecessor, the default list's, or their country's others; newest first.

    Looks at what is in force from the month before that of `today` on: that is what month ends still charge.
    """
    since = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    default = pl.lit(DEFAULT_LIST) + pl.col("currency").str.to_lowercase()
    lists = prices.frames["price_lists"].select("price_list", default.alias("default"))
    main = sorted(lists.filter(pl.col("price_list") == pl.col("default"))["price_list"])
    found: dict[str, list[pl.DataFrame]] = {said: [] for said in _OUTLIERS}
    for name, (key, columns) in _PRICES.items():
        table = prices.frames[name].with_columns(prices.lines[name].alias("line"))
        for column in columns:
            rows = table.select("price_list", *key, "valid_from", "line", pl.col(column).alias("price"))
            of_country = off_country(_with_country(rows, prices), key, since) if name in _BESIDE else None
            off = (
                off_predecessor(rows, key, since),
                off_default(rows, key, lists, since),
                off_currency(rows, key, main, since),
                of_country,
            )
            for sentences, lines in zip(found.values(), off, strict=True):
                if lines is not None:
                    sentences.append(_sentences(name, rows, key, column, lines))
    return [note for said, sentences in found.items() for note in grouped(said, _newest_first(pl.concat(sentences)))]


def traffic(installation: Installation, accounts: pl.DataFrame, book: RatingBook, today: date) -> list[str]:
    """Traffic of the latest published months that would have no price today, and what waits for one in suspense.

    `accounts`: those that count. Nothing where nothing is published; a note where it cannot be read.
    """
    place = installation.published
    if not place.exists():
        return []
    try:
        with published(place) as connection:
            return _traffic(connection, installation, accounts, book, today) + _suspense(connection)
    except (BadInput, duckdb.Error) as error:
        why = str(error).partition("\n")[0]
        return [f"the published traffic cannot be read, so that nobody looked for what has no price: {why} ({place})"]


def _with_country(rows: pl.DataFrame, prices: InputTables) -> pl.DataFrame:
    """`rows` with their country, without what lies in none: networks that share no country are no neighbours."""
    if "country" not in rows.columns:
        rows = rows.join(prices.frames["destinations"].select("destination", "country").unique(), on="destination")
    return rows.filter(pl.col("country") != registries.NON_GEOGRAPHIC)


def _sentences(name: str, rows: pl.DataFrame, key: tuple[str, ...], column: str, found: pl.DataFrame) -> pl.DataFrame:
    """What is said of each row of `name` that was found, `voice_outbound.csv line 7: default_eur France ...`, and the
    day from which the later of the two prices is in force."""
    what = pl.concat_str("price_list", *key, separator=" ")
    named = found.join(rows.select("line", "valid_from", what.alias("what")), on="line", maintain_order="left").join(
        rows.select(other_line="line", _other_from="valid_from"), on="other_line", maintain_order="left"
    )
    values = (pl.lit(name), "line", "what", pl.lit(column), "price", "other_price", "other_line")
    return named.select(
        pl.max_horizontal("valid_from", "_other_from").alias("since"),
        pl.format("{}.csv line {}: {} {} {} against {} in line {}", *values).alias("said"),
    )


def _newest_first(sentences: pl.DataFrame) -> list[str]:
    """A price that was just changed is what somebody looks for, so that it stands among the first."""
    return sentences.sort("since", descending=True, maintain_order=True)["said"].to_list()


def _said(frame: pl.DataFrame, sentence: pl.Expr) -> list[str]:
    return frame.select(sentence.alias("said"))["said"].to_list()


def _traffic(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    accounts: pl.DataFrame,
    book: RatingBook,
    today: date,
) -> list[str]:
    found = connection.execute(f"SELECT DISTINCT billing_month FROM bills ORDER BY 1 DESC LIMIT {MONTHS}").fetchall()
    if not found:
        return []
    months = sorted(name for (name,) in found)
    last = Month(months[-1], installation.settings.zone).last
    who = payers(book.accounts.join(accounts, on="account_id", how="semi"))
    connection.register("payers", who.select("account_id", "payer"))
    longest = max(book.destinations.rows["length"].to_list(), default=0)
    # Of an outbound number the digits that can decide its destination are enough, and far fewer than the numbers.
    counted = connection.sql(f"""
        SELECT payer, service, direction, CASE direction WHEN 'outbound' THEN left(other_number, {longest} + 1) END AS digits,
            CASE direction WHEN 'inbound' THEN country END AS country,
            CASE direction WHEN 'inbound' THEN number_class END AS number_class,
            min(destination) AS destination, count(*) AS legs
        FROM rated_usage JOIN payers USING (account_id)
        WHERE price_list IS NOT NULL AND billing_month IN ({", ".join(map(quoted, months))})
        GROUP BY 1, 2, 3, 4, 5, 6
    """).pl()
    missing = unpriced(counted, who, book, max(today, last))
    when = f"traffic billed in {months[0]}" + (f" to {months[-1]}" if len(months) > 1 else "")
    what = pl.concat_str(
        "direction", "service", pl.col("place").replace("", None), "currency", separator=" ", ignore_nulls=True
    )
    said = pl.format(
        "{}: {} {}", what, "legs", pl.when(pl.col("legs") > 1).then(pl.lit("legs")).otherwise(pl.lit("leg"))
    )
    no_price = missing.filter(pl.col("reason") == "no_price")
    no_destination = missing.filter(pl.col("reason") == "no_destination")
    return [
        *grouped(f"{when} that would have no price on {max(today, last)}", _said(no_price, said)),
        *grouped(f"{when} to numbers under which destinations.csv has no prefix any more", _said(no_destination, said)),
    ]


def _suspense(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """What waits in open suspense for a price or a destination; details are masked where they are made."""
    waiting = connection.sql("""
        SELECT reason, regexp_replace(detail, ' in force on .*$', '') AS what, count(*) AS n
        FROM suspense WHERE state = 'open' AND reason IN ('no_price', 'no_destination')
        GROUP BY ALL ORDER BY n DESC, what
    """).pl()
    notes = []
    for reason, wanted in (("no_price", "a price"), ("no_destination", "a destination")):
        of_reason = waiting.filter(pl.col("reason") == reason)
        said = (
            f"legs and fees in open suspense for want of {wanted}, {of_reason['n'].sum():,} as last published; "
            "callbill recycle puts through what has one now"
        )
        notes += grouped(said, _said(of_reason, pl.format("{}: {}", "what", "n")))
    return notes
