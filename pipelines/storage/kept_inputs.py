"""Reference and price files and settings as they were, kept by their content: what a month was made from can be read
again (docs/adr/0009-rebuilding.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import BadInput
from pipelines.settings import Installation
from pipelines.storage.atomic_files import put_content


def keep(installation: Installation, contents: Mapping[str, bytes | None]) -> dict[str, str]:
    """Keeps what files hold, in HOME/kept; returns the SHA-256 of each by its name, empty where there is no file."""
    found = {}
    for name, content in contents.items():
        found[name] = "" if content is None else hashlib.sha256(content).hexdigest()
        place = installation.kept / found[name]
        if content is None or place.exists():
            continue
        place.parent.mkdir(exist_ok=True)
        put_content(content, place)
    return found


def restore(installation: Installation, sha256: str, place: Path) -> None:
    """Writes what was kept under that name to `place`; nothing where the name is empty. Raises BadInput where it is not
    there, or is something else now."""
    if not sha256:
        return
    source = sound(installation, sha256, place.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(source.read_bytes())


def sound(installation: Installation, sha256: str, name: str) -> Path:
    """Where what was kept under `sha256` lies; `name`: what it was. Raises BadInput where it is not there, or is
    something else now."""
    source = installation.kept / sha256
    try:
        content = source.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{source} is missing: {name} as it was then cannot be read any more") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadInput(f"{source} was changed: its content is not what its name says")
    return source
