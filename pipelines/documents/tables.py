"""The tables of a document: usage by service, number fees, adjustments, the statement and the itemised records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from pipelines.documents import localisation
from pipelines.documents.characters import Narrow
from pipelines.documents.model import Change, Document, ItemisedLeg, Line
from pipelines.documents.translations import WORDS

SERVICES = (("voice", "outbound"), ("voice", "inbound"), ("sms", "outbound"), ("sms", "inbound"))
_QUANTITIES = {"seconds": "duration", "segments": "segments", "messages": "messages"}
_PRICES = {"seconds": "per_minute", "segments": "per_segment", "messages": "per_message"}
_FIGURE = 62
"""Width of a figure in hundredths of an em, with some room."""
_WIDEST = 1220
"""Width of the widest figure that stays on one line: four such columns fit on the page."""
_EXACT = 60
"""Digits of sums: DECIMAL(38) many times over, more than Python's 28 by default."""
REST = 0
"""Width of a column that takes what the others leave."""
_USAGE = (REST, 560, 640, 620, 850)
"""Least widths of columns in hundredths of an em: of usage and fees, the statement, the records."""
_ADJUSTMENT = (REST, 850)
_LEAST_DESTINATION = 450
_STATEMENT = (840, 1200, REST, 850, 850)
_RECORD = (1100, 620, REST, REST, REST, 500, 820)
_CHANGE = (REST, REST, REST, REST, REST, 400, 400, 500)
_CHANGE_TEXTS = (1100, 600, 840, 840)
"""Of what a note changes: its figures; time, service and telephone numbers where figures leave them room on one line."""
_EM = (5660, 120)
"""The page between its margins and the gap between two columns (170 mm and 3.5 mm), in hundredths of an em of 8.5 pt;
then of 6.8 pt."""
_EM_SMALL = (7080, 150)

Table = dict[str, Any]


@dataclass(frozen=True)
class Writer:
    """Words and amounts as a document writes them."""

    language: str
    currency: str
    digits: int
    period: str
    """Month of the document, as 2026-10."""

    @staticmethod
    def of(document: Document) -> Writer:
        """The writer of `document`."""
        return Writer(document.language, document.currency, document.digits, f"{document.period[0]:%Y-%m}")

    def word(self, key: str, **values: str) -> str:
        """The word or sentence with its values in their places."""
        text = WORDS[self.language][key]
        return text.format_map(values) if values else text

    def money(self, value: Decimal) -> str:
        """An amount with its currency."""
        return localisation.money(value, self.currency, self.digits, self.language)

    def amount(self, value: Decimal) -> str:
        """An amount in a column that names the currency."""
        return localisation.number(value, self.digits, self.language)

    def count(self, value: int) -> str:
        """A count."""
        return localisation.count(value, self.language)

    def head(self, *keys: str) -> list[str]:
        """Names of columns."""
        return [self.word(key, currency=self.currency) for key in keys]


def lines(document: Document, writer: Writer) -> list[Table]:
    """A table a service, then one of the fees of numbers and one of adjustments, where there are some."""
    tables = [_service(kind, direction, found, writer) for kind, direction, found in _by_service(document.lines)]
    fees, adjustments = _of_kind(document, "number_fee"), _of_kind(document, "adjustment")
    tables += [_fees(fees, writer)] if fees else []
    # The columns of all services stand under one another, as wide as the widest figures want.
    widest = [max(widths) for widths in zip(*(table["columns"] for table in tables), strict=True)]
    tables = [{**table, "columns": widest} for table in tables]
    return [*tables, _adjustments(adjustments, writer)] if adjustments else tables


def subtotals(document: Document, writer: Writer) -> list[tuple[str, Decimal]]:
    """What the document's lines come to, by service."""
    found = [(f"{kind}_{direction}", rows) for kind, direction, rows in _by_service(document.lines)]
    found += [("fees_total", _of_kind(document, "number_fee")), ("adjustments", _of_kind(document, "adjustment"))]
    return [(writer.word(key), _total(rows)) for key, rows in found if rows]


def statement(document: Document, writer: Writer) -> Table | None:
    """Movements between two balances; the reference of a top-up is its receipt."""
    if document.statement is None:
        return None
    word, mode = writer.word, document.billing_mode
    rows = [
        [
            localisation.short_day(entry.posted_on, writer.language),
            word(f"this_{document.kind}" if entry.reference == document.number else f"entry_{entry.kind}"),
            entry.reference,
            writer.amount(entry.amount),
            writer.amount(entry.balance_after),
        ]
        for entry in document.statement.entries
    ]
    opening = ["", word(f"opening_{mode}"), "", "", writer.amount(document.statement.opening)]
    head = writer.head("date", "movement", "reference", "amount", "balance")
    foot = [word(f"closing_{mode}"), writer.amount(document.statement.closing)]
    return {**_table(head, [opening, *rows], foot, _STATEMENT), "title": word(f"statement_{mode}")}


def annex(document: Document, writer: Writer) -> Table | None:
    """The records one by one, in the order given; of a note, what it changes, down to its total."""
    if document.changes:
        return _changes(document, writer)
    if not document.annex:
        return None
    head = writer.head("time", "service", "own_number", "other_number", "destination", "quantity", "charge")
    places = max(writer.digits, *(localisation.decimals(record.charge) for record in document.annex))
    return _table(head, [_record(record, places, writer) for record in document.annex], None, _RECORD, small=True)


def _changes(document: Document, writer: Writer) -> Table:
    """The legs of a note, its lines that are no usage, and what the rounding of lines adds: together its net amount."""
    head = writer.head("time", "service", "own_number", "other_number", "destination")
    head += writer.head("charge_before", "charge_now", "difference")
    figures = [figure for one in document.changes for figure in (one.before, one.now, one.difference)]
    places = max(writer.digits, *(localisation.decimals(figure) for figure in figures if figure is not None))
    rows = [_change(change, places, writer) for change in document.changes]
    rows += [
        _other_change(f"{line.kind}_one", line.telephone, line.amount, places, writer)
        for line in document.lines
        if line.kind not in ("voice", "sms")
    ]
    if document.rounding:
        rows.append(_other_change("rounding", "", document.rounding, places, writer))
    foot = [writer.word("net"), writer.amount(document.net_amount)]
    table = _table(head, rows, foot, _CHANGE, small=True)
    em, gutter = _EM_SMALL
    columns = [*_CHANGE_TEXTS, *table["columns"][len(_CHANGE_TEXTS) :]]
    left = em - sum(columns) - gutter * (len(columns) - 1)
    # Else numbers break, so that no column is wider than the page.
    return {**table, "columns": columns if left >= _LEAST_DESTINATION else [*columns[:2], *table["columns"][2:]]}


def _change(change: Change, places: int, writer: Writer) -> list[str]:
    charges = (change.before, change.now, change.difference)
    shown = ["–" if charge is None else localisation.number(charge, places, writer.language) for charge in charges]
    return [*_record(change.record, places, writer)[:5], *shown]


def _other_change(key: str, telephone: str, amount: Decimal, places: int, writer: Writer) -> list[str]:
    """What is no leg: its name stands in the wide first column."""
    return [writer.word(key), "", telephone, "", "", "", "", localisation.number(amount, places, writer.language)]


def _by_service(rows: tuple[Line, ...]) -> Iterable[tuple[str, str, list[Line]]]:
    """The lines of each service that has some; those of an unknown direction with what goes out."""
    for kind, direction in SERVICES:
        inbound = direction == "inbound"
        found = [line for line in rows if line.kind == kind and (line.direction == "inbound") == inbound]
        if found:
            yield kind, direction, found


def _of_kind(document: Document, kind: str) -> list[Line]:
    return [line for line in document.lines if line.kind == kind]


def _total(rows: Iterable[Line]) -> Decimal:
    with localcontext(prec=_EXACT):
        return sum((line.amount for line in rows), Decimal(0))


def _subtotal(rows: list[Line], writer: Writer) -> list[str] | None:
    """Of a single line it would say the same once more."""
    return [writer.word("subtotal"), writer.amount(_total(rows))] if len(rows) > 1 else None


def _service(kind: str, direction: str, rows: list[Line], writer: Writer) -> Table:
    units = {line.unit for line in rows}
    unit = units.pop() if len(units) == 1 else ""
    events = "calls" if kind == "voice" else "messages"
    quantity, price = _QUANTITIES.get(unit, "units"), _PRICES.get(unit, "per_unit")
    name = writer.word(f"{kind}_{direction}")
    # Of a message received its count is the quantity; a column that says the same twice is left out.
    both = quantity != events
    head = [name, *writer.head(*((events, quantity) if both else (events,)), price, "amount")]
    # All prices of a column with as many decimals as the longest wants, so that their points stand in line.
    places = max(writer.digits, *(localisation.decimals(line.unit_price) for line in rows))
    body = [
        [
            _late(_place(line, writer.language), line, writer),
            writer.count(line.events),
            *([_quantity(line.quantity, line.unit, writer)] if both else []),
            localisation.number(line.unit_price, places, writer.language),
            writer.amount(line.amount),
        ]
        for line in rows
    ]
    if not both:
        head, body = _with_gap(head), [_with_gap(row) for row in body]
    return _table(head, body, _subtotal(rows, writer), _USAGE)


def _with_gap(cells: list[str]) -> list[str]:
    """An empty second column, so that the columns of all services stand under one another."""
    return [cells[0], "", *cells[1:]]


def _place(line: Line, language: str) -> str:
    """`Germany mobile`, in French `Allemagne mobile`: destinations of price tables begin with the country in English.
    Before other names stands the country."""
    country, destination = localisation.country(line.country, language), line.destination
    if not destination or destination.startswith(country):
        return destination or country
    in_english = localisation.country(line.country, "en")
    if destination in (in_english, f"{in_english} mobile"):
        return country + destination[len(in_english) :]
    return f"{country} · {destination}"


def _late(what: str, line: Line, writer: Writer) -> str:
    """With the month of usage that came after its bill."""
    if not line.usage_month or line.usage_month == writer.period:
        return what
    return writer.word("late", what=what, month=localisation.month(line.usage_month, writer.language))


def _quantity(quantity: int, unit: str, writer: Writer) -> str:
    return localisation.duration(quantity) if unit == "seconds" else writer.count(quantity)


def _fees(rows: list[Line], writer: Writer) -> Table:
    head = [writer.word("fees"), *writer.head("free_days", "chargeable_days", "per_month", "amount")]
    body = [
        [
            _late(f"{line.telephone} {localisation.country(line.country, writer.language)}".strip(), line, writer),
            "–" if line.free_days is None else writer.count(line.free_days),
            "–" if line.chargeable_days is None else writer.count(line.chargeable_days),
            writer.amount(line.unit_price),
            writer.amount(line.amount),
        ]
        for line in rows
    ]
    return _table(head, body, _subtotal(rows, writer), _USAGE)


def _adjustments(rows: list[Line], writer: Writer) -> Table:
    body = [
        [
            _late(_place(line, writer.language) or writer.word("adjustment_line"), line, writer),
            writer.amount(line.amount),
        ]
        for line in rows
    ]
    head = [writer.word("adjustments"), *writer.head("amount")]
    return _table(head, body, _subtotal(rows, writer), _ADJUSTMENT)


def _record(record: ItemisedLeg, places: int, writer: Writer) -> list[str]:
    inbound = "inbound" if record.direction == "inbound" else "outbound"
    service = "sms" if record.service == "sms" else "voice"
    return [
        Narrow(localisation.moment(record.started_at, writer.language)),
        writer.word(f"{service}_{inbound}_one"),
        Narrow(record.own_number),
        Narrow(record.other_number),
        Narrow(record.destination or localisation.country(record.country, writer.language)),
        _quantity(record.quantity, record.unit, writer),
        localisation.number(record.charge, places, writer.language),
    ]


def _table(
    head: list[str], rows: list[list[str]], foot: list[str] | None, least: tuple[int, ...], small: bool = False
) -> Table:
    """Names of columns, rows and a last row. `columns`: their widths in hundredths of an em, as the longest figure in
    them wants, so that none is ever cut. `even`: which rows take one line; told when the texts are final."""
    columns = [REST if width == REST else max(width, _longest(rows, at)) for at, width in enumerate(least)]
    if foot:
        columns[-1] = max(columns[-1], min(_WIDEST, _FIGURE * len(foot[-1])))
    return {"head": head, "rows": rows, "foot": foot, "columns": columns, "small": small}


def _longest(rows: list[list[str]], at: int) -> int:
    return min(_WIDEST, _FIGURE * max(len(row[at]) for row in rows))


def one_line_each(table: Table, width: Callable[[str], int]) -> list[bool]:
    """Which rows of `table` surely take one line, by the `width` of a text in hundredths of an em."""
    em, gutter = _EM_SMALL if table["small"] else _EM
    columns = table["columns"]
    left = em - sum(columns) - gutter * (len(columns) - 1)
    share = left // max(1, columns.count(REST))
    room = [column or share for column in columns]
    return [all(width(text) <= wide for text, wide in zip(row, room, strict=True)) for row in table["rows"]]
