"""`callbill documents`: the files of what is issued of a month, and its payment files."""

from __future__ import annotations

import json
from typing import Any

from pipelines.operations.materialize import materialize
from pipelines.orchestration.instance import prepare_environment
from pipelines.settings import Installation, Month
from pipelines.stages.publish import catch_up
from pipelines.storage.opening import open_existing
from pipelines.storage.session import Progress, Session


def make_documents(
    installation: Installation, name: str, progress: Progress, *, wait_seconds: float | None = None
) -> dict[str, Any]:
    """Makes the files of what is issued of the month, and its payment files; returns how many of each kind there are,
    and where. Raises LockHeld, BadInput or NotMade."""
    Month.parse(name, installation.settings)
    prepare_environment(installation)
    with open_existing(installation, progress, wait_seconds) as warehouse:
        session = Session(installation, warehouse, progress)
        catch_up(session)
        materialize(session, name, "make_documents")
        facts = warehouse.value("SELECT facts FROM manifest WHERE stage = 'documents' AND month = ?", [name])
        return {"month": name, **json.loads(facts)}
