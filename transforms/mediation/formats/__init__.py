"""One module a format of raw usage: how its records become the fields of `mediation.records`.

A format is a module here with NAME, KINDS, `recognises(head)` and `reader(kind, source)`; the inbox folder bears its
name. One whose events are told by several records has `assemble(parts)` as well, one whose files are described beside
them DESCRIBED_BY, `problems_of` and `misfits`. One whose legs may name a call of which nothing is kept, such as one of a
browser, has PARENT_MAY_BE_NO_USAGE = True; of others such a leg is told as orphaned. Nothing else lists the formats.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from transforms.mediation.contract import Format


def all_formats() -> dict[str, Format]:
    """The formats by name, found by looking into this package."""
    modules = (import_module(f"{__name__}.{item.name}") for item in pkgutil.iter_modules(__path__))
    return {module.NAME: module for module in modules}  # type: ignore[misc]
