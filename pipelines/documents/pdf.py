"""Documents as PDF/A-3a and PDF/UA-1 with the e-invoice inside, set by typst from the templates and fonts beside this file."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import typst

from pipelines.documents.characters import BREAK, Characters, font_files
from pipelines.documents.model import Document
from pipelines.documents.page import page
from pipelines.documents.tables import one_line_each

HERE = Path(__file__).resolve().parent
TEMPLATES = HERE / "templates"
FONTS = HERE / "fonts"
TEMPLATE_VERSION = "a45c72d2fb4b"
"""Names the bytes of a document: another whenever what gathers and shapes them, the fonts or the libraries make others. Any
text that no version before it had; golden documents in the tests say when."""


def _with_fonts(files: list[Path]) -> str:
    """The version of documents that further fonts may shape as well."""
    found = hashlib.sha256(TEMPLATE_VERSION.encode())
    for path in files:
        found.update(f"{path.name}\n".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:12]


class Typesetter:
    """One typst compiler with the fonts of the package. Made once a worker process."""

    def __init__(self, more_fonts: Path | None = None) -> None:
        """`more_fonts`: a folder of further .otf and .ttf files for scripts that the package's fonts lack."""
        more = font_files(more_fonts) if more_fonts else []
        folders = [FONTS, *([more_fonts] if more_fonts else [])]
        # Neither the machine's fonts nor those inside typst: a page is the same wherever it is set.
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
        self.families = list(dict.fromkeys(["Inter", "Noto Sans", *sorted(fonts.families())]))
        """The families of fonts, in the order in which they are tried."""
        self.characters = Characters([*font_files(FONTS), *more])
        self._compiler = typst.Compiler(TEMPLATES / "main.typ", root=TEMPLATES, font_paths=fonts)
        self.version = _with_fonts(more) if more else TEMPLATE_VERSION
        """TEMPLATE_VERSION, or one that covers the further fonts as well."""

    def pdf(self, document: Document, einvoice: bytes | None) -> bytes:
        """The PDF of `document`, always the same bytes, with `einvoice` (UTF-8) attached as factur-x.xml.

        Its only time is midnight UTC of the day of issue. Raises typst.TypstError where it cannot be set.
        """
        tree = {**self._cleaned(page(document)), "fonts": self.families}
        texts = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
        inputs = {"document": texts, **({"breaks": BREAK} if BREAK in texts else {})}
        if einvoice is not None:
            inputs["einvoice"] = einvoice.decode("utf-8")
        made = self._compiler.compile(
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=["a-3a", "ua-1"],
            timestamp=datetime.combine(document.issued_on, time(), UTC),
        )
        assert isinstance(made, bytes)
        return made

    def _cleaned(self, tree: Any) -> Any:
        """The tree with every text in it made of characters that the fonts have."""
        match tree:
            case str():
                return self.characters.shown(tree)
            case dict():
                made = {key: value if key == "qr" else self._cleaned(value) for key, value in tree.items()}
                if "rows" in made:
                    made["even"] = one_line_each(made, self.characters.width)
                return made
            case list():
                return [self._cleaned(item) for item in tree]
        return tree
