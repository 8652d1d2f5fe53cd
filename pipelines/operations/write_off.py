"""Suspended records given up by a person, and opened again: `callbill write-off`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from pipelines.errors import BadInput
from pipelines.settings import Installation
from pipelines.stages.publish import SUSPENSE, catch_up, finish
from pipelines.storage.audit import add_entry
from pipelines.storage.opening import open_existing
from pipelines.storage.session import Progress, Session
from pipelines.storage.unfinished import must_publish
from pipelines.storage.warehouse import Warehouse
from transforms.tables.base import assert_contract, conform
from transforms.tables.suspense import WriteOffs
from transforms.tables.vocabulary import LEGS

NAMED_MAX = 20
"""Records that an entry of the audit trail names; of more it says how many, and `write_offs` names them."""

_NAME = re.compile(rf"^(?P<file>.+?):(?P<record>\d{{1,17}})(?::(?P<leg>{'|'.join(LEGS)}))?$")
SHORTEST_PREFIX = 6

_SAME = (
    "{one}.file_id = {other}.file_id AND {one}.record_number = {other}.record_number AND {one}.leg = {other}.leg "
    "AND {one}.usage_month IS NOT DISTINCT FROM {other}.usage_month"
)


@dataclass(frozen=True)
class Chosen:
    """Which records a person means: those of these `names` (FILE:RECORD or FILE:RECORD:LEG, FILE being the path of the
    file or the beginning of its SHA-256), and of these only those of the reason, the month and the account."""

    names: Sequence[str] = ()
    reason: str | None = None
    month: str | None = None
    account: str | None = None

    def in_words(self) -> str:
        """What was asked for but for the names."""
        asked = {"reason": self.reason, "month": self.month, "account": self.account}
        return ", ".join(f"{name} {value}" for name, value in asked.items() if value)


def write_off(
    installation: Installation,
    chosen: Chosen,
    because: str,
    who: str,
    progress: Progress,
    *,
    undo: bool = False,
    wait_seconds: float | None = None,
) -> dict[str, Any]:
    """Closes the chosen records that are open, or with `undo` opens those again that are written off; all or none.

    Returns how many, by reason; and how many of those that were named were closed, or opened again, `already`. Raises
    BadInput where nothing is chosen, or a name fits no such record; LockHeld.
    """
    if not (chosen.names or chosen.reason or chosen.month or chosen.account):
        raise BadInput("name the records as FILE:RECORD, or choose them with --reason, --month or --account")
    if not because.strip() or not who.strip():
        raise BadInput("--because and --by must say something: they are kept for good")
    with open_existing(installation, progress, wait_seconds) as warehouse:
        session = Session(installation, warehouse, progress)
        catch_up(session)
        chosen_records = _chosen(warehouse, chosen, undo=undo)
        found = chosen_records.filter(~pl.col("already")).drop("already")
        now = datetime.now(UTC)
        if found.height:
            with warehouse.transaction(), warehouse.lent("chosen_records", found):
                if undo:
                    _open_again(warehouse, who, now)
                else:
                    _close(warehouse, found, because, who, now)
                _note(session, chosen, found, because, who, undo=undo)
                if installation.published.exists():
                    must_publish(session)
        finish(session)
        by_reason = found.group_by("reason").len("records").sort("reason")
        return {
            "written_off": 0 if undo else found.height,
            "reopened": found.height if undo else 0,
            "already": chosen_records.height - found.height,
            "by_reason": by_reason.to_dicts(),
        }


def _chosen(warehouse: Warehouse, chosen: Chosen, *, undo: bool) -> pl.DataFrame:
    """The rows of suspense that are meant, each with the path of its file, and whether it is `already` as is asked for: of
    records that are named, so that the same command may be said again."""
    state, wanted = ("written_off", "open") if undo else ("open", "written_off")
    rows = warehouse.frame(
        f"SELECT s.*, f.path, s.state = $wanted AS already FROM ({SUSPENSE}) s "
        "LEFT JOIN (SELECT file_id, path FROM loaded_files) f USING (file_id) "
        "WHERE (s.state = $state OR (s.state = $wanted AND EXISTS (FROM write_offs w "
        f"WHERE (w.reopened_at IS NOT NULL) = $undo AND {_SAME.format(one='s', other='w')}))) "
        "AND s.reason = coalesce($reason, s.reason) AND coalesce(s.usage_month = $month, $month IS NULL) "
        "AND coalesce(s.account_id = $account, $account IS NULL) ORDER BY file_id, record_number, leg, usage_month",
        {"state": state, "wanted": wanted, "undo": undo}
        | {"reason": chosen.reason, "month": chosen.month, "account": chosen.account},
    )
    if not chosen.names:
        return rows.filter(~pl.col("already"))
    missing, parts = [], []
    for name in dict.fromkeys(chosen.names):
        part = rows.filter(_is(name))
        if part.is_empty():
            missing.append(f"{name}: no record of that name is {state.replace('_', ' ')}")
        if part["file_id"].n_unique() > 1:
            raise BadInput(f"{name}: several files begin so; name more of the SHA-256")
        parts.append(part)
    if missing:
        raise BadInput(missing)
    return pl.concat(parts).unique(maintain_order=True)


def _is(name: str) -> pl.Expr:
    match = _NAME.match(name)
    if match is None:
        raise BadInput(f"{name} is no FILE:RECORD, nor FILE:RECORD:LEG with a leg {' or '.join(LEGS)}")
    file = match["file"]
    mine = pl.col("path").eq_missing(pl.lit(file))
    if len(file) >= SHORTEST_PREFIX and re.fullmatch(r"[0-9a-f]+", file):
        mine |= pl.col("file_id").str.starts_with(file)
    mine &= pl.col("record_number") == int(match["record"])
    return mine & (pl.col("leg") == match["leg"]) if match["leg"] else mine


def _close(warehouse: Warehouse, found: pl.DataFrame, because: str, who: str, now: datetime) -> None:
    facts = {"because": because, "written_off_by": who, "written_off_at": now}
    warehouse.insert("write_offs", assert_contract(WriteOffs, conform(WriteOffs, found, facts)))
    warehouse.connection.execute(
        "UPDATE suspense SET state = 'written_off' FROM chosen_records c WHERE suspense.state = 'open' AND "
        + _SAME.format(one="suspense", other="c")
    )


def _open_again(warehouse: Warehouse, who: str, now: datetime) -> None:
    warehouse.connection.execute(
        "UPDATE write_offs SET reopened_by = ?, reopened_at = ? FROM chosen_records c "
        f"WHERE write_offs.reopened_at IS NULL AND {_SAME.format(one='write_offs', other='c')}",
        [who, now],
    )
    warehouse.connection.execute(
        "UPDATE suspense SET state = 'open' FROM chosen_records c WHERE suspense.state = 'written_off' AND "
        + _SAME.format(one="suspense", other="c")
    )


def _note(session: Session, chosen: Chosen, found: pl.DataFrame, because: str, who: str, *, undo: bool) -> None:
    counts = found.group_by("reason").len("n").sort("reason")
    many = ", ".join(f"{count} {reason}" for reason, count in counts.iter_rows())
    named = ""
    if found.height <= NAMED_MAX:
        places = (
            f"{path or file[:16]}:{number}{'' if leg == 'main' else ':' + leg}"
            for file, path, number, leg in found.select("file_id", "path", "record_number", "leg").iter_rows()
        )
        named = f" ({', '.join(places)})"
    elif asked := chosen.in_words():
        named = f" ({asked})"
    add_entry(session, "reopen" if undo else "write-off", chosen.month, f"{many}{named}: {because}", who)
