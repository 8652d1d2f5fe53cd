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
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, product
from pathlib import Path
from statistics import NormalDist

import polars as pl
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

from pipelines.settings import REPOSITORY
from transforms.mediation.records import FIELDS

MONTH = "2026-10"
VERSION = 2
"""Raised when the same wishes give other bytes, so that a month of before is not taken for one of now."""

FILE_RECORDS, CHUNK_RECORDS = 5_000_000, 250_000
_FIRST = datetime(2026, 10, 1, tzinfo=UTC)
_DAYS = 31
_COUNTRIES = {"FR": 33, "DE": 49, "ES": 34, "BE": 32, "GB": 44, "US": 1}
_SHARES = (40, 15, 10, 10, 10, 15)
_CLASSES = {"geographic": 50, "mobile": 30, "national": 15, "toll_free": 5}
_VAT_NUMBERS = {"DE": "DE136695976", "ES": "ESB58378431", "BE": "BE0428759497"}
_DEFAULT_LISTS = {"default_eur": "EUR", "default_usd": "USD"}
_OWN_LISTS = {"wholesale_eur": "EUR", "centres_eur": "EUR", "wholesale_usd": "USD"}
_PLACES = ("fixed", "mobile", "capital", "special", "mobile 2", "mobile 3")
_HOURS = (1, 1, 1, 1, 1, 2, 6, 14, 30, 46, 52, 48, 34, 40, 50, 52, 50, 46, 34, 24, 16, 9, 4, 2)
"""How much is called in each hour of the day."""
_WORDS = ("Bonjour", "votre", "colis", "arrive", "demain", "entre", "9h", "et", "12h", "au", "point", "code")
_SLOTS = 4096

Rows = list[tuple[object, ...]]
Deck = list[tuple[str, str, str]]
"""Prefix, destination and country."""
_U = pl.UInt64


@dataclass(frozen=True)
class Wishes:
    """How large the month is to be: raw records, accounts, and prefixes of the deck."""

    records: int
    accounts: int = 20_000
    prefixes: int = 22_000


@dataclass(frozen=True)
class Directory:
    """What traffic is drawn from, looked up by the position of a row.

    `accounts`, the busiest first: account_id; favourites, how many others it talks to; home and homes, the
    first row of `deck` in its country and how many there are; first and held, the same of its rows in
    `numbers`. `numbers`: digits, tracked. `deck`: start, the prefix filled up to nine digits; width, how many
    numbers of nine digits lie under it.
    """

    accounts: pl.DataFrame
    numbers: pl.DataFrame
    deck: pl.DataFrame


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


def _deck(prefixes: int, draw: random.Random) -> Deck:
    """Nested prefixes of one to nine digits, those of one calling code together."""
    codes = [(code, found) for code, found in sorted(COUNTRY_CODE_TO_REGION_CODE.items()) if "001" not in found]
    under = {code: {str(code): (f"{found[0]} fixed", found[0])} for code, found in codes}
    nested = {code: [str(code)] for code, _ in codes}
    regions = cycle([(code, region) for code, found in codes for region in found])
    for _ in range(prefixes - len(codes)):
        code, region = next(regions)
        prefix = "0" * 10
        while len(prefix) > 9 or prefix in under[code]:
            prefix = draw.choice(nested[code]) + str(draw.randrange(draw.choice((10, 100))))
        under[code][prefix] = (f"{region} {draw.choice(_PLACES)}", region)
        nested[code].append(prefix)
    return [(prefix, *meaning) for code in under for prefix, meaning in sorted(under[code].items())]


def _write_prices(folder: Path, deck: Deck, draw: random.Random) -> None:
    """Price tables in which nothing that is called lacks a price; one in twenty changes within the month."""

    def price(least: int, most: int) -> str:
        return f"0.{draw.randrange(least, most):04}00"

    voice, messages, inbound, fees = Rows(), Rows(), Rows(), Rows()
    for name in (*_DEFAULT_LISTS, *_OWN_LISTS):
        own = name in _OWN_LISTS
        step = 6 if own else 1
        for place in sorted({destination for _, destination, _ in deck}):
            if not own or draw.random() < 0.3:
                voice.append((name, place, price(40, 3000), 0, step, step, "2025-01-01"))
                if draw.random() < 0.05:
                    voice.append((name, place, price(40, 3000), price(1, 300), step, step, "2026-10-16"))
        for country in sorted({country for _, _, country in deck}):
            if not own or draw.random() < 0.3:
                messages.append((name, country, price(100, 1500), "2025-01-01"))
    for name, country, kind in product(_DEFAULT_LISTS, _COUNTRIES, _CLASSES):
        inbound.append((name, country, kind, price(20, 200), 0, 1, 1, "2025-01-01"))
        proration = "daily" if kind == "mobile" else "none"
        fees.append((name, country, kind, f"{draw.randrange(1, 9)}.50", proration, "2025-01-01"))
    lists: Rows = [*_DEFAULT_LISTS.items(), *_OWN_LISTS.items()]
    received: Rows = [(name, "0.01", "2025-01-01") for name in _DEFAULT_LISTS]
    steps = "price_per_minute,connection_fee,first_increment,increment,valid_from"
    _table(folder / "price_lists.csv", "price_list,currency", lists)
    _table(folder / "destinations.csv", "prefix,destination,country", [*deck])
    _table(folder / "voice_outbound.csv", f"price_list,destination,{steps}", voice)
    _table(folder / "voice_inbound.csv", f"price_list,country,number_class,{steps}", inbound)
    _table(folder / "sms_outbound.csv", "price_list,country,price_per_segment,valid_from", messages)
    _table(folder / "sms_inbound.csv", "price_list,price_per_message,valid_from", received)
    fee = "price_list,country,number_class,monthly_fee,proration,valid_from"
    _table(folder / "number_fees.csv", fee, fees)
    shutil.copy(REPOSITORY / "price_tables" / "vat_rates.csv", folder / "vat_rates.csv")


# --- reference ---


def _write_reference(folder: Path, accounts: int, deck: Deck, draw: random.Random) -> Directory:
    """Accounts with one to three numbers each, and top-ups for those that pay before; who calls whom."""
    people, numbers, credits, drawn = Rows(), Rows(), Rows(), Rows()
    places = {country: _rows_under(deck, str(code)) for country, code in _COUNTRIES.items()}
    for index, country in enumerate(draw.choices(list(_COUNTRIES), _SHARES, k=accounts)):
        name = f"A{index:06}"
        currency = "USD" if country in ("GB", "US") else "EUR"
        mode, method = draw.choice((("prepaid", "balance"), ("postpaid", "direct_debit")))
        vat_number = draw.choice((_VAT_NUMBERS.get(country), None))
        lists = [own for own, money in _OWN_LISTS.items() if money == currency]
        own_list = draw.choice(lists) if draw.random() < 0.1 else None
        opened = "2026-10-03" if index % 500 == 407 else f"2025-{1 + index % 12:02}-01"
        closed = "2026-10-29" if index % 500 == 411 else None
        contact = (f"Customer {index}", f"billing@customer{index}.example", country, vat_number)
        people.append((name, *contact, mode, method, currency, own_list, opened, closed))
        for count in range(draw.randint(1, 3) if mode == "prepaid" else 0):
            kind = "top_up" if count else "opening_balance"
            moment = f"2026-10-{draw.randint(2, 28):02}T09:30:00Z" if count else "2026-09-30T00:00:00Z"
            amount = f"{draw.randrange(20, 2000)}.00"
            credits.append((f"C{len(credits):07}", name, kind, amount, currency, moment, None))
        held = 1 + index % 3
        drawn.append((name, draw.randint(10, 150), *places[country], len(numbers), held))
        for _ in range(held):
            place = country if draw.random() < 0.8 else draw.choice(list(_COUNTRIES))
            code = str(_COUNTRIES[place])
            digits = f"{code}9{len(numbers):0{10 - len(code)}}"
            kind = draw.choices(list(_CLASSES), list(_CLASSES.values()))[0]
            assigned = date(2026, 1, 1) + timedelta(days=draw.randrange(270))
            assigned = date(2026, 10, 3) if draw.random() < 0.005 else assigned
            released = "2026-10-30" if draw.random() < 0.005 else None
            tracked = "true" if draw.random() < 0.1 else "false"
            numbers.append((f"+{digits}", name, place, kind, tracked, assigned, released))
    terms = "billing_mode,payment_method,currency,price_list,opened_on,closed_on"
    _table(folder / "accounts.csv", f"account_id,name,email,country,vat_number,{terms}", people)
    holding = "number,account_id,country,number_class,call_tracking,assigned_at,released_at"
    _table(folder / "numbers.csv", holding, numbers)
    credit = "credit_id,account_id,kind,amount,currency,credited_at,payment_reference"
    _table(folder / "credits.csv", credit, credits)
    draw.shuffle(drawn)
    ranges = [(int(prefix.ljust(9, "0")), 10 ** (9 - len(prefix))) for prefix, _, _ in deck]
    called = [(int(str(row[0])), row[4] == "true") for row in numbers]
    return Directory(
        _frame(drawn, account_id=pl.String, favourites=_U, home=_U, homes=_U, first=_U, held=_U),
        _frame(called, digits=_U, tracked=pl.Boolean),
        _frame(ranges, start=_U, width=_U),
    )


def _rows_under(deck: Deck, code: str) -> tuple[int, int]:
    """The first row of `deck` under a calling code, and how many there are."""
    rows = [at for at, (prefix, _, _) in enumerate(deck) if prefix.startswith(code)]
    return rows[0], len(rows)


def _frame(rows: Sequence[tuple[object, ...]], **columns: type[pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=columns, orient="row")


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
        normal = NormalDist(4.2, 1.2)
        lengths = (math.exp(normal.inv_cdf((slot + 0.5) / _SLOTS)) for slot in range(_SLOTS))
        self._seconds = pl.Series([min(7200, 1 + int(length)) for length in lengths])
        self._clock = pl.Series(list(_clock()), dtype=_U)

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
        rank = _few_are_frequent(_mixed(i, 1), book.accounts.height)
        account = book.accounts.select(pl.all().gather(rank))
        voice, out, any_ = _mixed(i, 2) % 10 < 7, _mixed(i, 3) % 10 < 6, _mixed(i, 4)
        own = account["first"] + _mixed(i, 5) % account["held"]
        favourite = rank * 256 + _few_are_frequent(_mixed(i, 6), account["favourites"])
        slot = i * (_DAYS * _SLOTS) // self._records
        second = slot // _SLOTS * 86_400 + self._clock.gather(slot % _SLOTS) + any_ % 900
        name, length = _mixed(i, 7), _mixed(i, 8) % _SLOTS
        columns = {
            "_account": account["account_id"],
            "_own": book.numbers["digits"].gather(own),
            "_other": self._number(account, favourite) * 100 + _mixed(i, 10) % 100,
            "_target": self._number(account, rank * 256) * 100 + 7,
            "_voice": voice,
            "_out": out,
            "_tracked": book.numbers["tracked"].gather(own) & voice & ~out,
            "_answered": _mixed(i, 11) % 100 < 88,
            "_duration": self._seconds.gather(length),
            "_second": second.clip(0, _DAYS * 86_400 - 1).cast(pl.Int64),
            "_text": self._texts.gather(length),
            "_any": any_,
            "_style": _mixed(i, 12) % 20,
            # One record in two thousand has one of six faults.
            "_fault": _mixed(i, 9) % 12_000,
        }
        pieces = {f"_name{at}": self._hex.gather(name // (1 << 16 * at) % (1 << 16)) for at in range(4)}
        return pl.DataFrame({**columns, **pieces})

    def _number(self, account: pl.DataFrame, favourite: pl.Series) -> pl.Series:
        """First nine digits of a number, under a prefix of the account's country or one that many call."""
        deck = self._book.deck
        at_home = account["home"] + _mixed(favourite, 20) % account["homes"]
        # A step that shares no factor with the deck scatters the frequent prefixes over all countries.
        abroad = _few_are_frequent(_mixed(favourite, 21), deck.height) * 7919 % deck.height
        prefix = at_home.zip_with(_mixed(favourite, 22) % 5 < 2, abroad)
        return deck["start"].gather(prefix) + _mixed(favourite, 23) % deck["width"].gather(prefix)

    def _worded(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The fields as text, as a source writes them, and `_cut`: the line breaks off."""
        voice, out, answered, tracked = map(pl.col, ("_voice", "_out", "_answered", "_tracked"))
        any_, style, fault = pl.col("_any"), pl.col("_style"), pl.col("_fault")
        written = _choice("+", (style == 0, "00"), (style == 1, ""))
        message = pl.when(~voice).then(any_ // 128 % 100)
        offset = pl.when(style < 10).then(0).otherwise(7200)
        moment = pl.lit(_FIRST) + pl.duration(seconds=pl.col("_second") + offset)
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
            _moment=moment.dt.to_string("%Y-%m-%dT%H:%M:%S") + _choice("+02:00", (style < 10, "Z")),
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
    """A quoted text of about 100 characters; some with commas, quotes, line breaks, no GSM-7."""
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
