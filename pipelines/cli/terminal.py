"""What a person sees in the terminal: progress on standard error, the outcome on standard output."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipelines.reference.tariff import in_words
from pipelines.registries import minor_units
from pipelines.settings import REPOSITORY, Installation
from pipelines.storage.session import Progress, Silent

if TYPE_CHECKING:
    from pipelines.operations.issue import ComingIssue

MEASURED_RECORDS = 1_000
"""So many records make a rate worth showing."""

NARROWEST = 100
"""Columns that the tables of an outcome need; a narrower terminal wraps lines, and no figure is cut."""

_BILLED = {
    "net_amount": "net",
    "vat_amount": "VAT",
    "paid_from_balance": "from balance",
    "total_owed": "owed",
    "billed": "billed",
    "old": "old",
    "new": "new",
    "difference": "difference",
    "open_amount": "open",
    "payment": "paid",
    "balance": "balance",
    "moved": "amount",
    "balance_after": "balance",
    "not_due": "not due",
    "days_1_30": "1-30",
    "days_31_60": "31-60",
    "days_61_90": "61-90",
    "days_over_90": "over 90",
    "total": "total",
}
"""Columns in minor units, with what stands above them; other amounts are sums of unrounded charges."""

_HEADS = {**_BILLED, "billing_mode": "mode", "days_overdue": "days"}


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
    console = _console()
    files = outcome["files"]
    console.print(
        f"\n[bold]{outcome['month']}[/bold]: {files['records']:,} records in {files['files']} files, "
        f"{files['duplicates']:,} duplicates; {outcome['controls']['passed']} controls passed"
    )
    for row in outcome["reported"]:
        console.print(
            f"{row['control']} {row['found']:,}: {row['findings']}", markup=False, highlight=False, soft_wrap=True
        )
    _table(console, "Usage", ("service", "direction", "events", "charges", "currency"), outcome["usage"])
    _table(console, "Number fees", ("numbers", "amount", "currency"), outcome["number_fees"])
    _table(console, "Bills", _BILLS, outcome["bills"])
    _table(console, "Open suspense (billed once it is mended)", ("reason", "open"), outcome["suspense"])
    console.print(f"{outcome['receipts']:,} receipts; {outcome['accounts_below_zero']} accounts below zero")
    if outcome["before_first_month"]:
        count, first = outcome["before_first_month"], outcome["first_month"]
        records = f"{count:,} record{'s' if count > 1 else ''}"
        console.print(f"{records} of before [billing] first_month, {first}: never billed", markup=False)
    if outcome["months_waiting"]:
        console.print(f"Months with usage to run: {', '.join(outcome['months_waiting'])}")
    print_tariff(outcome["tariff"])
    console.print(f"Published: {outcome['published']}", soft_wrap=True, highlight=False)


_BILLS = ("billing_mode", "bills", "net_amount", "vat_amount", "paid_from_balance", "total_owed", "currency")


def show_coming(coming: ComingIssue) -> None:
    """Prints on standard error, for the person who is asked, what an issue would do."""
    console = _console(stderr=True)
    _table(console, f"{coming.month}: bills to be issued", _BILLS, coming.bills)
    for row in coming.parked:
        console.print(f"held back: {row['account_id']}: {row['reason']}", markup=False, soft_wrap=True, highlight=False)
    _print_tariff(console, coming.tariff)


def print_tariff(tariff: dict[str, str]) -> None:
    """Prints by which tariff: its folder, and the beginning of its SHA-256."""
    _print_tariff(_console(), tariff)


def _print_tariff(console: Console, tariff: dict[str, str]) -> None:
    console.print(f"Tariff: {in_words(tariff)}", markup=False, soft_wrap=True, highlight=False)


_AMOUNTS = ("old", "new", "difference")
ACCOUNTS_MAX = 20
"""Accounts that a simulation names in the terminal; `--json` has them all."""


def show_simulation(result: dict[str, Any]) -> None:
    """Prints a simulation for a person."""
    console = _console()
    console.print(f"\n[bold]{result['month']}[/bold] under {result['price_tables']}", soft_wrap=True, highlight=False)
    _table(console, "Totals, net", (*_AMOUNTS, "currency"), result["totals"])
    columns = ("kind", "direction", "country", *_AMOUNTS, "currency")
    _table(console, "By service and country", columns, [row for row in result["services"] if row["difference"]])
    more = result["above"]
    title = f"{len(more):,} accounts would pay more than {result['above_percent']} % more"
    if more:
        _table(console, title, ("account_id", *_AMOUNTS, "currency"), more[:ACCOUNTS_MAX])
    else:
        console.print(f"\nNo account would pay more than {result['above_percent']} % more")
    for row in result["unpriced"]:
        console.print(f"{row['legs']:,} legs would go into suspense: {row['reason']}")
    if result["fees_unpriced"]:
        console.print(f"{result['fees_unpriced']:,} numbers would have no monthly fee")


def show_correction(result: dict[str, Any]) -> None:
    """Prints for a person what a correction found, and the notes that it made."""
    console = _console()
    accounts = result["accounts"]
    if not accounts:
        console.print(f"{result['month']}: every bill, with its notes, is what it would be today", highlight=False)
    columns = ("account_id", "bill_number", "billed", "difference", "currency")
    title = f"{result['month']}: {len(accounts):,} accounts differ, net"
    _table(console, title, columns, accounts[:ACCOUNTS_MAX])
    for reason, count in result["lost"].items():
        console.print(f"billed, and {reason} today: {count:,}", markup=False, highlight=False)
    notes = result.get("notes", [])
    of_notes = ("note_number", "account_id", "bill_number", "net_amount", "vat_amount", "total_owed", "currency")
    _table(console, f"{len(notes):,} notes issued", of_notes, notes[:ACCOUNTS_MAX])
    if accounts and "notes" not in result:
        console.print(
            f"\nNothing was changed; callbill correct {result['month']} --issue issues credit and debit notes"
        )


_BOOK_TITLES = {"receivables": "Owed", "ledger": "Balance"}


def show_statement(result: dict[str, Any]) -> None:
    """Prints a statement of account for a person."""
    console = _console()
    console.print(f"\n[bold]{escape(result['account_id'])}[/bold], {result['billing_mode']}")
    for book in result["books"]:
        currency = book["currency"]
        rows = [
            {"posted_at": "", "kind": "opening balance", "balance_after": book["opening_balance"]},
            *({**entry, "posted_at": f"{entry['posted_at']:%Y-%m-%d %H:%M}"} for entry in book["entries"]),
            {"posted_at": "", "kind": "closing balance", "balance_after": book["closing_balance"]},
        ]
        columns = ("posted_at", "kind", "reference", "document", "moved", "balance_after", "currency")
        filled = [
            {**dict.fromkeys(columns, ""), **row, "moved": row.get("amount"), "currency": currency} for row in rows
        ]
        _table(console, f"{_BOOK_TITLES[book['book']]} ({book['book']}, times in UTC)", columns, filled)


def show_overdue(result: dict[str, Any]) -> None:
    """Prints what is owed by age for a person: totals, the accounts that owe most, unallocated payments, and who is
    below zero."""
    console = _console()
    ages = ("not_due", "days_1_30", "days_31_60", "days_61_90", "days_over_90", "total")
    console.print(f"\nOn [bold]{result['on']}[/bold], by days since it was due")
    _table(console, "Owed", (*ages, "currency"), result["totals"])
    _table(console, "By account", ("account_id", *ages, "currency"), result["accounts"])
    late = [{**row, "due_on": str(row["due_on"])} for row in result["items"] if row["days_overdue"]]
    _table(console, "Overdue", ("account_id", "document", "due_on", "days_overdue", "open_amount", "currency"), late)
    paid = [{**row, "payment": row["amount"]} for row in result["unallocated"]]
    _table(console, "Payments that match no document", ("account_id", "payment_id", "payment", "currency"), paid)
    _table(console, "Accounts below zero", ("account_id", "balance", "currency"), result["below_zero"])
    if not any(result[name] for name in ("totals", "unallocated", "below_zero")):
        console.print("\nNothing is open, and no account is below zero")


def show_suspense(result: dict[str, Any]) -> None:
    """Prints open suspense by reason for a person, and the records where they were asked for."""
    console = _console()
    if not result["open"]:
        console.print("nothing is in open suspense")
        return
    rows = [
        {
            **row,
            "oldest": f"{row['oldest_days']} days",
            "newest": f"{row['newest_days']} days",
            "at risk, estimated": ", ".join(f"{amount} {currency}" for currency, amount in row["at_risk"].items())
            or "-",
        }
        for row in result["reasons"]
    ]
    columns = ("reason", "records", "oldest", "newest", "at risk, estimated")
    _table(console, f"{result['open']:,} in open suspense, as last published", columns, rows)
    if without := sum(row["no_estimate"] for row in result["reasons"]):
        console.print(
            f"{without:,} of them without an estimate: nothing like them was charged, or nothing is known of them"
        )
    for row in result.get("records", []):
        line = f", line {row['line']}" if row["line"] else ""
        leg = "" if row["leg"] == "main" else f", {row['leg']} leg"
        money = f", about {row['at_risk']} {row['currency']}" if row["at_risk"] is not None else ""
        whose = f", {row['account_id']}" if row["account_id"] else ""
        console.print(
            f"{row['path']}:{row['record_number']}{line}{leg}{whose}{money}\n  {row['reason']}: {row['detail']}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


NAME_MAX = 16


def show_sniffed(result: dict[str, Any]) -> None:
    """Prints for a person what a file is, and its first records as usage."""
    console = _console()

    def say(sentence: str) -> None:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    say(f"{result['file']}: {result['format']}" + (", read as that" if result["asked"] else ""))
    if result["also_possible"]:
        say(f"also possible: {', '.join(result['also_possible'])}; the folder that it is put into decides")
    what = f"the first {result['records']:,}" if result["beginning_only"] else f"all {result['records']:,}"
    say(
        f"{what} records: {result['usage']:,} usage, {result['refused']:,} refused, {result['unbillable']:,} no usage, "
        f"{result['incomplete']:,} of events whose other records are not here"
    )
    for row in result["reasons"]:
        say(f"  {row['records']:,} {row['reason']}: {row['detail']}")
    columns = ("record", "service", "direction", "from", "to", "started", "quantity", "status", "name")
    # A long name would take the place of what is to be looked at.
    rows = [
        {**row, "name": row["name"] if len(row["name"]) <= NAME_MAX else f"{row['name'][:NAME_MAX]}…"}
        for row in result["shown"]
    ]
    _table(console, f"The first {len(rows):,} as usage", columns, rows)
    if result["problem"]:
        say(f"no record of it is read: {result['problem']}")
    else:
        say(f"put it into {result['put_into']}")


def show_outbox(rows: Sequence[dict[str, Any]]) -> None:
    """Prints e-mails of the outbox for a person, what the server said last on a line of its own."""
    console = _console()
    if not rows:
        console.print("no e-mails")
    for row in rows:
        again = row["next_attempt_at"]
        until = f", again from {again:%Y-%m-%d %H:%M} UTC" if again else ""
        tried = f"{row['attempts']} attempt{'' if row['attempts'] == 1 else 's'}{until}"
        line = f"{row['document']}  {row['account_id']}  {row['recipient'] or '-'}  {row['state']}  {tried}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
        if row["said"]:
            console.print(f"  {row['said']}", markup=False, highlight=False, soft_wrap=True)


def print_journal(lines: Sequence[dict[str, Any]]) -> None:
    """Prints lines of the journal as CSV, amounts in the minor unit of their currency."""
    columns = ("billing_month", "document", "currency", "account", "debit", "credit")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for line in lines:
        digits = minor_units()[line["currency"]]
        writer.writerow(f"{line[name]:.{digits}f}" if name in ("debit", "credit") else line[name] for name in columns)


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr)
    console.width = max(console.width, NARROWEST)
    return console


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
    if column in _BILLED and value is not None:
        return f"{value:,.{minor_units()[row['currency']]}f}"
    return escape(value or "") if isinstance(value, str | None) else f"{value:,}"


def show_where_to_look(installation: Installation, month: str) -> None:
    """Says what to do with the example, by the commands of a checkout or of what was installed."""
    checkout = (REPOSITORY / "do").is_file()
    command, python = ("./do", ".venv/bin/python") if checkout else ("callbill", sys.executable)
    pages = "" if checkout else " of callbill's sources"
    home = installation.home
    folder = installation.documents / month
    query = f"import duckdb; duckdb.connect('{installation.published}', read_only=True).sql('FROM bills').show()"
    Console().print(
        f"""
Where to look next
  a prepaid bill         {folder}/bills/2026-000001.pdf
  a postpaid bill        {folder}/bills/2026-000003.pdf
  a receipt of a top-up  {folder}/receipts/R-2026-000001.pdf
  every document         {folder}/manifest.csv
  a bill, explained      {command} explain --home {home} {month}:A0001
  its tables             {python} -c "{query}"
  what is suspended      SELECT reason, detail, count(*) FROM suspense GROUP BY ALL
  Dagster's web UI       {command} ui --home {home}
  your own month         docs/how-to/month-end.md{pages}""",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
