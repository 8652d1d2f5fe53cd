"""Events that several records tell, in one file or in many, become usage as soon as all of their records are there."""

from __future__ import annotations

from typing import cast

import polars as pl

from pipelines.storage import file_totals
from pipelines.storage.session import Session
from transforms.mediation.contract import AssemblingFormat
from transforms.mediation.formats import all_formats
from transforms.mediation.parts import assemble_parts
from transforms.tables.base import assert_contract
from transforms.tables.usage import Duplicates, RefusedRecords, UsageRecords

NEW_FILES = "file_number IN (SELECT file_number FROM loaded_files WHERE NOT compared)"
"""Records of files that were not compared with the others yet."""

EVENT_ROWS = 500_000
"""Parts of events that are assembled at once."""


def assemble_events(session: Session, new: str = NEW_FILES) -> None:
    """Makes usage of the events of which a new file brought a part; or of those of which a part fulfils the SQL condition
    `new`. Belongs into the transaction that compares records."""
    warehouse = session.warehouse
    formats = all_formats()
    rows = warehouse.connection.execute(f"SELECT format, count(*) FROM event_parts WHERE {new} GROUP BY 1 ORDER BY 1")
    for name, _ in rows.fetchall():
        touched = (
            f"SELECT * FROM event_parts WHERE format = '{name}' AND event IN "
            f"(SELECT event FROM event_parts WHERE format = '{name}' AND {new})"
        )
        count = int(warehouse.value(f"SELECT count(*) FROM ({touched})"))
        slices = -(-count // EVENT_ROWS)
        for number in range(slices):
            parts = warehouse.frame(
                f"{touched} AND hash(event) % {slices} = {number} ORDER BY file_number, record_number"
            )
            _assemble(session, name, cast(AssemblingFormat, formats[name]), parts)


def _assemble(session: Session, name: str, form: AssemblingFormat, parts: pl.DataFrame) -> None:
    one_suffices = getattr(form, "ONE_SUFFICES", False)
    whole = assemble_parts(parts, form.assemble, format_name=name, one_suffices=one_suffices)
    warehouse = session.warehouse
    warehouse.insert("usage_records", assert_contract(UsageRecords, whole.usage))
    warehouse.insert("refused_records", assert_contract(RefusedRecords, whole.refused))
    warehouse.insert("duplicates", assert_contract(Duplicates, whole.duplicates))
    with warehouse.lent("judged", whole.states):
        touched = "(SELECT * FROM event_parts SEMI JOIN judged USING (file_number, record_number))"
        file_totals.take(warehouse.connection, "event_parts", touched)
        warehouse.connection.execute(
            "UPDATE event_parts SET state = judged.state FROM judged "
            "WHERE event_parts.file_number = judged.file_number AND event_parts.record_number = judged.record_number"
        )
        file_totals.add(warehouse.connection, "event_parts", touched)
