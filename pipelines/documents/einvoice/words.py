"""Words that e-invoices say in the document's language, and text that XML can carry."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache

from babel import Locale

from pipelines.documents.model import Line

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry, escaped or not: controls, lone surrogates, U+FFFE and U+FFFF."""

_LABELS = {
    "en": {
        ("voice", "outbound"): "Outgoing calls",
        ("voice", "inbound"): "Incoming calls",
        ("sms", "outbound"): "SMS sent",
        ("sms", "inbound"): "SMS received",
        ("number_fee", ""): "Monthly fee of the number",
        ("adjustment", ""): "Adjustment",
    },
    "fr": {
        ("voice", "outbound"): "Appels sortants",
        ("voice", "inbound"): "Appels entrants",
        ("sms", "outbound"): "SMS envoyés",
        ("sms", "inbound"): "SMS reçus",
        ("number_fee", ""): "Abonnement mensuel du numéro",
        ("adjustment", ""): "Régularisation",
    },
}

_WORDS = {
    "en": {
        "prepaid_credit": "Prepaid credit",
        "no_charges": "No charges in the period",
        "on_receipt": "Payable on receipt",
        "exchange_rate": "Exchange rate",
        "vat_number": "VAT number",
        "events": "number",
        "seconds": "seconds",
        "segments": "segments",
        "messages": "messages",
        "months": "months",
        "price": "unit price",
        "charged": "chargeable days",
        "free": "free days",
    },
    "fr": {
        "prepaid_credit": "Crédit prépayé",
        "no_charges": "Aucun montant sur la période",
        "on_receipt": "Payable à réception",
        "exchange_rate": "Taux de change",
        "vat_number": "N° de TVA",
        "events": "nombre",
        "seconds": "secondes",
        "segments": "segments",
        "messages": "messages",
        "months": "mois",
        "price": "prix unitaire",
        "charged": "jours facturables",
        "free": "jours gratuits",
    },
}


def printable(text: str) -> str:
    """`text` with U+FFFD where it has characters that no XML document can hold; nothing but blanks is nothing."""
    return _ILLEGAL.sub("\ufffd", text) if text.strip() else ""


def word(language: str, key: str) -> str:
    """What `key` is called on a document in `language`."""
    return _WORDS[language][key]


def plain(number: Decimal | int, language: str) -> str:
    """A number without trailing zeros or grouping, with the language's decimal mark."""
    text = f"{Decimal(number).normalize():f}"
    return text.replace(".", ",") if language == "fr" else text


def labelled(language: str, label: str, value: str) -> str:
    """`label: value`, with the blank that French has before a colon."""
    return f"{label} : {value}" if language == "fr" else f"{label}: {value}"


@cache
def _territories(language: str) -> dict[str, str]:
    return dict(Locale(language).territories)


def line_name(line: Line, language: str) -> str:
    """What is charged: `Outgoing calls: France mobile`."""
    label = _LABELS[language].get((line.kind, line.direction)) or _LABELS[language].get((line.kind, "")) or line.kind
    what = line.telephone or printable(line.destination) or _territories(language).get(line.country, line.country)
    return labelled(language, label, what) if what else label


def line_note(line: Line, language: str, *, whole: bool) -> str:
    """How many events a line adds up; if `whole`, also its quantity and price, which stand nowhere else then."""
    told = [("events", line.events)]
    if whole and line.kind != "adjustment":
        told += [(line.unit, line.quantity)]
    figures = [labelled(language, word(language, key), plain(value, language)) for key, value in told]
    if whole and line.kind != "adjustment":
        figures.append(labelled(language, word(language, "price"), plain(line.unit_price, language)))
    for key, days in (("charged", line.chargeable_days), ("free", line.free_days)):
        if days is not None:
            figures.append(labelled(language, word(language, key), str(days)))
    return (" ; " if language == "fr" else "; ").join(figures)
