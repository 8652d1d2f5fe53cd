"""E-invoices in their two forms: CII, which lies in the PDF as factur-x.xml, and UBL."""

from __future__ import annotations

from xml.sax.saxutils import escape

from facturx.generate_xml import generate_cii_xml, generate_ubl_xml

from pipelines.documents.einvoice.terms import terms
from pipelines.documents.model import Document


def factur_x(document: Document) -> bytes:
    """`document` as Cross Industry Invoice, profile EN 16931. The same bytes every time. Raises BadInput."""
    made: bytes = generate_cii_xml(terms(document), level="en16931", check_xsd=False, check_schematron=False)
    return made


def ubl(document: Document) -> bytes:
    """`document` as UBL 2.1 Invoice or CreditNote. The same bytes every time. Raises BadInput."""
    found = terms(document)
    made: bytes = generate_ubl_xml(found, level="en16931", check_xsd=False, check_schematron=False)
    mandate = found.get("BT-89")
    if mandate and b"<cac:PaymentMandate>" not in made:
        # The library writes the mandate only beside the account debited (BT-91), which is left out.
        element = f"  <cac:PaymentMandate>\n      <cbc:ID>{escape(mandate)}</cbc:ID>\n    </cac:PaymentMandate>\n  "
        made = made.replace(b"</cac:PaymentMeans>", element.encode() + b"</cac:PaymentMeans>", 1)
    return made
