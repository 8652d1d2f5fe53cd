"""A month of traffic of any size, with accounts, numbers, credits and prices: same wishes, same bytes.

Every figure of a record follows from the record's position alone, so that memory does not grow with the
month. What is done with the month is not known here.
"""

from __future__ import annotations

import json
import math
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
_WORDS = ("Bonjour", "votre", "colis", "arrive", "demain", "entre", "9h", "et", "12h", "au", "point", "code")
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

    `by_rank`: the accounts, the busiest first. `favourites`: how many numbers an account talks to. `home`,
    `homes`: first prefix of the account's country, and how many it has. `first`, `held`: the account's numbers
    in `numbers` (their digits), those of call tracking in `tracked`. `starts`, `widths`: the prefixes filled up
    to nine digits, and how many numbers of nine digits lie under each.
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


# --- prices ---


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
    """Price tables in which nothing that is called lacks a price; one in twenty changes within the month."""

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


# --- reference ---


def _write_reference(
    folder: Path, accounts: int, deck: list[tuple[str, str, str]], draw: random.Random
) -> Directory:
    """Accounts with one to three numbers each, and a few top-ups for every second one; who can call whom."""
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
    under = [
        [at for at, row in enumerate(deck) if row[0].startswith(str(_COUNTRIES[country]))] for country in _COUNTRIES
    ]
    places = dict(zip(_COUNTRIES, under, strict=True))
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


def _series(values: Sequence[int]) -> pl.Series:
    return pl.Series(values, dtype=pl.UInt64)


# --- traffic ---


def _write_traffic(folder: Path, records: int, directory: Directory) -> None:
    """Files of at most FILE_RECORDS records, roughly in the order of time."""
    folder.mkdir(parents=True)
    lines = _Lines(directory, records)
    for part, start in enumerate(range(0, records, FILE_RECORDS)):
        end = min(start + FILE_RECORDS, records)
        with (folder / f"part-{part:03}.csv").open("wb") as file:
            file.write((",".join(FIELDS) + "\n").encode())
            for low in range(start, end, CHUNK_RECORDS):
                frame = lines.between(low, min(low + CHUNK_RECORDS, end))
                frame.write_csv(file, include_header=False, quote_style="never")


def _mixed(number: pl.Series, salt: int) -> pl.Series:
    """A pseudo-random UInt64 of each `number` (UInt64), another one for each `salt` below 64.

    The finaliser of splitmix64, which gives no two numbers the same value. Written out, because the hashes
    of the engines differ between their versions.
    """
    z = (number * 64 + salt) * 0x9E3779B97F4A7C15
    z = (z ^ (z // (1 << 30))) * 0xBF58476D1CE4E5B9
    z = (z ^ (z // (1 << 27))) * 0x94D049BB133111EB
    return z ^ (z // (1 << 31))


def _few_are_frequent(draw: pl.Series, count: pl.Series | int) -> pl.Series:
    """A position below `count`; the share of position r falls as r to the power -2/3."""
    uniform = (draw % (1 << 30)).cast(pl.Float64) / (1 << 30)
    return (uniform * uniform * uniform * count).cast(pl.UInt64)


class _Lines:
    """The lines of the records by their position in the month."""

    def __init__(self, directory: Directory, records: int):
        self._book, self._records = directory, records
        draw = random.Random("callbill texts")
        self._texts = pl.Series([_text(draw) for _ in range(_SLOTS)])
        self._hex = pl.Series([f"{value:04x}" for value in range(1 << 16)])
        self._accounts = pl.Series([_account(index) for index in range(len(directory.by_rank))])
        normal = NormalDist(4.2, 1.2)
        lengths = (math.exp(normal.inv_cdf((slot + 0.5) / _SLOTS)) for slot in range(_SLOTS))
        self._seconds = _series([min(7200, 1 + int(length)) for length in lengths])
        self._clock = _series(list(_clock()))

    def between(self, start: int, end: int) -> pl.DataFrame:
        """The records from `start` to before `end`: one String column `line`."""
        position = pl.int_range(start, end, eager=True, dtype=pl.UInt64)
        # One record in a thousand is an earlier one once more.
        again = (_mixed(position, 0) % 1000 == 0) & (position >= 997)
        words = self._worded(self._drawn((position - 997).zip_with(again, position)))
        lines = words.select("_cut", line=pl.concat_str(list(FIELDS), separator=","))
        return lines.select(pl.when("_cut").then(pl.col("line").str.slice(0, 60)).otherwise("line"))

    def _drawn(self, i: pl.Series) -> pl.DataFrame:
        """Who talks to whom, when and how, in numbers."""
        book = self._book
        account = book.by_rank.gather(_few_are_frequent(_mixed(i, 1), len(book.by_rank)))
        voice, out, any_ = _mixed(i, 2) % 10 < 7, _mixed(i, 3) % 10 < 6, _mixed(i, 4)
        own = book.first.gather(account) + _mixed(i, 5) % book.held.gather(account)
        favourite = _few_are_frequent(_mixed(i, 6), book.favourites.gather(account))
        slot = i * (_DAYS * _SLOTS) // self._records
        second = slot // _SLOTS * 86_400 + self._clock.gather(slot % _SLOTS) + any_ % 900
        name, length = _mixed(i, 7), _mixed(i, 8) % _SLOTS
        fault = (_mixed(i, 9) % 12_000).cast(pl.Int64)
        columns = {
            "_account": self._accounts.gather(account),
            "_own": book.numbers.gather(own),
            "_other": self._number(account * 256 + favourite) * 100 + _mixed(i, 10) % 100,
            "_target": self._number(account * 256) * 100 + 7,
            "_voice": voice,
            "_out": out,
            "_tracked": book.tracked.gather(own) & voice & ~out,
            "_answered": _mixed(i, 11) % 100 < 88,
            "_duration": self._seconds.gather(length).cast(pl.Int64),
            "_second": second.clip(0, _DAYS * 86_400 - 1).cast(pl.Int64),
            "_text": self._texts.gather(length),
            "_any": any_,
            "_style": _mixed(i, 12) % 20,
            # One record in two thousand has one of six faults.
            "_fault": fault,
        }
        pieces = {f"_name{at}": self._hex.gather(name // (1 << 16 * at) % (1 << 16)) for at in range(4)}
        return pl.DataFrame({**columns, **pieces})

    def _number(self, favourite: pl.Series) -> pl.Series:
        """The first nine digits of a number: under a prefix of the account's country, or one that many call."""
        book, account = self._book, favourite // 256
        at_home = book.home.gather(account) + _mixed(favourite, 20) % book.homes.gather(account)
        # A step that shares no factor with the deck scatters the frequent prefixes over all countries.
        abroad = _few_are_frequent(_mixed(favourite, 21), len(book.starts)) * 7919 % len(book.starts)
        prefix = at_home.zip_with(_mixed(favourite, 22) % 5 < 2, abroad)
        return book.starts.gather(prefix) + _mixed(favourite, 23) % book.widths.gather(prefix)

    def _worded(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The fields as text, as a source writes them, and `_cut`: the line breaks off."""
        voice, out, answered, tracked = (
            pl.col(f"_{name}") for name in ("voice", "out", "answered", "tracked")
        )
        any_, style, fault = pl.col("_any"), pl.col("_style"), pl.col("_fault")
        written = _choice("+", (style == 0, "00"), (style == 1, ""))
        message = pl.when(~voice).then(any_ // 128 % 100)
        offset = pl.when(style < 10).then(0).otherwise(7200)
        moment = (pl.lit(_FIRST) + pl.duration(seconds=pl.col("_second") + offset)).dt.to_string(
            "%Y-%m-%dT%H:%M:%S"
        )
        tenths = _choice("", (style == 3, ".4"))
        seconds = pl.when(answered).then("_duration").otherwise(0)
        lost = _choice("failed", (any_ % 100 < 70, "no_answer"), (any_ % 100 < 95, "busy"))
        sent = _choice("failed", (~out, "received"), (any_ % 100 < 85, "delivered"), (any_ % 100 < 96, ""))
        parts = 1 + (any_ // 4096 % 8 == 0).cast(pl.Int8) + (any_ // 4096 % 64 == 0).cast(pl.Int8)
        hidden = pl.when(~out & (style == 2)).then(_choice("InfoColis", (voice, "anonymous")))
        nowhere = pl.when(fault == 1).then(pl.lit("+21000000000"))
        frame = frame.with_columns(
            _own=pl.when(fault == 0).then(pl.lit("n/a")).otherwise(pl.concat_str(written, "_own")),
            _other=pl.coalesce(nowhere, hidden, pl.concat_str(written, "_other")),
            _moment=moment + _choice("+02:00", (style < 10, "Z")),
            _seconds=seconds,
        )
        return frame.select(
            _cut=fault == 5,
            record_id=pl.concat_str(_choice("5", (voice, "c")), *(f"_name{at}" for at in range(4))),
            service=_choice("sms", (fault == 2, "fax"), (voice, "voice")),
            direction=_choice("inbound", (out, "outbound")),
            account_id=_where(any_ // 16 % 2 == 0, pl.col("_account")),
            from_number=pl.when(out).then("_own").otherwise("_other"),
            to_number=pl.when(out).then("_other").otherwise("_own"),
            started_at=pl.when(fault == 3).then(pl.lit("31.10.2026 12:00")).otherwise("_moment"),
            duration_seconds=pl.when(fault == 4)
            .then(pl.lit("-5"))
            .otherwise(_where(voice, pl.concat_str("_seconds", tenths))),
            status=pl.when(~voice).then(sent).when(answered).then(pl.lit("answered")).otherwise(lost),
            linked_id=_where(tracked & (style < 10), pl.concat_str(pl.lit("T-"), "_name1", "_name2")),
            forwarded_to=_where(tracked, pl.concat_str(pl.lit("+"), "_target")),
            forwarded_seconds=_where(tracked, (pl.col("_seconds") - 6).clip(0)),
            text=_where(message.is_between(75, 94), pl.col("_text")),
            encoding=_where(message >= 95, _choice("gsm7", (any_ % 8 == 0, "ucs2"))),
            text_length=_where(message >= 95, any_ // 4096 % 300 + 1),
            segments=_where(message < 75, parts),
        )


def _choice(default: str, *cases: tuple[pl.Expr, str]) -> pl.Expr:
    """The text of the first case that applies."""
    return pl.coalesce(*(pl.when(case).then(pl.lit(text)) for case, text in cases), pl.lit(default))


def _where(condition: pl.Expr, value: pl.Expr) -> pl.Expr:
    """`value` as text where the condition holds, else an empty field."""
    return pl.when(condition).then(value.cast(pl.String)).otherwise(pl.lit(""))


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
    """A quoted text of about 100 characters; some have commas, quotes, line breaks, or letters outside GSM-7."""
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
