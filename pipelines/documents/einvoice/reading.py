"""The figures of an e-invoice, read back from its XML, and those it should have, from its document."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from lxml import etree

from pipelines.documents.einvoice.lines import signed
from pipelines.documents.einvoice.terms import declared_vat
from pipelines.documents.model import Document

_CII = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
}
_UBL = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


@dataclass(frozen=True)
class Totals:
    """What an e-invoice says, in its currency. On a credit note what is given back is positive."""

    number: str
    currency: str
    sum_of_lines: Decimal
    net: Decimal
    vat: Decimal
    gross: Decimal
    paid: Decimal
    due: Decimal
    lines: tuple[Decimal, ...]
    vat_declared: Decimal | None = None
    """VAT in the seller's currency, where the e-invoice says it."""


def expected(document: Document) -> Totals:
    """What an e-invoice of `document` must say."""
    lines = [line.amount for line in document.lines] or [Decimal(0)]
    if document.kind == "receipt":
        lines = [document.net_amount]
    told = [signed(document, amount) for amount in lines]
    return Totals(
        number=document.number,
        currency=document.currency,
        sum_of_lines=sum(told, Decimal(0)),
        net=signed(document, document.net_amount),
        vat=signed(document, document.vat_amount),
        gross=signed(document, document.gross_amount),
        paid=signed(document, document.paid_amount),
        due=signed(document, document.total_owed),
        lines=tuple(told),
        vat_declared=declared_vat(document)[1],
    )


def read_back(xml: bytes) -> Totals:
    """The figures of `xml`, CII or UBL. Raises ValueError where it lacks one."""
    root = etree.fromstring(xml)
    return _cii(root) if etree.QName(root).localname == "CrossIndustryInvoice" else _ubl(root)


def _cii(root: etree._Element) -> Totals:
    settlement = _one(root, ".//ram:ApplicableHeaderTradeSettlement", _CII)
    sums = _one(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation", _CII)
    currency = _text(settlement, "ram:InvoiceCurrencyCode", _CII)
    taxes = {each.get("currencyID"): Decimal(each.text or "") for each in sums.findall("ram:TaxTotalAmount", _CII)}
    line_amounts = root.iterfind(".//ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount", _CII)
    return Totals(
        number=_text(root, "rsm:ExchangedDocument/ram:ID", _CII),
        currency=currency,
        sum_of_lines=_amount(sums, "ram:LineTotalAmount", _CII),
        net=_amount(sums, "ram:TaxBasisTotalAmount", _CII),
        vat=taxes.pop(currency),
        gross=_amount(sums, "ram:GrandTotalAmount", _CII),
        paid=_amount(sums, "ram:TotalPrepaidAmount", _CII),
        due=_amount(sums, "ram:DuePayableAmount", _CII),
        lines=tuple(Decimal(each.text or "") for each in line_amounts),
        vat_declared=next(iter(taxes.values()), None),
    )


def _ubl(root: etree._Element) -> Totals:
    sums = _one(root, "cac:LegalMonetaryTotal", _UBL)
    currency = _text(root, "cbc:DocumentCurrencyCode", _UBL)
    taxes = {
        each.get("currencyID"): Decimal(each.text or "") for each in root.iterfind("cac:TaxTotal/cbc:TaxAmount", _UBL)
    }
    line = "CreditNoteLine" if etree.QName(root).localname == "CreditNote" else "InvoiceLine"
    return Totals(
        number=_text(root, "cbc:ID", _UBL),
        currency=currency,
        sum_of_lines=_amount(sums, "cbc:LineExtensionAmount", _UBL),
        net=_amount(sums, "cbc:TaxExclusiveAmount", _UBL),
        vat=taxes.pop(currency),
        gross=_amount(sums, "cbc:TaxInclusiveAmount", _UBL),
        paid=_amount(sums, "cbc:PrepaidAmount", _UBL),
        due=_amount(sums, "cbc:PayableAmount", _UBL),
        lines=tuple(Decimal(each.text or "") for each in root.iterfind(f"cac:{line}/cbc:LineExtensionAmount", _UBL)),
        vat_declared=next(iter(taxes.values()), None),
    )


def _one(node: etree._Element, path: str, names: dict[str, str]) -> etree._Element:
    found = node.find(path, names)
    if found is None:
        raise ValueError(f"the e-invoice has no {path}")
    return found


def _text(node: etree._Element, path: str, names: dict[str, str]) -> str:
    return _one(node, path, names).text or ""


def _amount(node: etree._Element, path: str, names: dict[str, str]) -> Decimal:
    return Decimal(_text(node, path, names))
