"""The Factur-X mark in a PDF/A-3 that typst made, and that all else of it stays."""

from __future__ import annotations

import re
import time
from io import BytesIO

import pikepdf
import pytest
import typst
from facturx import get_facturx_xml_from_pdf
from lxml import etree

from pipelines.documents.einvoice.xml import factur_x
from pipelines.documents.einvoice.xmp import sealed
from tests.documents import document

SOURCE = """
#set document(title: "Bill 2026-000123", author: "Allô Mesure", date: datetime(year: 2026, month: 11, day: 2))
#set text(lang: "en")
#pdf.attach("{name}", bytes(sys.inputs.xml), relationship: "alternative", mime-type: "text/xml", description: "The bill")
= Bill 2026-000123
Total 106.51 EUR
"""
FX = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
PDFA = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "schema": "http://www.aiim.org/pdfa/ns/schema#",
    "property": "http://www.aiim.org/pdfa/ns/property#",
}


def typeset(xml: bytes, name: str = "factur-x.xml", standards: tuple[str, ...] = ("a-3a", "ua-1")) -> bytes:
    made = typst.compile(
        SOURCE.replace("{name}", name).encode(),
        format="pdf",
        pdf_standards=list(standards),
        timestamp=1793577600,
        sys_inputs={"xml": xml.decode()},
    )
    assert isinstance(made, bytes)
    return made


@pytest.fixture(scope="module")
def xml() -> bytes:
    return factur_x(document())


@pytest.fixture(scope="module")
def plain(xml: bytes) -> bytes:
    return typeset(xml)


def metadata(pdf: bytes) -> bytes:
    with pikepdf.open(BytesIO(pdf)) as opened:
        return bytes(opened.Root.Metadata.read_bytes())


def streams(pdf: pikepdf.Pdf) -> list[bytes]:
    """The streams but the metadata, as they lie in the file; saving numbers objects anew."""
    found = [each for each in pdf.objects if isinstance(each, pikepdf.Stream) and each.get("/Type") != "/Metadata"]
    return sorted(each.read_raw_bytes() for each in found)


def test_the_mark_names_the_e_invoice(plain: bytes) -> None:
    with pikepdf.open(BytesIO(sealed(plain))) as opened, opened.open_metadata() as found:
        assert found.pdfa_status == "3A"
        assert {key.removeprefix(FX): value for key, value in found.items() if key.startswith(FX)} == {
            "DocumentType": "INVOICE",
            "DocumentFileName": "factur-x.xml",
            "Version": "1.0",
            "ConformanceLevel": "EN 16931",
        }


def test_each_property_of_the_mark_is_described_as_pdf_a_demands(plain: bytes) -> None:
    root = etree.fromstring(metadata(sealed(plain)))
    (schema,) = [
        each
        for each in root.iterfind(".//schema:namespaceURI/..", PDFA)
        if each.findtext("schema:namespaceURI", namespaces=PDFA) == FX.strip("{}")
    ]
    assert schema.findtext("schema:prefix", namespaces=PDFA) == "fx"
    assert schema.findtext("schema:schema", namespaces=PDFA)
    described = {}
    for each in schema.iterfind("schema:property/rdf:Seq/rdf:li", PDFA):
        told = {etree.QName(part).localname: part.text for part in each}
        assert set(told) == {"name", "valueType", "category", "description"}
        described[told["name"]] = (told["valueType"], told["category"])
    used = {etree.QName(each).localname for each in root.iter() if str(each.tag).startswith(FX)}
    assert described == dict.fromkeys(used, ("Text", "external"))
    assert len(used) == 4


def test_all_other_metadata_stay(plain: bytes) -> None:
    before, after = metadata(plain), metadata(sealed(plain))
    without = re.sub(rb'<rdf:Description rdf:about="" xmlns:fx=.*?</rdf:Description>', b"", after)
    without = re.sub(rb'<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X.*?</rdf:Seq></pdfaSchema:property>'
                     rb"</rdf:li>", b"", without)  # fmt: skip
    assert without == before
    assert b"<pdfuaid:part>1<" in after


def test_the_rest_of_the_pdf_stays(plain: bytes) -> None:
    with pikepdf.open(BytesIO(plain)) as before, pikepdf.open(BytesIO(sealed(plain))) as after:
        assert after.pdf_version == before.pdf_version
        assert dict(after.docinfo.items()) == dict(before.docinfo.items())
        assert set(after.Root.keys()) == set(before.Root.keys())
        assert after.trailer.ID[0] == before.trailer.ID[0]
        assert streams(after) == streams(before)
        assert "/Filter" not in after.Root.Metadata


def test_no_error_of_syntax(plain: bytes) -> None:
    with pikepdf.open(BytesIO(sealed(plain))) as opened:
        assert opened.check_pdf_syntax() == []


def test_the_xml_is_found_and_is_an_alternative(plain: bytes, xml: bytes) -> None:
    pdf = sealed(plain)
    assert get_facturx_xml_from_pdf(pdf) == ("factur-x.xml", xml)
    with pikepdf.open(BytesIO(pdf)) as opened:
        (file,) = opened.Root.AF
        assert (file.UF, file.AFRelationship, file.EF.F.Subtype) == ("factur-x.xml", "/Alternative", "/text/xml")
        assert opened.attachments["factur-x.xml"].obj.objgen == file.objgen


def test_the_bytes_are_the_same_every_time(plain: bytes, xml: bytes) -> None:
    assert typeset(xml) == plain
    first = sealed(plain)
    # Into the next second: the id that a PDF has by default is made of the time.
    time.sleep(1.1)
    assert sealed(plain) == first


def test_a_pdf_without_the_e_invoice_is_refused(xml: bytes) -> None:
    with pytest.raises(ValueError, match=r"no factur-x\.xml"):
        sealed(typeset(xml, name="bill.xml"))


def test_a_pdf_that_is_no_pdf_a_is_refused(xml: bytes) -> None:
    with pytest.raises(ValueError, match="extension schemas"):
        sealed(typeset(xml, standards=("1.7",)))
