"""An e-mail about a document: subject, a text with what matters, the PDF, and the CSV of its records."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_UP, Decimal
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from pipelines.documents import localisation
from pipelines.documents.addresses import header_text, plain_address
from pipelines.documents.attaching import MB, Records
from pipelines.documents.model import Document
from pipelines.documents.translations import WORDS

_POLICY = SMTP.clone(cte_type="7bit")
"""Lines end in CR LF, and nothing goes out that a server would have to convert."""

_WORDS = {
    "en": {
        "receipt": "We have received your top-up of {day}. Receipt {number} is attached.",
        "bill": "Your bill {number} for {first} to {last} is attached.",
        "credit_note": "Credit note {number} is attached.",
        "debit_note": "Debit note {number} is attached.",
        "corrects": "Corrected bill",
        "reason": "Reason",
        "account": "Account",
        "credited": "Credited amount",
        "vat": "VAT",
        "paid": "Total paid",
        "balance": "Updated balance",
        "gross": "Total with VAT",
        "given_back": "Credited with VAT",
        "owed": "Total owed",
        "from_balance": "Paid from your balance. There is nothing to pay.",
        "to_balance": "Given back to your balance.",
        "nothing": "There is nothing to pay.",
        "set_off": "It is set off against what you owe.",
        "direct_debit": "It will be debited on {day} under your mandate {mandate}.",
        "direct_debit_no_day": "It will be debited under your SEPA mandate.",
        "bank_transfer": "Please pay by bank transfer by {day}, with reference {number}.",
        "bank_transfer_no_day": "Please pay by bank transfer, with reference {number}.",
        "records": "All its records",
        "changes": "The records whose charge changes",
        "attached": "{records} are itemised in the file {file}, which is attached too.",
        "zipped": "{records} are itemised in the file {file}, which is attached too: a CSV file, zipped.",
        "too_large": (
            "{records} are itemised in a CSV file of {size} MB, which is too large for this e-mail. "
            "Write to {email} and you will get it."
        ),
        "too_large_no_address": (
            "{records} are itemised in a CSV file of {size} MB, which is too large for this e-mail. "
            "Ask us for it and you will get it."
        ),
        "colon": ":",
    },
    "fr": {
        "receipt": "Nous avons reçu votre rechargement du {day}. Le reçu {number} est joint.",
        "bill": "Votre facture {number} pour la période du {first} au {last} est jointe.",
        "credit_note": "L'avoir {number} est joint.",
        "debit_note": "La note de débit {number} est jointe.",
        "corrects": "Facture corrigée",
        "reason": "Motif",
        "account": "Compte",
        "credited": "Montant crédité",
        "vat": "TVA",
        "paid": "Total payé",
        "balance": "Nouveau solde",
        "gross": "Total TTC",
        "given_back": "Total TTC crédité",
        "owed": "Total à payer",
        "from_balance": "Payé par votre solde. Vous n'avez rien à payer.",
        "to_balance": "Recrédité sur votre solde.",
        "nothing": "Vous n'avez rien à payer.",
        "set_off": "Il vient en déduction de ce que vous devez.",
        "direct_debit": "Ce montant sera prélevé le {day} au titre de votre mandat {mandate}.",
        "direct_debit_no_day": "Ce montant sera prélevé au titre de votre mandat SEPA.",
        "bank_transfer": "Merci de payer par virement au plus tard le {day}, avec la référence {number}.",
        "bank_transfer_no_day": "Merci de payer par virement, avec la référence {number}.",
        "records": "Tous ses enregistrements",
        "changes": "Les enregistrements dont le prix change",
        "attached": "{records} sont détaillés dans le fichier {file}, joint lui aussi.",
        "zipped": "{records} sont détaillés dans le fichier {file}, joint lui aussi\N{NO-BREAK SPACE}: un fichier CSV compressé.",
        "too_large": (
            "{records} sont détaillés dans un fichier CSV de {size} Mo, trop volumineux pour cet e-mail. "
            "Écrivez à {email} pour le recevoir."
        ),
        "too_large_no_address": (
            "{records} sont détaillés dans un fichier CSV de {size} Mo, trop volumineux pour cet e-mail. "
            "Demandez-le-nous pour le recevoir."
        ),
        "colon": "\N{NO-BREAK SPACE}:",
    },
}


@dataclass(frozen=True)
class Envelope:
    """How an e-mail goes out, beside the document it is about."""

    sender: str
    """Address, as plain_address returns it; the name beside it is the seller's."""
    recipient: str
    """Address, as plain_address returns it."""
    message_id: str
    """With its angle brackets."""
    at: datetime
    """When the document was made: on every attempt the same."""


def message(document: Document, envelope: Envelope, pdf: bytes, records: Records | None = None) -> EmailMessage:
    """The e-mail about `document` with its PDF, and with the CSV of its records where there is one that is not too large:
    the same bytes whenever it is made.

    No name or wording of the customer's stands in it, so that nobody can have callbill say theirs to a third person:
    an account that gives itself a name and another's address sends them nothing but numbers. The subject has the
    document's number and the seller's name.
    Raises ValueError where sender or recipient is no plain address.
    """
    made = EmailMessage(policy=_POLICY)
    seller = header_text(document.seller.party.name)
    made["From"] = _address(envelope.sender, header_text(seller, 60))
    made["To"] = _address(envelope.recipient)
    title = header_text(f"{WORDS[document.language][document.kind]} {document.number}")
    made["Subject"] = f"{title} - {seller}" if seller else title
    made["Date"] = envelope.at
    made["Message-ID"] = header_text(envelope.message_id, 250)
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text(document, records), cte="quoted-printable")
    made["Content-Language"] = document.language
    made.add_attachment(pdf, maintype="application", subtype="pdf", filename=f"{file_name(document.number)}.pdf")
    if records is not None and records.content is not None:
        kind = {"maintype": "application", "subtype": "zip"} if records.zipped else _CSV
        made.add_attachment(records.content, filename=records.name, **kind)
    # The library draws a boundary at random, and would not make the same bytes twice. This one cannot stand in the
    # parts: "=_" is nothing that quoted-printable or base64 write.
    made.set_boundary(f"=_{hashlib.sha256(envelope.message_id.encode()).hexdigest()[:32]}")
    return made


_CSV: dict[str, Any] = {"maintype": "text", "subtype": "csv", "params": {"charset": "utf-8"}}


def _address(addr_spec: str, name: str = "") -> Address:
    if plain_address(addr_spec) != addr_spec:
        raise ValueError("no plain e-mail address")
    return Address(display_name=name, addr_spec=addr_spec)


def file_name(number: str) -> str:
    """The number as a file name that no mail program reads as a path."""
    return (
        "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in number) or "document"
    )


def text(document: Document, records: Records | None = None) -> str:
    """What the e-mail says, in the document's language: lines of plain text; also where its `records` are."""
    words = _WORDS[document.language]
    first, last = (localisation.day(day, document.language) for day in document.period)
    number = header_text(document.number)
    lines = [words[document.kind].format(number=number, day=first, first=first, last=last)]
    if document.corrects:
        lines.append(_pair(words, "corrects", header_text(document.corrects)))
    if document.reason:
        lines.append(_pair(words, "reason", header_text(document.reason, 500)))
    lines += ["", _pair(words, "account", header_text(document.account_id))]
    for name, value in _amounts(document):
        lines.append(
            _pair(words, name, localisation.money(value, document.currency, document.digits, document.language))
        )
    if document.kind != "receipt":
        lines += ["", _how_paid(document, words)]
    if records is not None:
        lines += ["", _where(document, records, words)]
    lines += ["", header_text(document.seller.party.name)]
    return "\n".join(lines).rstrip() + "\n"


def _pair(words: dict[str, str], name: str, value: str) -> str:
    return f"{words[name]}{words['colon']} {value}"


def _amounts(document: Document) -> list[tuple[str, Decimal]]:
    """The amounts that matter, by their word."""
    if document.kind == "receipt":
        found = [
            ("credited", document.net_amount),
            ("vat", document.vat_amount),
            ("paid", document.gross_amount),
        ]
        return found if document.balance_after is None else [*found, ("balance", document.balance_after)]
    if document.kind == "credit_note":
        return [("given_back", -document.gross_amount)]
    return [("gross", document.gross_amount), ("owed", document.total_owed)]


def _where(document: Document, records: Records, words: dict[str, str]) -> str:
    """Where the records are: the sentence is true of what is attached."""
    what = words["records" if document.kind == "bill" else "changes"]
    if records.content is not None:
        return words["zipped" if records.zipped else "attached"].format(records=what, file=records.name)
    megabytes = (Decimal(records.size) / MB).quantize(Decimal("0.1"), ROUND_UP)
    email = header_text(document.seller.party.email)
    return words["too_large" if email else "too_large_no_address"].format(
        records=what, size=localisation.number(megabytes, 1, document.language), email=email
    )


def _how_paid(document: Document, words: dict[str, str]) -> str:
    if document.kind == "credit_note":
        return words["to_balance" if document.billing_mode == "prepaid" else "set_off"]
    if document.total_owed <= 0:
        return words["from_balance" if document.billing_mode == "prepaid" else "nothing"]
    paid = document.payment
    method = "bank_transfer" if paid.method == "balance" else paid.method
    known = paid.due_on is not None and (method == "bank_transfer" or bool(paid.mandate_reference))
    return words[method if known else f"{method}_no_day"].format(
        number=header_text(document.number),
        day="" if paid.due_on is None else localisation.day(paid.due_on, document.language),
        mandate=header_text(paid.mandate_reference),
    )
