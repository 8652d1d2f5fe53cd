"""Example documents for the tests of all that is made from them, as rich as real ones: every kind, VAT rule and way of
paying. The parties are invented; their identifiers have right check digits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pipelines.documents.model import (
    Change,
    Document,
    Entry,
    ItemisedLeg,
    Line,
    Party,
    Payment,
    Seller,
    Statement,
)

ISSUED_ON = date(2026, 11, 2)
DUE_ON = date(2026, 12, 2)
PERIOD = (date(2026, 10, 1), date(2026, 10, 31))
MONTH = "2026-10"
DIGITS = {"JPY": 0, "TND": 3}

SELLER_PARTY = Party(
    name="Allô Mesure",
    country="FR",
    address="24 rue du Faubourg Saint-Antoine",
    postcode="75012",
    city="Paris",
    vat_number="FR14987654324",
    vat_number_valid=True,
    registration="987 654 324",
    email="facturation@allo-mesure.example",
)

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
        "late_payment": "Retard de paiement : pénalités au taux de trois fois le taux d’intérêt légal, exigibles le jour "
        "suivant la date d’échéance.",
        "recovery_fee": "Indemnité forfaitaire pour frais de recouvrement : 40 € (article D. 441-5 du code de commerce).",
        "early_payment": "Pas d’escompte pour paiement anticipé.",
        "note": "Une question ? Écrivez à facturation@allo-mesure.example.",
    },
}

FRENCH_BUSINESS = Party(
    name="Boulangerie Pérès & Fils",
    country="FR",
    address="8 place de la République\nBâtiment B",
    postcode="69002",
    city="Lyon",
    vat_number="FR65912345675",
    vat_number_valid=True,
    registration="912 345 675 00017",
    email="compta@peres.example",
)
FRENCH_CONSUMER = Party(
    name="Zoé Lefèvre", country="FR", address="3 impasse des Lilas", postcode="35000", city="Rennes"
)
GERMAN_BUSINESS = Party(
    name="Müller Werkzeugbau GmbH",
    country="DE",
    address="Industriestraße 7",
    postcode="70565",
    city="Stuttgart",
    vat_number="DE 123456788",
    vat_number_valid=True,
    registration="HRB 123456",
)
GERMAN_CONSUMER = Party(name="Jürgen Groß", country="DE", address="Ahornweg 1", postcode="10115", city="Berlin")
GREEK_BUSINESS = Party(
    name="Παπαδόπουλος Α.Ε.",
    country="GR",
    address="Ερμού 5",
    postcode="105 63",
    city="Αθήνα",
    vat_number="GR123456783",
    vat_number_valid=True,
)
NORTHERN_IRISH = Party(name="O'Neill Components Ltd", country="GB", city="Belfast", vat_number="XI123456789")
KOSOVAR = Party(name="Prishtina Telekom Sh.p.k.", country="XK", city="Prishtinë")
AMERICAN = Party(
    name="Acme Rocket Supplies, Inc.",
    country="US",
    address="500 Desert Road\nSuite 12",
    postcode="85001",
    city="Phoenix, AZ",
    registration="12-3456789",
)
JAPANESE = Party(name="株式会社サンプル", country="JP", address="丸の内1-1", postcode="100-0005", city="東京都")

BALANCE = Payment("balance")
TRANSFER = Payment("bank_transfer", DUE_ON)
DEBIT = Payment("direct_debit", date(2026, 11, 16), "MANDAT-2026-0042", "FR14************0606")


def seller(language: str = "en", **changes: Any) -> Seller:
    """The example seller, in France, with its wording in `language`."""
    made = Seller(
        party=SELLER_PARTY,
        iban="FR76 3000 6000 0112 3456 7890 189",
        bic="AGRIFRPP",
        creditor_id="FR72ZZZ123456",
        vat_currency="EUR",
        legal=LEGAL[language],
    )
    return replace(made, **changes)


def voice(number: int, seconds: int, price: str, amount: str, **changes: Any) -> Line:
    """A line of outgoing calls."""
    made = Line(
        number=number,
        kind="voice",
        direction="outbound",
        country="FR",
        destination="France mobile",
        telephone="",
        usage_month=MONTH,
        events=max(1, seconds // 95),
        quantity=seconds,
        unit="seconds",
        unit_price=Decimal(price),
        amount=Decimal(amount),
    )
    return replace(made, **changes)


def sms(number: int, segments: int, price: str, amount: str, **changes: Any) -> Line:
    """A line of sent SMS."""
    told: dict[str, Any] = {"kind": "sms", "destination": "France", "events": segments, "unit": "segments"}
    return voice(number, segments, price, amount, **(told | changes))


def fee(number: int, telephone: str, price: str, amount: str, **changes: Any) -> Line:
    """The fee of a telephone number."""
    told: dict[str, Any] = {"kind": "number_fee", "direction": "", "destination": "", "events": 1, "unit": "months"}
    return voice(number, 1, price, amount, telephone=telephone, **(told | changes))


def inbound(line: Line) -> Line:
    """`line` as one of calls or messages that came in; of messages their count is charged."""
    unit = "messages" if line.kind == "sms" else line.unit
    return replace(line, direction="inbound", destination="", unit=unit)


LINES = (
    voice(1, 184_320, "0.012000", "36.86", events=1_243),
    voice(2, 9_725, "0.008500", "1.38", destination="France", events=88),
    voice(3, 3_754, "0.094000", "5.88", destination="Germany mobile", country="DE", events=31),
    # Billed late.
    voice(4, 725, "0.094000", "1.14", destination="Spain", country="ES", usage_month="2026-09"),
    inbound(voice(5, 242_511, "0.005000", "20.21", events=1_876)),
    sms(6, 412, "0.048000", "19.78", destination="France mobile", events=388),
    inbound(sms(7, 57, "0.002500", "0.14")),
    fee(8, "+33180140001", "1.900000", "1.90", chargeable_days=31, free_days=0),
    # A free week: part of the month's fee.
    fee(9, "+33180140002", "1.900000", "1.47", chargeable_days=24, free_days=7),
)
ODD_LINES = (
    # A price of six decimals.
    voice(1, 7_380, "0.012345", "1.52", country="DE", destination="Germany landline"),
    # A connection fee besides the minutes.
    voice(2, 734, "0.020000", "1.44", destination="France special"),
)
SPENT = tuple(
    Decimal("0.31") if (day + 3) % 7 in (5, 6) else Decimal("2.90") + Decimal((day * 37) % 17) / 10 for day in range(31)
)
"""Charges a day, calm at weekends."""


def document(lines: tuple[Line, ...] = LINES, rate: str = "0.2000", **changes: Any) -> Document:
    """A postpaid bill in EUR of a French business paying by transfer, with sums that follow from its lines, and
    `changes`. A bill has a statement of account; one with lines the facts of its usage."""
    kind, language = changes.get("kind", "bill"), changes.get("language", "en")
    number = changes.get("number", "2026-000123")
    digits = DIGITS.get(changes.get("currency", "EUR"), 2)
    unit = Decimal(1).scaleb(-digits)
    net = changes.pop("net_amount", sum((line.amount for line in lines), Decimal(0))).quantize(unit)
    vat = (net * Decimal(rate)).quantize(unit, rounding=ROUND_HALF_UP)
    mode = changes.get("billing_mode", "postpaid")
    paid = net + vat if mode == "prepaid" else Decimal(0).quantize(unit)
    used = kind == "bill" and bool(lines)
    made = Document(
        kind=kind,
        number=number,
        issued_on=ISSUED_ON,
        language=language,
        account_id="A0042",
        billing_mode=mode,
        currency="EUR",
        digits=digits,
        seller=seller(language),
        buyer=FRENCH_BUSINESS,
        period=PERIOD,
        lines=lines,
        net_amount=net,
        vat_rate=Decimal(rate),
        vat_rule="domestic",
        vat_amount=vat,
        gross_amount=net + vat,
        paid_amount=paid,
        total_owed=net + vat - paid,
        payment=TRANSFER,
        statement=_statement(number, mode, net + vat) if kind == "bill" else None,
        spend_per_day=SPENT if used else (),
        forwarded=used,
        records=2_831 if used else 0,
    )
    return replace(made, **changes)


def _statement(number: str, mode: str, gross: Decimal) -> Statement:
    """Of a bill of `gross`: what was owed is paid; or two top-ups, and the bill is paid from them."""
    if mode == "postpaid":
        entries = [
            Entry(date(2026, 10, 16), "payment", "PAY-20261016-77", Decimal("-94.20"), Decimal("0.00")),
            Entry(ISSUED_ON, "bill", number, gross, gross),
        ]
        return Statement(Decimal("94.20"), tuple(entries), gross)
    closing = Decimal("121.40") - gross
    entries = [
        Entry(date(2026, 10, 4), "top_up", "R-2026-000311", Decimal("50.00"), Decimal("71.40")),
        Entry(date(2026, 10, 19), "top_up", "R-2026-000358", Decimal("50.00"), Decimal("121.40")),
        Entry(PERIOD[1], "bill", number, -gross, closing),
    ]
    return Statement(Decimal("21.40"), tuple(entries), closing)


def prepaid(**changes: Any) -> Document:
    """The same usage, paid from the balance."""
    told: dict[str, Any] = {"billing_mode": "prepaid", "vat_rule": "charged_at_top_up", "payment": BALANCE}
    return document(rate="0.0000", **(told | changes))


def credit_note(**changes: Any) -> Document:
    """A credit note of a postpaid French business: what was charged is taken back, what is right is charged."""
    lines = (
        voice(1, -184_320, "0.012000", "-36.86", events=-1_243),
        voice(2, 184_320, "0.010000", "30.72", events=1_243),
    )
    told: dict[str, Any] = {
        "kind": "credit_note",
        "number": "CN-2026-000003",
        "corrects": "2026-000123",
        "corrects_issued_on": ISSUED_ON,
        "issued_on": date(2026, 11, 20),
        "reason": "A wrong price of calls to France mobile.",
        "payment": Payment("bank_transfer"),
    }
    return document(lines, **(told | changes))


def debit_note(**changes: Any) -> Document:
    """A debit note of a postpaid French business."""
    lines = (voice(1, -600, "0.040000", "-0.40"), voice(2, 6_000, "0.040000", "4.00"))
    told: dict[str, Any] = {
        "kind": "debit_note",
        "number": "DN-2026-000001",
        "corrects": "2026-000123",
        "corrects_issued_on": ISSUED_ON,
        "issued_on": date(2026, 11, 20),
        "reason": "Calls that were missing.",
        "payment": replace(DEBIT, due_on=date(2026, 12, 4)),
    }
    return document(lines, **(told | changes))


def receipt(**changes: Any) -> Document:
    """The receipt of a top-up of 50.00 EUR by a French business."""
    day = date(2026, 10, 19)
    told: dict[str, Any] = {
        "kind": "receipt",
        "number": "R-2026-000358",
        "issued_on": day,
        "period": (day, day),
        "billing_mode": "prepaid",
        "net_amount": Decimal("50.00"),
        "payment": BALANCE,
        "payment_reference": "C26100042",
        "balance_after": Decimal("121.40"),
    }
    return document((), **(told | changes))


def records(count: int) -> tuple[ItemisedLeg, ...]:
    """Legs as the annex itemises them."""
    start = datetime(2026, 10, 1, 8, 0, 5, tzinfo=UTC)
    return tuple(
        ItemisedLeg(
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


def changes(count: int) -> tuple[Change, ...]:
    """Legs as a note itemises them: cheaper ones, and now and then one that came or that went."""
    made = []
    for at, record in enumerate(records(count)):
        before = None if at % 7 == 3 else record.charge + Decimal("0.0021")
        now = None if at % 7 == 5 else record.charge
        made.append(Change(record, before, now, (now or Decimal(0)) - (before or Decimal(0))))
    return tuple(made)


def itemised_note(count: int, **changed: Any) -> Document:
    """A credit note that itemises `count` legs and a number fee, with what the rounding of its lines adds."""
    legs = changes(count)
    lines = (voice(1, -600, "0.0120", "-0.12"), fee(2, "+33180140001", "1.900000", "-1.90", events=-1))
    rounding = lines[0].amount - sum((leg.difference for leg in legs), Decimal(0))
    made = credit_note(changes=legs, records=count, rounding=rounding, **changed)
    plain = document(lines, kind="credit_note")
    sums = {name: getattr(plain, name) for name in ("net_amount", "vat_amount", "gross_amount", "total_owed")}
    return replace(made, lines=lines, **sums)


def many_lines(count: int = 200) -> tuple[Line, ...]:
    """`count` lines of all services whose amounts are quantity times price."""
    made = []
    for n in range(1, count + 1):
        price = f"{Decimal('0.20') * n:.2f}"
        line = voice(n, 600 * n, "0.020000", price) if n % 4 else sms(n, 4 * n, "0.050000", price)
        line = line if n % 3 else inbound(line)
        made.append(replace(line, destination=f"Destination {n}"))
    return tuple(made)


def examples() -> dict[str, Document]:
    """All example documents by name."""
    zero = "0.0000"
    yen = (voice(1, 6_000, "12.500000", "1250"), fee(2, "+33144556677", "300.000000", "300"))
    dollars: dict[str, Any] = {"currency": "USD", "exchange_rate": Decimal("1.0842")}
    negative = voice(10, 0, "-5.000000", "-5.00", kind="adjustment", direction="", destination="", unit="months")
    german: dict[str, Any] = {"buyer": GERMAN_BUSINESS, "vat_rule": "reverse_charge", "rate": zero}
    outside: dict[str, Any] = {"vat_rule": "outside_eu", "rate": zero}
    american: dict[str, Any] = {"buyer": AMERICAN, "currency": "USD"} | outside
    return {
        "prepaid": prepaid(language="fr", annex=records(5), records=5),
        "prepaid_german": prepaid(buyer=GERMAN_BUSINESS),
        "prepaid_dollars": prepaid(currency="USD"),
        "debit": document(language="fr", payment=DEBIT),
        "transfer": document(),
        "french_consumer": document(buyer=FRENCH_CONSUMER, payment=DEBIT, language="fr"),
        "german_reverse_charge": document(**german),
        "german_consumer": document(buyer=GERMAN_CONSUMER, vat_rule="eu_consumer", rate="0.1900"),
        "american": document(**american),
        "dollars_in_france": document(vat_amount_declared=Decimal("16.37"), **dollars),
        "credit_note": credit_note(),
        "credit_note_prepaid": credit_note(
            billing_mode="prepaid", rate=zero, vat_rule="charged_at_top_up", payment=BALANCE, language="fr"
        ),
        "credit_note_german": credit_note(**german),
        "debit_note": debit_note(),
        "debit_note_american": debit_note(**american, payment=TRANSFER),
        "receipt": receipt(),
        "receipt_consumer": receipt(buyer=FRENCH_CONSUMER, language="fr"),
        "receipt_american": receipt(**american),
        "empty": document(()),
        "empty_prepaid": prepaid(lines=(), language="fr"),
        "yen": document(yen, buyer=JAPANESE, currency="JPY", **outside),
        "yen_in_france": document(
            yen, currency="JPY", exchange_rate=Decimal("164.2"), vat_amount_declared=Decimal("1.89")
        ),
        "greek": document(buyer=GREEK_BUSINESS, vat_rule="reverse_charge", rate=zero),
        "northern_irish": document(buyer=NORTHERN_IRISH, **outside),
        "kosovar": document(buyer=KOSOVAR, **outside),
        "zero_rate": document(rate=zero),
        "odd_lines": document(ODD_LINES),
        "adjustment": document((*LINES, replace(negative, events=1, quantity=1))),
        "many_lines": document(many_lines()),
    }
