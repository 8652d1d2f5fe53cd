"""The inbox loaded and compared, without the stages behind: what was said, and what stands in the warehouse then."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.stages import load
from pipelines.storage.session import Session, Silent
from pipelines.storage.warehouse import Warehouse
from tests.pipelines.homes import Home
from tests.pipelines.traffic import CALL, COLUMNS


@dataclass
class Told(Silent):
    """Keeps the sentences for people."""

    sentences: list[str] = field(default_factory=list)

    def warn(self, sentence: str) -> None:
        """Something a person should know."""
        self.sentences.append(sentence)


@dataclass(frozen=True)
class Loaded:
    """What a loading came to: `told`; the names of all `records` that count, sorted; `open`: record number and reason of what
    was refused; and of each file its path and how many records it added."""

    told: list[str]
    records: list[str]
    open: list[tuple[int, str]]
    files: list[tuple[str, int]]


def load_inbox(home: Home) -> Loaded:
    """Loads what is new in the inbox, in a process's life of its own as it were."""
    told = Told()
    with Warehouse.open(home.installation) as warehouse:
        session = Session(home.installation, warehouse, told)
        load.load_usage(session)
        load.compare_records(session)

        def rows(query: str) -> list[tuple[object, ...]]:
            return warehouse.connection.execute(query).fetchall()

        both = "SELECT record_id FROM usage_records ANTI JOIN duplicates USING (file_number, record_number) ORDER BY 1"
        found = Loaded(
            told.sentences,
            [str(name) for (name,) in rows(both)],
            rows("SELECT record_number, reason FROM refused_records ORDER BY ALL"),  # type: ignore[arg-type]
            rows("SELECT path, records FROM loaded_files ORDER BY file_number"),  # type: ignore[arg-type]
        )
        assert rows("SELECT * FROM duplicates WHERE conflicting") == []
    return found


def lines(*names: str) -> str:
    """Calls as lines of CSV."""
    rows = (CALL | {"record_id": name} for name in names)
    return "".join(",".join(row.get(column, "") for column in COLUMNS) + "\n" for row in rows)


HEADER = ",".join(COLUMNS) + "\n"
