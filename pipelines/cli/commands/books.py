"""The commands that read the books: statement, overdue, journal."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from pipelines.cli.options import HOME, JSON, PRICES, find_installation, print_json


@click.command()
@click.argument("account")
@click.option("--from", "from_month", metavar="MONTH", help="First month, as 2026-01. Default: from the beginning.")
@click.option("--until", "until_month", metavar="MONTH", help="Last month. Default: up to now.")
@HOME
@PRICES
@JSON
def statement(
    account: str,
    from_month: str | None,
    until_month: str | None,
    home: Path | None,
    price_tables: Path | None,
    as_json: bool,
) -> None:
    """Show the statement of ACCOUNT: opening balance, entries, closing balance.

    Postpaid: issued bills, notes and payments, and what is owed after each. Prepaid: the ledger. As it is published.
    """
    from pipelines.cli.terminal import show_statement
    from pipelines.operations.statements import statement as of_account

    result = of_account(find_installation(home, price_tables), account, from_month, until_month)
    if as_json:
        print_json(result)
    else:
        show_statement(result)


@click.command()
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Day looked at. Default: today.")
@HOME
@PRICES
@JSON
def overdue(on: datetime | None, home: Path | None, price_tables: Path | None, as_json: bool) -> None:
    """Show what postpaid customers owe by age, unallocated payments, and prepaid accounts below zero.

    From what was issued and paid until the end of that day. As it is published.
    """
    from pipelines.cli.terminal import show_overdue
    from pipelines.operations.statements import overdue as open_by_age

    result = open_by_age(find_installation(home, price_tables), on.date() if on else None)
    if as_json:
        print_json(result)
    else:
        show_overdue(result)


@click.command()
@click.argument("month")
@HOME
@PRICES
@JSON
def journal(month: str, home: Path | None, price_tables: Path | None, as_json: bool) -> None:
    """Print the journal of the issued MONTH, month-end totals as double entry, as CSV.

    As it is published.
    """
    from pipelines.cli.terminal import print_journal
    from pipelines.operations.statements import month_journal

    lines = month_journal(find_installation(home, price_tables), month)
    if as_json:
        print_json({"month": month, "lines": lines})
    else:
        print_journal(lines)
