"""The command that makes what customers and banks receive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipelines.cli.options import HOME, JSON, PRICES, WAIT, find_installation, print_json

_KINDS = {
    "bill": ("bill", "bills"),
    "credit_note": ("credit note", "credit notes"),
    "debit_note": ("debit note", "debit notes"),
    "receipt": ("receipt", "receipts"),
    "direct_debits": ("direct debit file", "direct debit files"),
    "open_items": ("list of open items", "lists of open items"),
}
"""One and several of each kind."""


@click.command()
@click.argument("month")
@HOME
@PRICES
@WAIT
@JSON
def documents(month: str, home: Path | None, price_tables: Path | None, wait: float | None, as_json: bool) -> None:
    """Make the documents of the issued MONTH: bills, notes and receipts, and its payment files.

    Bills, notes and receipts as PDF with the e-invoice inside, the e-invoice as UBL, all records as CSV; the direct
    debits as pain.008, what is paid otherwise as CSV. Each is made once; a run that was killed goes on where it
    stopped. Exit status 1 where some cannot be made: all others are. A document that no e-invoice can tell is made
    without one, and named.
    """
    from pipelines.cli.terminal import progress_display
    from pipelines.operations.make_documents import make_documents

    with progress_display() as progress:
        result = make_documents(find_installation(home, price_tables), month, progress, wait_seconds=wait)
    if as_json:
        print_json(result)
        return
    click.echo(say_documents(result))


def say_documents(result: dict[str, Any]) -> str:
    """How many documents of each kind there are, and where."""
    made = [f"{result[kind]:,} {words[result[kind] > 1]}" for kind, words in _KINDS.items() if result.get(kind)]
    bare = result["without_e_invoice"]
    told = f"; {bare:,} without an e-invoice" if bare else ""
    return f"{result['month']}: {', '.join(made)}{told}; {result['bytes'] // 1_000_000:,} MB in {result['folder']}"
