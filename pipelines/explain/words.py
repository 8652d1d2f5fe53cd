"""How figures, moments and steps are written in an explanation. Nothing is looked up or decided here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

from pipelines import registries

Row = dict[str, Any]
"""A row of a table by column, its values as Python has them."""

FAULT = "report this as a fault of callbill"
"""What to do where figures that must agree do not."""

_LABEL = 15
_TENTH = Decimal("1E-10")


@dataclass
class Page:
    """An explanation: `text` for people, one entry a line, and `facts` for programs."""

    text: list[str] = field(default_factory=list)
    facts: Row = field(default_factory=dict)

    def title(self, text: str) -> None:
        """What is explained, and what it came to."""
        self.text.append(text)

    def section(self, text: str) -> None:
        """A heading."""
        self.text += ["", text]

    def say(self, label: str, text: str) -> None:
        """One step, under its label; a step without one belongs to the step before."""
        self.text.append(f"  {label:<{_LABEL}}{text}" if label or text else "")

    def table(self, rows: list[tuple[str, ...]]) -> None:
        """Rows in columns, the last flush left as it is."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            self.text.append(("  " + "  ".join(cells)).rstrip())


def exact(value: Decimal) -> str:
    """A decimal with all its digits, never in powers of ten."""
    return f"{value:f}"


def money(amount: Decimal, currency: str) -> str:
    """An amount of a bill in the minor unit of its currency: `12.34 EUR`."""
    return f"{in_minor_unit(amount, currency)} {currency}"


def in_minor_unit(amount: Decimal, currency: str) -> str:
    """The digits of `money`."""
    return f"{amount:.{registries.minor_units().get(currency, 4)}f}"


def rounding(currency: str) -> str:
    """How the amounts of bills and receipts are rounded (billing rule 1)."""
    return f"rounded half away from zero to {registries.minor_units().get(currency, 4)} decimals"


def rounded(value: Decimal, currency: str) -> Decimal:
    """`value` rounded as bills and receipts are."""
    return value.quantize(Decimal(1).scaleb(-registries.minor_units().get(currency, 4)), ROUND_HALF_UP)


def counted(number: int, word: str) -> str:
    """`1 segment`, `3 segments`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """A moment in the billing zone: `2026-10-05 10:00:00 UTC`."""
    local = at.astimezone(zone)
    fraction = f".{local.microsecond:06}".rstrip("0") if local.microsecond else ""
    return f"{local:%Y-%m-%d %H:%M:%S}{fraction} {zone.key}"


def billed_seconds(seconds: int, first: int, step: int) -> str:
    """How increments make billed seconds: `61 s at 60/30 -> 60 + 1 x 30 = 90 s` (billing rule 2)."""
    steps = -(-max(0, seconds - first) // step)
    if (first, step) == (1, 1):
        return f"{seconds} s at 1/1 -> {seconds} s"
    return f"{seconds} s at {first}/{step} -> " + (
        f"{first} + {steps} x {step} = {first + steps * step} s" if steps else f"{first} s"
    )


def arithmetic(row: Row) -> str:
    """The charge of a rated leg: `83 s x 0.012000 USD/min / 60 = 0.0166000000 USD` (billing rules 2, 3)."""
    price, currency = exact(row["unit_price"]), row["currency"]
    result = f"= {exact(row['charge'])} {currency}"
    if row["service"] == "voice":
        fee = f"{exact(row['connection_fee'])} + " if row["connection_fee"] else ""
        return f"{fee}{row['billed_seconds']} s x {price} {currency}/min / 60 {result}"
    if row["direction"] == "outbound":
        return f"{counted(row['segments'], 'segment')} x {price} {currency} {result}"
    return f"1 message x {price} {currency} {result}"


def remark(row: Row) -> str | None:
    """Whether the charge was rounded, or is not what its figures give; None where it is exact."""
    with localcontext() as context:
        context.prec = 60
        quantity = row["segments"] if row["direction"] == "outbound" else 1
        sixtieths = row["unit_price"] * (row["billed_seconds"] if row["service"] == "voice" else 60 * quantity)
        sixtieths += 60 * row["connection_fee"]
        found = (sixtieths / 60).quantize(_TENTH, ROUND_HALF_UP)
        if found != row["charge"]:
            return f"but these figures give {exact(found)}: {FAULT}"
        return None if found * 60 == sixtieths else "rounded half away from zero to 10 decimals"


def nothing_charged(row: Row) -> str:
    """Why a leg without a price is not charged (billing rules 2, 3 and 8)."""
    if row["service"] == "sms":
        return f"the carrier never accepted the message ({row['status']}): nothing is charged"
    if row["status"] != "answered":
        return f"the call was not answered ({row['status']}): nothing is charged, no connection fee either"
    return "the call lasted 0 s: nothing is charged, no connection fee either"


VAT_RULES = {
    "domestic": "the customer is in the seller's country: its standard rate",
    "reverse_charge": "a business with a valid VAT number in another EU country: 0, reverse charge",
    "eu_consumer": "a consumer in another EU country: the standard rate of that country",
    "outside_eu": "outside the scope of the seller's VAT: 0",
    "charged_at_top_up": "prepaid: VAT was charged when the credit was bought, so the bill carries none",
}
"""The VAT rules in words (billing rule 9)."""


def vat(net: Decimal, rate: Decimal, amount: Decimal, currency: str) -> str:
    """`12.34 EUR x 0.2000 = 2.46800000 -> 2.47 EUR (rounded ...)`."""
    product = f"{money(net, currency)} x {exact(rate)} = {exact(Decimal(in_minor_unit(net, currency)) * rate)}"
    return f"{product} -> {money(amount, currency)} ({rounding(currency)})"


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: decimals and dates as text."""
    if isinstance(value, Decimal):
        return exact(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
