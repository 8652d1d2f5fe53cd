"""Example documents for the tests of all that is made from them: every kind, VAT rule and way of paying. The parties are
invented; their identifiers have right check digits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pipelines.documents.model import (
    Document,
    Entry,
    Line,
    Party,
    Payment,
    Record,
    Seller,
    Statement,
)

ISSUED_ON = date(2026, 11, 2)
DUE_ON = date(2026, 12, 2)
PERIOD = (date(2026, 10, 1), date(2026, 10, 31))
MONTH = "2026-10"
DIGITS = {"JPY": 0, "TND": 3}

SELLER_PARTY = Party(
    name="Allô Mesure SAS",
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
    },
    "fr": {
        "register": "SAS au capital de 50 000 €, RCS Paris 987 654 324.",
        "payment_terms": "Paiement à 30 jours à compter de la date de facture.",
        "late_payment": "Retard de paiement : pénalités au taux de trois fois le taux d'intérêt légal, exigibles le jour "
        "suivant la date d'échéance.",
        "recovery_fee": "Indemnité forfaitaire pour frais de recouvrement : 40 € (article D. 441-5 du code de commerce).",
        "early_payment": "Pas d'escompte pour paiement anticipé.",
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
DEBIT = Payment("direct_debit", DUE_ON, mandate_reference="MANDAT-2026-0042", debtor_iban="DE89************3000")


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
    line = voice(number, 0, price, amount, kind="sms", destination="France", quantity=segments, unit="segments")
    return replace(line, events=segments, **changes)


def fee(number: int, telephone: str, price: str, amount: str, **changes: Any) -> Line:
    """The fee of a telephone number."""
    line = voice(number, 0, price, amount, kind="number_fee", direction="", destination="", telephone=telephone)
    return replace(line, events=1, quantity=1, unit="months", **changes)


LINES = (
    voice(1, 24_660, "0.040000", "16.44"),
    # A price of six decimals.
    voice(2, 7_380, "0.012345", "1.52", country="DE", destination="Germany landline"),
    # A connection fee besides the minutes.
    voice(3, 734, "0.020000", "1.44", destination="France special", country="FR"),
    voice(4, 3_000, "0.010000", "0.50", direction="inbound", destination=""),
    sms(5, 120, "0.072600", "8.71"),
    fee(6, "+33144556677", "2.000000", "2.00"),
    # A free week of the first number: part of the month's fee.
    fee(7, "+33144556688", "2.000000", "0.32", chargeable_days=5, free_days=7),
)


def document(lines: tuple[Line, ...] = LINES, rate: str = "0.2000", **changes: Any) -> Document:
    """A postpaid bill in EUR of a French business paying by transfer, with sums that follow from its lines, and
    `changes`."""
    language = changes.get("language", "en")
    digits = DIGITS.get(changes.get("currency", "EUR"), 2)
    unit = Decimal(1).scaleb(-digits)
    net = changes.pop("net_amount", sum((line.amount for line in lines), Decimal(0))).quantize(unit)
    vat = (net * Decimal(rate)).quantize(unit, rounding=ROUND_HALF_UP)
    mode = changes.get("billing_mode", "postpaid")
    paid = net + vat if mode == "prepaid" else Decimal(0).quantize(unit)
    made = Document(
        kind="bill",
        number="2026-000042",
        issued_on=ISSUED_ON,
        language=language,
        account_id="acc-0042",
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
    )
    return replace(made, **changes)


def prepaid(**changes: Any) -> Document:
    """A bill paid from the balance, in French, with its statement, chart and annex."""
    told: dict[str, Any] = {"language": "fr", "billing_mode": "prepaid", "vat_rule": "charged_at_top_up"}
    bill = document(rate="0.0000", payment=BALANCE, **(told | changes))
    opening, topped_up = Decimal("12.50"), Decimal("50.00")
    closing = opening + topped_up - bill.net_amount
    entries = (
        Entry(date(2026, 10, 9), "top_up", "R-2026-000017", topped_up, opening + topped_up),
        Entry(PERIOD[1], "bill", bill.number, -bill.net_amount, closing),
    )
    return with_usage(replace(bill, statement=Statement(opening, entries, closing)))


def with_usage(bill: Document) -> Document:
    """`bill` with a chart of spend and an annex of five calls, one of them forwarded."""
    zone = timezone(timedelta(hours=1))
    annex = tuple(
        Record(
            started_at=datetime(2026, 10, 1 + number, 9, 30, tzinfo=zone),
            service="voice",
            direction="outbound",
            own_number="+33144556677",
            other_number=f"+336120000{number:02}",
            destination="France mobile",
            country="FR",
            quantity=60 + number,
            unit="seconds",
            charge=Decimal("0.0400000000"),
        )
        for number in range(5)
    )
    spend = tuple(Decimal(day % 7) / 10 for day in range(31))
    return replace(bill, spend_per_day=spend, annex=annex, records=len(annex), forwarded=True)


def credit_note(**changes: Any) -> Document:
    """A credit note of a postpaid French business: what was charged is taken back, what is right is charged."""
    lines = (
        voice(1, -24_660, "0.040000", "-16.44"),
        voice(2, 24_660, "0.030000", "12.33"),
    )
    told: dict[str, Any] = {
        "kind": "credit_note",
        "number": "CN-2026-000003",
        "corrects": "2026-000042",
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
        "corrects": "2026-000042",
        "corrects_issued_on": ISSUED_ON,
        "issued_on": date(2026, 11, 20),
        "reason": "Calls that were missing.",
        "payment": DEBIT,
    }
    return document(lines, **(told | changes))


def receipt(**changes: Any) -> Document:
    """The receipt of a top-up of 50.00 EUR by a French business."""
    day = date(2026, 10, 9)
    told: dict[str, Any] = {
        "kind": "receipt",
        "number": "R-2026-000017",
        "issued_on": day,
        "period": (day, day),
        "billing_mode": "prepaid",
        "net_amount": Decimal("50.00"),
        "payment": BALANCE,
        "payment_reference": "card-7f31",
        "balance_after": Decimal("62.50"),
    }
    return document((), **(told | changes))


def many_lines(count: int = 200) -> tuple[Line, ...]:
    """`count` lines whose amounts are quantity times price."""
    return tuple(
        voice(n, 600 * n, "0.020000", f"{Decimal('0.20') * n:.2f}", destination=f"Destination {n}")
        for n in range(1, count + 1)
    )


def examples() -> dict[str, Document]:
    """All example documents by name."""
    zero = "0.0000"
    yen = (voice(1, 6_000, "12.500000", "1250"), fee(2, "+33144556677", "300.000000", "300"))
    dollars: dict[str, Any] = {"currency": "USD", "exchange_rate": Decimal("1.0842")}
    late = voice(8, 1_200, "0.040000", "0.80", usage_month="2026-09")
    negative = voice(8, 0, "-5.000000", "-5.00", kind="adjustment", direction="", destination="", unit="months")
    german: dict[str, Any] = {"buyer": GERMAN_BUSINESS, "vat_rule": "reverse_charge", "rate": zero}
    outside: dict[str, Any] = {"vat_rule": "outside_eu", "rate": zero}
    american: dict[str, Any] = {"buyer": AMERICAN, "currency": "USD"} | outside
    return {
        "prepaid": prepaid(),
        "prepaid_german": prepaid(language="en", buyer=GERMAN_BUSINESS),
        "prepaid_dollars": prepaid(currency="USD"),
        "debit": document(language="fr", payment=DEBIT),
        "transfer": document(),
        "french_consumer": document(buyer=FRENCH_CONSUMER, payment=DEBIT, language="fr"),
        "german_reverse_charge": document(**german),
        "german_consumer": document(buyer=GERMAN_CONSUMER, vat_rule="eu_consumer", rate="0.1900"),
        "american": document(**american),
        "dollars_in_france": document(vat_amount_declared=Decimal("5.71"), **dollars),
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
        "empty_prepaid": prepaid(lines=()),
        "yen": document(yen, buyer=JAPANESE, currency="JPY", **outside),
        "yen_in_france": document(
            yen, currency="JPY", exchange_rate=Decimal("164.2"), vat_amount_declared=Decimal("1.89")
        ),
        "greek": document(buyer=GREEK_BUSINESS, vat_rule="reverse_charge", rate=zero),
        "northern_irish": document(buyer=NORTHERN_IRISH, **outside),
        "kosovar": document(buyer=KOSOVAR, **outside),
        "zero_rate": document(rate=zero),
        "late_usage": document((*LINES, late)),
        "adjustment": document((*LINES, replace(negative, events=1, quantity=1))),
        "many_lines": document(many_lines()),
    }
