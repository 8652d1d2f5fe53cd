"""A month of traffic of any size, with its accounts, numbers, credits and prices: the same bytes for the same wishes.

Every figure of a record follows from the record's position alone, so that memory does not grow with the month. What
is done with the month is not known here.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import NormalDist

import polars as pl
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

from pipelines.settings import REPOSITORY
from transforms.mediation.records import FIELDS

MONTH = "2026-10"
VERSION = 1
"""Raised when the same wishes give other bytes, so that a month of before is not taken for one of now."""

FILE_RECORDS, CHUNK_RECORDS = 5_000_000, 250_000
_FIRST = datetime(2026, 10, 1)
_DAYS = 31
_COUNTRIES = {"FR": 33, "DE": 49, "ES": 34, "BE": 32, "GB": 44, "US": 1}
_SHARES = (40, 15, 10, 10, 10, 15)
_CLASSES = {"geographic": 50, "mobile": 30, "national": 15, "toll_free": 5}
_VAT_NUMBERS = {"DE": "DE136695976", "ES": "ESB58378431", "BE": "BE0428759497"}
_OWN_LISTS = {"wholesale_eur": "EUR", "centres_eur": "EUR", "wholesale_usd": "USD"}
_PLACES = ("fixed", "mobile", "capital", "special", "mobile 2", "mobile 3")
_HOURS = (1, 1, 1, 1, 1, 2, 6, 14, 30, 46, 52, 48, 34, 40, 50, 52, 50, 46, 34, 24, 16, 9, 4, 2)
"""How much is called in each hour of the day."""
_WORDS = (
    "Bonjour votre colis arrive demain entre 9h et 12h au point relais confirmez avec le code merci".split()
)
_SLOTS = 4096

Rows = list[tuple[object, ...]]


@dataclass(frozen=True)
class Wishes:
    """How large the month is to be: raw records, accounts, and prefixes of the deck."""

    records: int
    accounts: int = 20_000
    prefixes: int = 22_000


@dataclass(frozen=True)
class Directory:
    """What traffic is drawn from; every Series is looked up by position.

    `by_rank`: the accounts, the busiest first. `favourites`: how many numbers an account talks to. `home`, `homes`:
    first prefix of the account's country, and how many it has. `first`, `held`: the account's numbers in `numbers`
    (their digits). `starts`, `widths`: the prefixes filled up to nine digits, and how many such numbers they hold.
    """

    by_rank: pl.Series
    favourites: pl.Series
    home: pl.Series
    homes: pl.Series
    first: pl.Series
    held: pl.Series
    numbers: pl.Series
    tracked: pl.Series
    starts: pl.Series
    widths: pl.Series


def month(folder: Path, wishes: Wishes) -> Path:
    """The home folder with the month in it, made now if it is not there yet: inbox, reference and prices."""
    home = folder / f"records-{wishes.records}"
    marker = home / "complete.json"
    content = json.dumps({**asdict(wishes), "version": VERSION})
    if marker.exists() and marker.read_text(encoding="utf-8") == content:
        return home
    if home.exists():
        shutil.rmtree(home)
    draw = random.Random(f"callbill {wishes.accounts} {wishes.prefixes}")
    deck = _deck(wishes.prefixes, draw)
    _write_prices(home / "prices", deck, draw)
    directory = _write_reference(home / "reference", wishes.accounts, deck, draw)
    _write_traffic(home / "inbox" / "standard", wishes.records, directory)
    marker.write_text(content, encoding="utf-8")
    return home


def _table(path: Path, header: str, rows: Rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (",".join("" if value is None else str(value) for value in row) for row in rows)
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")


# --- prices ----------------------------------------------------------------------------------------------------


def _deck(prefixes: int, draw: random.Random) -> list[tuple[str, str, str]]:
    """(prefix, destination, country) of nested prefixes of one to nine digits, those of a calling code together."""
    codes = {code: regions for code, regions in COUNTRY_CODE_TO_REGION_CODE.items() if "001" not in regions}
    under = {
        code: {str(code): (f"{regions[0]} fixed", regions[0])} for code, regions in sorted(codes.items())
    }
    regions = [(code, region) for code, regions in sorted(codes.items()) for region in regions]
    nested = {code: [str(code)] for code in under}
    made = len(under)
    while made < prefixes:
        code, region = regions[made % len(regions)]
        prefix = draw.choice(nested[code]) + str(draw.randrange(10 if draw.random() < 0.5 else 100))
        if len(prefix) <= 9 and prefix not in under[code]:
            under[code][prefix] = (f"{region} {draw.choice(_PLACES)}", region)
            nested[code].append(prefix)
            made += 1
        else:
            regions.append(regions.pop(made % len(regions)))
    return [(prefix, *meaning) for code in under for prefix, meaning in sorted(under[code].items())]


def _write_prices(folder: Path, deck: list[tuple[str, str, str]], draw: random.Random) -> None:
    """Price tables in which nothing that is called lacks a price; one price in twenty changes in the month."""

    def price(least: int, most: int) -> str:
        return f"0.{draw.randrange(least, most):04}00"

    lists = {"default_eur": "EUR", "default_usd": "USD", **_OWN_LISTS}
    destinations = sorted({destination for _, destination, _ in deck})
    voice, messages = [], []
    for name in lists:
        own = name in _OWN_LISTS
        steps = (6, 6) if own else (1, 1)
        for place in destinations:
            if not own or draw.random() < 0.3:
                voice.append((name, place, price(40, 3000), "0.000000", *steps, "2025-01-01"))
                if draw.random() < 0.05:
                    voice.append((name, place, price(40, 3000), price(0, 300), *steps, "2026-10-16"))
        for country in sorted({country for _, _, country in deck}):
            if not own or draw.random() < 0.3:
                messages.append((name, country, price(100, 1500), "2025-01-01"))
    inbound, fees = [], []
    for name in ("default_eur", "default_usd"):
        for country in _COUNTRIES:
            for kind in _CLASSES:
                inbound.append((name, country, kind, price(20, 200), "0.000000", 1, 1, "2025-01-01"))
                proration = "daily" if kind == "mobile" else "none"
                fees.append((name, country, kind, f"{draw.randrange(1, 9)}.500000", proration, "2025-01-01"))
    _table(folder / "price_lists.csv", "price_list,currency", list(lists.items()))
    _table(folder / "destinations.csv", "prefix,destination,country", [*deck])
    steps_of = "price_per_minute,connection_fee,first_increment,increment,valid_from"
    _table(folder / "voice_outbound.csv", f"price_list,destination,{steps_of}", voice)
    _table(folder / "voice_inbound.csv", f"price_list,country,number_class,{steps_of}", inbound)
    _table(folder / "sms_outbound.csv", "price_list,country,price_per_segment,valid_from", messages)
    received: Rows = [(name, "0.010000", "2025-01-01") for name in ("default_eur", "default_usd")]
    _table(folder / "sms_inbound.csv", "price_list,price_per_message,valid_from", received)
    header = "price_list,country,number_class,monthly_fee,proration,valid_from"
    _table(folder / "number_fees.csv", header, fees)
    shutil.copy(REPOSITORY / "price_tables" / "vat_rates.csv", folder / "vat_rates.csv")


# --- reference -------------------------------------------------------------------------------------------------


def _write_reference(
    folder: Path, accounts: int, deck: list[tuple[str, str, str]], draw: random.Random
) -> Directory:
    """Accounts with one to three numbers each, and a few top-ups for every second one; returns who can call whom."""
    people: Rows = []
    numbers: Rows = []
    credits: Rows = []
    countries = draw.choices(list(_COUNTRIES), _SHARES, k=accounts)
    first, held = [], []
    for index, country in enumerate(countries):
        currency = "USD" if country in ("GB", "US") else "EUR"
        prepaid = draw.random() < 0.5
        paid_by = "balance" if prepaid else draw.choice(("direct_debit", "bank_transfer"))
        vat_number = _VAT_NUMBERS.get(country) if draw.random() < 0.5 else None
        own = draw.choice([name for name, money in _OWN_LISTS.items() if money == currency])
        opened = "2026-10-03" if index % 500 == 407 else f"2025-{1 + index % 12:02}-01"
        closed = "2026-10-29" if index % 500 == 411 else None
        name = _account(index)
        mode = "prepaid" if prepaid else "postpaid"
        contact = (f"Customer {index}", f"billing@customer{index}.example", country, vat_number)
        terms = (mode, paid_by, currency, own if draw.random() < 0.1 else None)
        people.append((name, *contact, *terms, opened, closed))
        if prepaid:
            for count in range(draw.randint(1, 3)):
                kind = "top_up" if count else "opening_balance"
                moment = f"2026-10-{draw.randint(2, 28):02}T09:30:00Z" if count else "2026-09-30T00:00:00Z"
                amount = f"{draw.randrange(20, 2000)}.00"
                credits.append((f"C{len(credits):07}", name, kind, amount, currency, moment, None))
        first.append(len(numbers))
        for _ in range(1 + index % 3):
            place = country if draw.random() < 0.8 else draw.choice(list(_COUNTRIES))
            digits = _own_number(_COUNTRIES[place], len(numbers))
            kind = draw.choices(list(_CLASSES), list(_CLASSES.values()))[0]
            assigned = date(2025, 2, 1) + timedelta(days=draw.randrange(600))
            assigned = date(2026, 10, 3) if draw.random() < 0.005 else assigned
            released = "2026-10-30" if draw.random() < 0.005 else None
            tracked = "true" if draw.random() < 0.1 else "false"
            numbers.append((f"+{digits}", name, place, kind, tracked, assigned, released))
        held.append(len(numbers) - first[-1])
    terms_of = "billing_mode,payment_method,currency,price_list,opened_on,closed_on"
    _table(folder / "accounts.csv", f"account_id,name,email,country,vat_number,{terms_of}", people)
    header = "number,account_id,country,number_class,call_tracking,assigned_at,released_at"
    _table(folder / "numbers.csv", header, numbers)
    header = "credit_id,account_id,kind,amount,currency,credited_at,payment_reference"
    _table(folder / "credits.csv", header, credits)
    places = {
        country: [at for at, row in enumerate(deck) if _is_under(row[0], country)] for country in _COUNTRIES
    }
    return Directory(
        by_rank=_series(draw.sample(range(accounts), accounts)),
        favourites=_series([draw.randint(10, 150) for _ in range(accounts)]),
        home=_series([places[country][0] for country in countries]),
        homes=_series([len(places[country]) for country in countries]),
        first=_series(first),
        held=_series(held),
        numbers=_series([int(str(row[0])) for row in numbers]),
        tracked=pl.Series([row[4] == "true" for row in numbers]),
        starts=_series([int(prefix.ljust(9, "0")) for prefix, _, _ in deck]),
        widths=_series([10 ** (9 - len(prefix)) for prefix, _, _ in deck]),
    )


def _account(index: int) -> str:
    return f"A{index:06}"


def _own_number(code: int, index: int) -> int:
    """Eleven digits that no other index has."""
    return int(f"{code}9{index:0{10 - len(str(code))}}")


def _is_under(prefix: str, country: str) -> bool:
    return prefix.startswith(str(_COUNTRIES[country]))


def _series(values: Sequence[int]) -> pl.Series:
    return pl.Series(values, dtype=pl.UInt64)


# --- traffic ---------------------------------------------------------------------------------------------------


def _write_traffic(folder: Path, records: int, directory: Directory) -> None:
    """Files of at most FILE_RECORDS records, roughly in the order of time."""
    folder.mkdir(parents=True)
    lines = _Lines(directory, records)
    for part, start in enumerate(range(0, records, FILE_RECORDS)):
        with (folder / f"part-{part:03}.csv").open("wb") as file:
            file.write((",".join(FIELDS) + "\n").encode())
            for frame in lines.chunks(start, min(start + FILE_RECORDS, records)):
                frame.write_csv(file, include_header=False, quote_style="never")


def _mixed(number: pl.Expr, salt: int) -> pl.Expr:
    """A pseudo-random UInt64 of `number` (UInt64), another one for each `salt` below 64.

    The finaliser of splitmix64, which gives no two numbers the same value. Written out, because the hashes of the
    engines differ between their versions.
    """
    z = (number * 64 + salt) * _u64(0x9E3779B97F4A7C15)
    z = (z ^ (z // _u64(1 << 30))) * _u64(0xBF58476D1CE4E5B9)
    z = (z ^ (z // _u64(1 << 27))) * _u64(0x94D049BB133111EB)
    return z ^ (z // _u64(1 << 31))


def _u64(value: int) -> pl.Expr:
    return pl.lit(value, pl.UInt64)


def _of(table: pl.Series, index: pl.Expr) -> pl.Expr:
    return pl.lit(table).gather(index)


def _few_are_frequent(draw: pl.Expr, count: pl.Expr | int) -> pl.Expr:
    """A position below `count`; the share of position r falls as r to the power -2/3."""
    uniform = (draw % (1 << 30)).cast(pl.Float64) / (1 << 30)
    return (uniform * uniform * uniform * count).floor().cast(pl.UInt64)


class _Lines:
    """Lines of records by their position in the month."""

    def __init__(self, directory: Directory, records: int):
        self._book, self._records = directory, records
        draw = random.Random("callbill texts")
        self._texts = pl.Series([_text(draw) for _ in range(_SLOTS)])
        self._hex = pl.Series([f"{value:04x}" for value in range(1 << 16)])
        self._accounts = pl.Series([_account(index) for index in range(len(directory.by_rank))])
        long = NormalDist(4.2, 1.2)
        quantiles = [2.718281828 ** long.inv_cdf((slot + 0.5) / _SLOTS) for slot in range(_SLOTS)]
        self._seconds = _series([min(7200, 1 + int(value)) for value in quantiles])
        self._clock = _series(list(_clock()))

    def chunks(self, start: int, end: int) -> Iterator[pl.DataFrame]:
        """Lines of the records from `start` to before `end`, one String column `line`."""
        for low in range(start, end, CHUNK_RECORDS):
            position = pl.int_range(low, min(low + CHUNK_RECORDS, end), eager=True, dtype=pl.UInt64)
            # One record in a thousand is an earlier one once more.
            i = pl.col("i")
            again = (_mixed(i, 0) % 1000 == 0) & (i >= 997)
            yield self._lines(
                position.alias("i").to_frame().with_columns(i=i - pl.when(again).then(997).otherwise(0))
            )

    def _lines(self, frame: pl.DataFrame) -> pl.DataFrame:
        frame = self._drawn(frame)
        frame = self._worded(frame)
        line = pl.concat_str(list(FIELDS), separator=",")
        cut = pl.col("_broken") & (pl.col("_how") == 0)
        return frame.select(line=pl.when(cut).then(line.str.slice(0, 60)).otherwise(line))

    def _drawn(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Who talks to whom, when, in numbers."""
        i, book = pl.col("i"), self._book
        account = _of(book.by_rank, _few_are_frequent(_mixed(i, 1), len(book.by_rank)))
        frame = frame.with_columns(
            _account=account,
            _voice=_mixed(i, 2) % 10 < 7,
            _out=_mixed(i, 3) % 10 < 6,
            _any=_mixed(i, 4),
            _name=_mixed(i, 5),
            _style=_mixed(i, 6) % 20,
            _broken=_mixed(i, 7) % 2000 == 0,
            _how=_mixed(i, 8) % 6,
            _slot=_mixed(i, 9) % _SLOTS,
            _answered=_mixed(i, 10) % 100 < 88,
        )
        account = pl.col("_account")
        slot = i * (_DAYS * _SLOTS) // self._records
        second = slot // _SLOTS * 86_400 + _of(self._clock, slot % _SLOTS) + pl.col("_any") % 900
        own = _of(book.first, account) + _mixed(i, 11) % _of(book.held, account)
        favourite = account * 256 + _few_are_frequent(_mixed(i, 12), _of(book.favourites, account))
        return frame.with_columns(
            _own=_of(book.numbers, own),
            _tracked=_of(book.tracked, own) & pl.col("_voice") & ~pl.col("_out"),
            _other=self._number(favourite) * 100 + _mixed(i, 13) % 100,
            _target=self._number(account * 256) * 100 + 7,
            _at=pl.lit(_FIRST) + pl.duration(seconds=pl.min_horizontal(second, pl.lit(_DAYS * 86_400 - 1))),
            _duration=pl.when(pl.col("_answered")).then(_of(self._seconds, pl.col("_slot"))).otherwise(0),
        )

    def _number(self, favourite: pl.Expr) -> pl.Expr:
        """The first nine digits of the number: under a prefix of the account's country, or one that many call."""
        book, account = self._book, favourite // 256
        at_home = _of(book.home, account) + _mixed(favourite, 15) % _of(book.homes, account)
        # A step that shares no factor with the deck scatters the frequent prefixes over all countries.
        abroad = _few_are_frequent(_mixed(favourite, 16), len(book.starts)) * 7919 % len(book.starts)
        prefix = pl.when(_mixed(favourite, 14) % 5 < 2).then(at_home).otherwise(abroad)
        return _of(book.starts, prefix) + _mixed(favourite, 17) % _of(book.widths, prefix)

    def _worded(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The fields as text, as a source writes them; one record in two thousand with a fault."""
        voice, out, any_, style = pl.col("_voice"), pl.col("_out"), pl.col("_any"), pl.col("_style")
        broken, how = pl.col("_broken"), pl.col("_how")
        nothing = pl.lit("")
        sign = pl.when(style == 0).then(pl.lit("00")).when(style == 1).then(nothing).otherwise(pl.lit("+"))
        own = pl.when(broken & (how == 1)).then(pl.lit("n/a")).otherwise(pl.concat_str(sign, "_own"))
        nowhere = pl.when(broken & (how == 2)).then(pl.lit("+21000000000"))
        hidden = pl.when(~out & (style == 2)).then(
            pl.when(voice).then(pl.lit("anonymous")).otherwise(pl.lit("InfoColis"))
        )
        other = pl.coalesce(nowhere, hidden, pl.concat_str(sign, "_other"))
        wanting = (
            pl.when(any_ % 100 < 70).then(pl.lit("no_answer")).when(any_ % 100 < 95).then(pl.lit("busy"))
        )
        call = (
            pl.when(pl.col("_answered"))
            .then(pl.lit("answered"))
            .otherwise(wanting.otherwise(pl.lit("failed")))
        )
        sent = pl.when(any_ % 100 < 85).then(pl.lit("delivered")).when(any_ % 100 < 96).then(nothing)
        message = pl.when(out).then(sent.otherwise(pl.lit("failed"))).otherwise(pl.lit("received"))
        seconds = pl.col("_duration").cast(pl.String) + pl.when(style == 3).then(pl.lit(".4")).otherwise(
            nothing
        )
        told = any_ // 128 % 100
        length = pl.when(voice).then(pl.lit(-1)).otherwise(told.cast(pl.Int64))
        digits = [_of(self._hex, pl.col("_name") // (1 << shift) % (1 << 16)) for shift in (48, 32, 16, 0)]
        segments = 1 + (any_ // 4096 % 8 == 0).cast(pl.Int8) + (any_ // 4096 % 64 == 0).cast(pl.Int8)
        after = pl.col("_duration").cast(pl.Int64) - 6
        legible = pl.col("_at").dt.to_string("%Y-%m-%dT%H:%M:%SZ")
        local = (pl.col("_at") + pl.duration(hours=2)).dt.to_string("%Y-%m-%dT%H:%M:%S+02:00")

        def when(condition: pl.Expr, value: pl.Expr) -> pl.Expr:
            return pl.when(condition).then(value.cast(pl.String)).otherwise(nothing)

        return frame.with_columns(
            record_id=pl.concat_str(pl.when(voice).then(pl.lit("c")).otherwise(pl.lit("5")), *digits),
            service=pl.when(broken & (how == 3))
            .then(pl.lit("fax"))
            .otherwise(pl.when(voice).then(pl.lit("voice")).otherwise(pl.lit("sms"))),
            direction=pl.when(out).then(pl.lit("outbound")).otherwise(pl.lit("inbound")),
            account_id=when(any_ // 16 % 2 == 0, _of(self._accounts, pl.col("_account"))),
            from_number=pl.when(out).then(own).otherwise(other),
            to_number=pl.when(out).then(other).otherwise(own),
            started_at=pl.when(broken & (how == 4))
            .then(pl.lit("31.10.2026 12:00"))
            .otherwise(pl.when(style < 10).then(legible).otherwise(local)),
            duration_seconds=pl.when(broken & (how == 5)).then(pl.lit("-5")).otherwise(when(voice, seconds)),
            status=pl.when(voice).then(call).otherwise(message),
            linked_id=when(
                pl.col("_tracked") & (style < 10),
                pl.concat_str(pl.lit("T-"), digits[3], digits[2], digits[1]),
            ),
            forwarded_to=when(pl.col("_tracked"), pl.concat_str(pl.lit("+"), "_target")),
            forwarded_seconds=when(pl.col("_tracked"), after.clip(0)),
            text=when(length.is_between(75, 94), _of(self._texts, pl.col("_slot"))),
            encoding=when(
                length >= 95, pl.when(any_ % 8 == 0).then(pl.lit("ucs2")).otherwise(pl.lit("gsm7"))
            ),
            text_length=when(length >= 95, any_ // 4096 % 300 + 1),
            segments=when(length.is_between(0, 74), segments),
        )


def _clock() -> Iterator[int]:
    """Seconds of the day at equal shares of its calls."""
    share = sum(_HOURS) / _SLOTS
    before, hour = 0, 0
    for slot in range(_SLOTS):
        while (slot + 0.5) * share > before + _HOURS[hour]:
            before += _HOURS[hour]
            hour += 1
        yield hour * 3600 + int(3600 * ((slot + 0.5) * share - before) / _HOURS[hour])


def _text(draw: random.Random) -> str:
    """A quoted text of about 100 characters: some with commas, quotes, line breaks, or letters outside GSM-7."""
    length, kind = draw.choice((40, 70, 90, 100, 100, 110, 120, 150, 158, 200)), draw.random()
    text = " ".join(draw.choices(_WORDS, k=length))[:length]
    if kind < 0.30:
        text = text.replace(" ", ", ", 2)
    elif kind < 0.40:
        text = text.replace("o", draw.choice("ê’ç😀"), 3)
    elif kind < 0.42:
        text = text.replace(" ", ' "', 1).replace(" ", '" ', 2)
    elif kind < 0.43:
        text = text.replace(" ", "\n", 1)
    return '"' + text.replace('"', '""') + '"'
