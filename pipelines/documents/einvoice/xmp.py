"""The mark in a PDF that names the e-invoice inside it, which typst cannot write."""

from __future__ import annotations

import hashlib
import re
from io import BytesIO

import pikepdf

FILE_NAME = "factur-x.xml"

_NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES = {
    "DocumentType": ("INVOICE", "The type of the hybrid document in capital letters, e.g. INVOICE or ORDER"),
    "DocumentFileName": (FILE_NAME, "The name of the embedded XML document"),
    "Version": ("1.0", "The actual version of the standard applying to the embedded XML document"),
    "ConformanceLevel": ("EN 16931", "The conformance level of the embedded XML document"),
}
"""Value and description of each property of the Factur-X extension schema (Factur-X 1.0, section 6.2.2)."""

_SCHEMAS_END = b"</rdf:Bag></pdfaExtension:schemas>"
_METADATA_END = b"</rdf:RDF>"


def sealed(pdf: bytes) -> bytes:
    """`pdf`, a PDF/A-3 from typst with factur-x.xml attached, with the Factur-X properties in its XMP metadata and the
    description of their schema that PDF/A demands. All else stays; the same bytes every time.

    Raises ValueError for a PDF without factur-x.xml or whose metadata or end are not as typst writes them.
    """
    with pikepdf.open(BytesIO(pdf)) as opened:
        if FILE_NAME not in opened.attachments:
            raise ValueError(f"the PDF has no {FILE_NAME}")
        metadata = opened.Root.Metadata
        # By text: pikepdf's own editor of metadata rewrites all of it, with the time and itself as its producer.
        return _updated(pdf, metadata.objgen[0], _marked(metadata.read_bytes()))


_END = re.compile(
    rb"trailer\s*<<(?P<keys>/Size [^>]*?/ID\[\([^)]*\))\([^)]*\)\]>>\s*startxref\s+(?P<start>[0-9]+)\s+%%EOF\s*\Z"
)
"""How typst ends a PDF: the trailer, its last entry the two halves of the ID, and where the table of objects begins."""


def _updated(pdf: bytes, number: int, xmp: bytes) -> bytes:
    """`pdf` and, behind it, its metadata anew as the object `number`: an incremental update (ISO 32000-1, 7.5.6).

    pikepdf would write the whole file once more, which takes a fifth of the time of making it (docs/performance.md).
    """
    end = _END.search(pdf, max(0, len(pdf) - 1000))
    if end is None:
        raise ValueError("the PDF does not end as one from typst does")
    head = b"%d 0 obj\n<</Type/Metadata/Subtype/XML/Length %d>>\nstream\n" % (number, len(xmp))
    added = b"\n" + head + xmp + b"\nendstream\nendobj\n"
    changed = hashlib.md5(pdf + xmp, usedforsecurity=False).hexdigest().encode()
    return b"".join(
        [
            pdf,
            added,
            b"xref\n%d 1\n%010d 00000 n\r\n" % (number, len(pdf) + 1),
            b"trailer\n<<%s<%s>]/Prev %s>>\n" % (end["keys"], changed, end["start"]),
            b"startxref\n%d\n%%%%EOF\n" % (len(pdf) + len(added)),
        ]
    )


def _marked(xmp: bytes) -> bytes:
    if xmp.count(_SCHEMAS_END) != 1 or xmp.count(_METADATA_END) != 1:
        raise ValueError("the PDF's metadata name no extension schemas, as those of a PDF/A-3 from typst do")
    described = xmp.replace(_SCHEMAS_END, _SCHEMA.encode() + _SCHEMAS_END)
    return described.replace(_METADATA_END, _MARK.encode() + _METADATA_END)


_SCHEMA = (
    '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
    f"<pdfaSchema:namespaceURI>{_NAMESPACE}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
    "<pdfaSchema:property><rdf:Seq>"
    + "".join(
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{description}</pdfaProperty:description></rdf:li>"
        for name, (_, description) in _PROPERTIES.items()
    )
    + "</rdf:Seq></pdfaSchema:property></rdf:li>"
)
_MARK = (
    f'<rdf:Description rdf:about="" xmlns:fx="{_NAMESPACE}">'
    + "".join(f"<fx:{name}>{value}</fx:{name}>" for name, (value, _) in _PROPERTIES.items())
    + "</rdf:Description>"
)
