"""The CSV of a document's records as its e-mail carries it: as it is, zipped, or not at all. The same bytes every time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

KB, MB = 1_000, 1_000_000
_PIECE = 1_048_576
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file can state; the time of writing would make other bytes each time."""


@dataclass(frozen=True)
class Records:
    """`name` of the file, `size` of the CSV in bytes, what is attached of it (None where it is too large), and whether
    that is zipped."""

    name: str
    size: int
    content: bytes | None
    zipped: bool = False


@dataclass(frozen=True)
class Limits:
    """A CSV above `zip_above` bytes is zipped; what is above `most` bytes then is not attached."""

    zip_above: int
    most: int


def read_records(path: Path, stem: str, limits: Limits) -> tuple[Records, str]:
    """The CSV at `path` as a file with the name `stem`, and the SHA-256 of what was read. Raises OSError."""
    size = path.stat().st_size
    if size <= limits.zip_above:
        content = path.read_bytes()
        kept = content if len(content) <= limits.most else None
        return Records(f"{stem}.csv", len(content), kept), hashlib.sha256(content).hexdigest()
    zipped, sha256 = _zipped(path, f"{stem}.csv", limits.most)
    return Records(f"{stem}.zip", size, zipped, zipped=True), sha256


def _zipped(path: Path, name: str, most: int) -> tuple[bytes | None, str]:
    """In pieces, so that no file is in memory as a whole; None once it comes to more than `most` bytes."""
    sha256, made = hashlib.sha256(), BytesIO()
    inside = ZipInfo(name, _EPOCH)
    inside.compress_type = ZIP_DEFLATED
    # The same whatever the machine: a file of Unix that all may read.
    inside.create_system, inside.external_attr = 3, 0o644 << 16
    with ZipFile(made, "w") as archive, archive.open(inside, "w", force_zip64=False) as into, path.open("rb") as file:
        while piece := file.read(_PIECE):
            sha256.update(piece)
            if made.tell() <= most:
                into.write(piece)
    content = made.getvalue()
    return (content if len(content) <= most else None), sha256.hexdigest()
