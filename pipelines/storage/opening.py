"""The warehouse opened for a command, which says whom it waits for."""

from __future__ import annotations

from pipelines.errors import BadInput
from pipelines.settings import Installation
from pipelines.storage.session import Progress
from pipelines.storage.warehouse import Warehouse


def open_warehouse(installation: Installation, progress: Progress, wait_seconds: float | None) -> Warehouse:
    """The open warehouse. Raises LockHeld."""

    def waiting(holder: str) -> None:
        progress.warn(f"waiting for {holder}, which holds the warehouse")

    return Warehouse.open(installation, wait_seconds=wait_seconds, waiting=waiting)


def open_existing(installation: Installation, progress: Progress, wait_seconds: float | None) -> Warehouse:
    """As `open_warehouse`. Raises BadInput where nothing was ever run."""
    if not installation.warehouse.exists():
        raise BadInput(f"{installation.warehouse} does not exist: nothing was ever run here")
    return open_warehouse(installation, progress, wait_seconds)
