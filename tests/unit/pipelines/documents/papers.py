"""Bills, notes and receipts for tests of their pages, as rich as real ones. The parties are invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pipelines.documents.model import Document, Entry, Line, Party, Payment, Record, Seller, Statement

LEGAL = {
    "en": {
        "register": "Simplified joint-stock company, capital EUR 50,000. Paris trade register 987 654 324.",
        "payment_terms": "Payable within 30 days of the date of the bill.",
        "late_payment": "Late payment: interest at three times the French legal rate from the day after the due date.",
        "recovery_fee": "Late payment: fixed recovery fee of EUR 40 (Article D. 441-5 of the French Commercial Code).",
        "early_payment": "No discount for early payment.",
        "note": "Questions? Write to bills@allo-mesure.example.",
    },
    "fr": {
        "register": "SAS au capital de 50 000 €, RCS Paris 987 654 324.",
        "payment_terms": "Paiement à 30 jours à compter de la date de facture.",
        "late_payment": "Retard de paiement : pénalités au taux de trois fois le taux d’intérêt légal.",
        "recovery_fee": "Indemnité forfaitaire pour frais de recouvrement : 40 € (article D. 441-5 du code de commerce).",
        "early_payment": "Pas d’escompte pour paiement anticipé.",
        "note": "Une question ? Écrivez à facturation@allo-mesure.example.",
    },
}
SELLER = Party(
    name="Allô Mesure",
    country="FR",
    address="24 rue du Faubourg Saint-Antoine",
    postcode="75012",
    city="Paris",
    vat_number="FR14987654324",
    vat_number_valid=True,
    registration="987 654 324",
)
BAKERY = Party(
    name="Boulangerie Pérès & Fils",
    country="FR",
    address="8 place de la République\nBâtiment B",
    postcode="69002",
    city="Lyon",
    vat_number="FR65912345675",
    vat_number_valid=True,
    registration="912 345 675 00017",
)
AMERICAN = Party(
    name="Acme Rocket Supplies, Inc.",
    country="US",
    address="500 Desert Road\nSuite 12",
    postcode="85001",
    city="Phoenix",
)
BALANCE = Payment("balance")
TRANSFER = Payment("bank_transfer", date(2026, 12, 2))
DEBIT = Payment("direct_debit", date(2026, 11, 16), "MANDAT-2026-0042", "FR14************0606")


def seller(language: str = "en", **changes: Any) -> Seller:
    """The seller, with its wording in `language`."""
    made = Seller(
        party=SELLER,
        iban="FR76 3000 6000 0112 3456 7890 189",
        bic="AGRIFRPP",
        creditor_id="FR72ZZZ123456",
        vat_currency="EUR",
        legal=LEGAL[language],
    )
    return replace(made, **changes)


def line(kind: str, direction: str, quantity: int, price: str, amount: str, **changes: Any) -> Line:
    """A line of calls or messages."""
    unit = "seconds" if kind == "voice" else "segments" if direction == "outbound" else "messages"
    made = Line(
        number=1,
        kind=kind,
        direction=direction,
        country="FR",
        destination="France mobile" if direction == "outbound" else "",
        telephone="",
        usage_month="2026-10",
        events=max(1, quantity // 95) if kind == "voice" else quantity,
        quantity=quantity,
        unit=unit,
        unit_price=Decimal(price),
        amount=Decimal(amount),
    )
    return replace(made, **changes)


def fee(telephone: str, price: str, amount: str, **changes: Any) -> Line:
    """The fee of a telephone number."""
    made = line("number_fee", "", 1, price, amount, destination="", telephone=telephone, unit="months", events=1)
    return replace(made, **changes)


LINES = (
    line("voice", "outbound", 184_320, "0.012000", "36.86", events=1_243),
    line("voice", "outbound", 9_725, "0.008500", "1.38", destination="France", events=88),
    line("voice", "outbound", 3_754, "0.094000", "5.88", country="DE", destination="Germany mobile", events=31),
    line("voice", "outbound", 725, "0.094000", "1.14", destination="Spain", country="ES", usage_month="2026-09"),
    line("voice", "inbound", 242_511, "0.005000", "20.21", events=1_876),
    line("sms", "outbound", 412, "0.048000", "19.78", events=388),
    line("sms", "inbound", 57, "0.002500", "0.14"),
    fee("+33180140001", "1.900000", "1.90", chargeable_days=31, free_days=0),
    fee("+33180140002", "1.900000", "1.47", chargeable_days=24, free_days=7),
)
NET = Decimal("88.76")


def spent(days: int = 31) -> tuple[Decimal, ...]:
    """Charges a day, calm at weekends."""
    return tuple(
        Decimal("0.31") if (at + 3) % 7 in (5, 6) else Decimal("2.90") + Decimal((at * 37) % 17) / 10
        for at in range(days)
    )


def bill(language: str = "en", payment: Payment = TRANSFER, **changes: Any) -> Document:
    """A postpaid French bill of EUR 106.51."""
    owed = Decimal("106.51")
    entries = (
        Entry(date(2026, 10, 16), "payment", "PAY-20261016-77", Decimal("-94.20"), Decimal("0.00")),
        Entry(date(2026, 11, 2), "bill", "2026-000123", owed, owed),
    )
    made = Document(
        kind="bill",
        number="2026-000123",
        issued_on=date(2026, 11, 2),
        language=language,
        account_id="A0042",
        billing_mode="postpaid",
        currency="EUR",
        digits=2,
        seller=seller(language),
        buyer=BAKERY,
        period=(date(2026, 10, 1), date(2026, 10, 31)),
        lines=LINES,
        net_amount=NET,
        vat_rate=Decimal("0.2000"),
        vat_rule="domestic",
        vat_amount=Decimal("17.75"),
        gross_amount=owed,
        paid_amount=Decimal("0.00"),
        total_owed=owed,
        payment=payment,
        statement=Statement(Decimal("94.20"), entries, owed),
        spend_per_day=spent(),
        forwarded=True,
        records=2_831,
    )
    return replace(made, **changes)


def prepaid(language: str = "en", **changes: Any) -> Document:
    """The same usage, paid from the balance."""
    entries = (
        Entry(date(2026, 10, 4), "top_up", "R-2026-000311", Decimal("50.00"), Decimal("71.40")),
        Entry(date(2026, 10, 19), "top_up", "R-2026-000358", Decimal("50.00"), Decimal("121.40")),
        Entry(date(2026, 10, 31), "bill", "2026-000123", -NET, Decimal("32.64")),
    )
    made = bill(
        language,
        BALANCE,
        billing_mode="prepaid",
        vat_rate=Decimal("0.0000"),
        vat_rule="charged_at_top_up",
        vat_amount=Decimal("0.00"),
        gross_amount=NET,
        paid_amount=NET,
        total_owed=Decimal("0.00"),
        statement=Statement(Decimal("21.40"), entries, Decimal("32.64")),
    )
    return replace(made, **changes)


def long_bill(rows: int, **changes: Any) -> Document:
    """A bill of `rows` lines of usage."""
    made = tuple(
        line(
            "voice" if at % 4 else "sms",
            "outbound" if at % 3 else "inbound",
            1_000 + 37 * at,
            "0.012345",
            f"{at}.{at % 100:02}",
            destination=f"Destination {at}",
            number=at + 1,
        )
        for at in range(rows)
    )
    return bill(**{"lines": made, "statement": None, **changes})


def american(**changes: Any) -> Document:
    """A bill in USD of a customer outside the EU."""
    made = bill(
        currency="USD",
        buyer=AMERICAN,
        vat_rate=Decimal("0.0000"),
        vat_rule="outside_eu",
        vat_amount=Decimal("0.00"),
        gross_amount=NET,
        total_owed=NET,
        statement=None,
    )
    return replace(made, **changes)


def credit_note(language: str = "en", **changes: Any) -> Document:
    """A postpaid credit note of EUR 12.00."""
    made = bill(
        language,
        kind="credit_note",
        number="CN-2026-000004",
        lines=(line("voice", "outbound", -3_600, "0.166667", "-10.00", events=-12),),
        net_amount=Decimal("-10.00"),
        vat_amount=Decimal("-2.00"),
        gross_amount=Decimal("-12.00"),
        total_owed=Decimal("-12.00"),
        payment=Payment("bank_transfer"),
        statement=None,
        spend_per_day=(),
        forwarded=False,
        records=0,
        corrects="2026-000123",
        corrects_issued_on=date(2026, 11, 2),
        reason="Calls of 12 October were charged twice.",
    )
    return replace(made, **changes)


def receipt(language: str = "en", **changes: Any) -> Document:
    """The receipt of a top-up of EUR 50.00."""
    made = bill(
        language,
        BALANCE,
        kind="receipt",
        number="R-2026-000358",
        issued_on=date(2026, 10, 19),
        period=(date(2026, 10, 19), date(2026, 10, 19)),
        billing_mode="prepaid",
        lines=(),
        net_amount=Decimal("50.00"),
        vat_amount=Decimal("10.00"),
        gross_amount=Decimal("60.00"),
        paid_amount=Decimal("60.00"),
        total_owed=Decimal("0.00"),
        statement=None,
        spend_per_day=(),
        forwarded=False,
        records=0,
        payment_reference="Card •••• 4242, 19 Oct",
        balance_after=Decimal("121.40"),
    )
    return replace(made, **changes)


def records(count: int) -> tuple[Record, ...]:
    """Legs as the annex itemises them."""
    start = datetime(2026, 10, 1, 8, 0, 5, tzinfo=UTC)
    return tuple(
        Record(
            started_at=start + timedelta(minutes=47 * at),
            service="sms" if at % 5 == 0 else "voice",
            direction="outbound" if at % 3 else "inbound",
            own_number="+33180140001",
            other_number=f"+3361234{at:04}",
            destination="France mobile" if at % 3 else "",
            country="FR",
            quantity=1 + at % 2 if at % 5 == 0 else 61 + 7 * at,
            unit="seconds" if at % 5 else "segments" if at % 3 else "messages",
            charge=Decimal("0.0122000000") + Decimal(at) / 10_000,
        )
        for at in range(count)
    )
