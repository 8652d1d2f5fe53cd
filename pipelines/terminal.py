"""What a person sees in the terminal: progress on standard error, the outcome on standard output."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipelines.session import Progress, Silent
from pipelines.settings import Installation
from pipelines.world import minor_units

MEASURED_RECORDS = 1_000
"""So many records make a rate worth showing."""

NARROWEST = 100
"""Columns that the tables of an outcome need; a narrower terminal wraps lines, and no figure is cut."""

_BILLED = {
    "net_amount": "net",
    "vat_amount": "VAT",
    "paid_from_balance": "from balance",
    "total_owed": "owed",
    "old": "old",
    "new": "new",
    "difference": "difference",
}
"""Columns in minor units, with what stands above them; other amounts are sums of unrounded charges."""

_HEADS = {**_BILLED, "billing_mode": "mode"}


class Display(Silent):
    """A line a stage: its name, records done, records a second, time taken. Silent where nobody looks."""

    def __init__(self, console: Console):
        self._console = console
        self._bar = Bar(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<28}"),
            TextColumn("{task.fields[count]:>20}"),
            TextColumn("{task.fields[rate]:>14}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task: Any = None
        self._started = 0.0
        self._done = 0

    def stage(self, name: str) -> None:
        """Ends the line of the stage before, and begins the next."""
        self.end_stage()
        self._task = self._bar.add_task(name, total=None, count="", rate="")
        self._started, self._done = time.monotonic(), 0

    def advance(self, records: int) -> None:
        """Counts on."""
        if self._task is not None:
            self._done += records
            seconds = max(time.monotonic() - self._started, 1e-3)
            rate = f"{self._done / seconds:,.0f}/s" if self._done >= MEASURED_RECORDS else ""
            self._bar.update(self._task, advance=records, count=f"{self._done:,} records", rate=rate)

    def warn(self, sentence: str) -> None:
        """A sentence on standard error, terminal or not."""
        self._console.print(f"callbill: {sentence}", markup=False, highlight=False, soft_wrap=True)

    def end_stage(self) -> None:
        """Marks the stage at hand as done."""
        if self._task is not None:
            self._bar.update(self._task, total=max(self._done, 1), completed=max(self._done, 1))
            self._bar.update(self._task, completed=self._done, total=self._done)
            self._bar.stop_task(self._task)

    def __enter__(self) -> Display:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


@contextmanager
def progress_display() -> Iterator[Progress]:
    """Progress on standard error for the length of the block."""
    # What is standard error now: within the block others may be kept from writing there.
    with Display(Console(file=sys.stderr)) as display:
        yield display
        display.end_stage()


def show_outcome(outcome: dict[str, Any]) -> None:
    """Prints the outcome of a run for a person."""
    console = Console()
    console.width = max(console.width, NARROWEST)
    files = outcome["files"]
    console.print(
        f"\n[bold]{outcome['month']}[/bold]: {files['records']:,} records in {files['files']} files, "
        f"{files['duplicates']:,} duplicates; {outcome['controls']['passed']} controls passed"
    )
    _table(console, "Usage", ("service", "direction", "events", "charges", "currency"), outcome["usage"])
    _table(console, "Number fees", ("numbers", "amount", "currency"), outcome["number_fees"])
    columns = ("billing_mode", "bills", "net_amount", "vat_amount", "paid_from_balance", "total_owed", "currency")
    _table(console, "Bills", columns, outcome["bills"])
    _table(console, "Open suspense (billed once it is mended)", ("reason", "open"), outcome["suspense"])
    console.print(f"{outcome['receipts']:,} receipts; {outcome['accounts_below_zero']} accounts below zero")
    if outcome["before_first_month"]:
        count, first = outcome["before_first_month"], outcome["first_month"]
        records = f"{count:,} record{'s' if count > 1 else ''}"
        console.print(f"{records} of before [billing] first_month, {first}: never billed", markup=False)
    if outcome["months_waiting"]:
        console.print(f"Months with usage to run: {', '.join(outcome['months_waiting'])}")
    console.print(f"Published: {outcome['published']}", soft_wrap=True, highlight=False)


_AMOUNTS = ("old", "new", "difference")
MOST_ACCOUNTS = 20
"""Accounts that a simulation names in the terminal; `--json` has them all."""


def show_simulation(result: dict[str, Any]) -> None:
    """Prints a simulation for a person."""
    console = Console()
    console.width = max(console.width, NARROWEST)
    console.print(f"\n[bold]{result['month']}[/bold] under {result['price_tables']}", soft_wrap=True, highlight=False)
    _table(console, "Totals, net", (*_AMOUNTS, "currency"), result["totals"])
    columns = ("kind", "direction", "country", *_AMOUNTS, "currency")
    _table(console, "By service and country", columns, [row for row in result["services"] if row["difference"]])
    more = result["above"]
    title = f"{len(more):,} accounts would pay more than {result['above_percent']} % more"
    if more:
        _table(console, title, ("account_id", *_AMOUNTS, "currency"), more[:MOST_ACCOUNTS])
    else:
        console.print(f"\nNo account would pay more than {result['above_percent']} % more")
    for row in result["unpriced"]:
        console.print(f"{row['legs']:,} legs would go into suspense: {row['reason']}")
    if result["fees_unpriced"]:
        console.print(f"{result['fees_unpriced']:,} numbers would have no monthly fee")


def _table(console: Console, title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        justify: Literal["left", "right"] = "left" if isinstance(rows[0][column], str) else "right"
        table.add_column(_HEADS.get(column, column), justify=justify, no_wrap=True)
    for row in rows:
        table.add_row(*(_shown(column, row) for column in columns))
    console.print(f"\n[bold]{title}[/bold]")
    console.print(table)


def _shown(column: str, row: dict[str, Any]) -> str:
    value = row[column]
    if column in _BILLED:
        return f"{value:,.{minor_units()[row['currency']]}f}"
    return (value or "") if isinstance(value, str | None) else f"{value:,}"


def show_where_to_look(installation: Installation, month: str) -> None:
    """Says what to do with the example."""
    home = installation.home
    query = f"import duckdb; duckdb.connect('{installation.published}', read_only=True).sql('FROM bills').show()"
    Console().print(
        f"""
Where to look next
  a bill, explained      ./do explain --home {home} {month}:A0001
  its tables             .venv/bin/python -c "{query}"
  what is suspended      SELECT reason, detail, count(*) FROM suspense GROUP BY ALL
  Dagster's web UI       ./do ui --home {home}
  your own month         docs/how-to/month-end.md""",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
