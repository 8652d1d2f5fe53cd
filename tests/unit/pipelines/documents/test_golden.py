"""Golden documents: the bytes that a template version stands for. Other bytes need another version."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from pipelines.documents.gather import Gathered
from pipelines.documents.pdf import TEMPLATE_VERSION
from pipelines.documents.rendering import forms
from tests import documents

GOLDEN = Path(__file__).with_name("golden.json")
WRITE = "CALLBILL_GOLDEN"
MEANT = (
    f"if it is meant, give TEMPLATE_VERSION (pipelines/documents/pdf.py) a new text, then run this with {WRITE}=write"
)


def made() -> dict[str, str]:
    """The SHA-256 of each form of each example document, by its name."""
    found = {}
    for name, document in documents.examples().items():
        gathered = Gathered(document.number, document.kind, document.buyer.name, document)
        for form, content in forms(gathered).items():
            found[f"{name}.{form}"] = hashlib.sha256(content).hexdigest()
    return found


def test_a_template_version_stands_for_the_same_bytes() -> None:
    found = made()
    golden = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    if os.environ.get(WRITE) == "write":
        assert golden.get("documents") == found or golden.get("template_version") != TEMPLATE_VERSION, MEANT
        text = json.dumps({"template_version": TEMPLATE_VERSION, "documents": found}, indent=2)
        GOLDEN.write_text(text + "\n", encoding="utf-8")
        return
    assert golden["template_version"] == TEMPLATE_VERSION, (
        f"the golden documents are of another version: run this with {WRITE}=write"
    )
    others = [
        name for name in golden["documents"].keys() | found.keys() if golden["documents"].get(name) != found.get(name)
    ]
    assert sorted(others) == [], f"other bytes than those of version {TEMPLATE_VERSION}; {MEANT}"
