"""The VAT rule of a document in words: those of the settings, else what the directive calls it."""

from __future__ import annotations

from pipelines.documents.model import Document

_VAT = {
    "en": {
        "domestic": "VAT of the seller's country.",
        "reverse_charge": "Reverse charge: VAT is due by the customer (Articles 44 and 196 of Directive 2006/112/EC).",
        "eu_consumer": "VAT of the customer's country (Article 58 of Directive 2006/112/EC).",
        "outside_eu": "Outside the scope of EU VAT (Articles 44 and 59 of Directive 2006/112/EC).",
        "charged_at_top_up": "Paid from prepaid credit. VAT was charged when the credit was bought; see its receipts.",
    },
    "fr": {
        "domestic": "TVA du pays du vendeur.",
        "reverse_charge": "Autoliquidation : TVA due par le preneur (articles 44 et 196 de la directive 2006/112/CE).",
        "eu_consumer": "TVA du pays du client (article 58 de la directive 2006/112/CE).",
        "outside_eu": "Hors du champ d'application de la TVA de l'UE (articles 44 et 59 de la directive 2006/112/CE).",
        "charged_at_top_up": "Payé par le crédit prépayé. La TVA a été facturée à l'achat du crédit ; voir ses reçus.",
    },
}


def vat_reason(document: Document) -> str:
    """Why the document's VAT is what it is, in its language."""
    return document.seller.legal.get(document.vat_rule) or _VAT[document.language][document.vat_rule]
