"""The commands of records on their way to a bill: sniff, suspense, recycle, write-off."""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.cli.commands.closing import BY
from pipelines.cli.options import HOME, JSON, PRICES, WAIT, find_installation, print_json
from transforms.tables.vocabulary import REASONS

MONTH_OF = click.option("--month", metavar="MONTH", help="Only records of that month of usage.")
ACCOUNT = click.option("--account", metavar="ACCOUNT", help="Only records of that account.")
WHY = click.option("--reason", type=click.Choice(REASONS), metavar="REASON", help="Only records that wait for it.")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "form", metavar="FORMAT", help="Read it as that format, whatever it looks like.")
@click.option(
    "--records", type=click.IntRange(min=0), default=10, show_default=True, help="Show so many records as usage."
)
@click.option("--show-numbers", is_flag=True, help="Show telephone numbers whole.")
@HOME
@PRICES
@JSON
def sniff(
    file: Path,
    form: str | None,
    records: int,
    show_numbers: bool,
    home: Path | None,
    price_tables: Path | None,
    as_json: bool,
) -> None:
    """Name the format of FILE and show its first records as usage.

    Reads it as each format would that might be its own, with the settings of HOME, and says where to put it. Of a large
    file only the beginning is read. Writes nothing. Exit status 2 where it has no format that callbill knows.
    """
    from pipelines.cli.terminal import show_sniffed
    from pipelines.operations.sniff import sniff_file

    result = sniff_file(find_installation(home, price_tables), file, form, records, show_numbers=show_numbers)
    if as_json:
        print_json(result)
    else:
        show_sniffed(result)


@click.command()
@MONTH_OF
@ACCOUNT
@WHY
@click.option("--records", "each", is_flag=True, help="Name each record, with its file and what is wrong with it.")
@HOME
@PRICES
@JSON
def suspense(
    month: str | None,
    account: str | None,
    reason: str | None,
    each: bool,
    home: Path | None,
    price_tables: Path | None,
    as_json: bool,
) -> None:
    """List what is in open suspense by reason: how many, how old, and how much money is at risk.

    The money is an estimate, in each currency by itself: what such legs cost on average on published bills. Reads what is
    published, and waits for no run.
    """
    from pipelines.cli.terminal import show_suspense
    from pipelines.operations.suspense import list_suspense

    result = list_suspense(find_installation(home, price_tables), month, account, reason, each=each)
    if as_json:
        print_json(result)
    else:
        show_suspense(result)


@click.command()
@click.option(
    "--source",
    metavar="FOLDER",
    help="Read all records of that folder of the inbox (as asterisk) again that stand on no issued bill.",
)
@HOME
@PRICES
@WAIT
@JSON
def recycle(
    source: str | None, home: Path | None, price_tables: Path | None, wait: float | None, as_json: bool
) -> None:
    """Put suspended records through again, with today's settings, accounts, numbers and prices.

    Records that could not be read are read again from their files; then every month is run again that has open suspense
    for want of an account, a destination or a price, or has other usage now. What stands on an issued bill stays as it
    is, and so does what is written off.
    """
    from pipelines.cli.terminal import progress_display
    from pipelines.operations.recycle import recycle_months

    with progress_display() as progress:
        result = recycle_months(find_installation(home, price_tables), progress, source=source, wait_seconds=wait)
    if as_json:
        print_json(result)
        return
    click.echo(f"{result['recycled']} of {result['open_before']} suspended records recycled")
    again = result["read_again"]
    if again["files"]:
        said = f"{again['mended']} of {again['refused_before']} refused records can be read now"
        click.echo(f"  {again['files']} files read again: {said}")
    for month in result["months"]:
        click.echo(f"  {month['month']}: {month['recycled']} recycled, {month['open']} still open")


@click.command("write-off")
@click.argument("names", metavar="[FILE:RECORD]...", nargs=-1)
@WHY
@MONTH_OF
@ACCOUNT
@click.option("--because", required=True, metavar="TEXT", help="Why, for the audit trail.")
@BY
@click.option("--undo", is_flag=True, help="Let records that are written off wait again.")
@HOME
@PRICES
@WAIT
@JSON
def write_off(
    names: tuple[str, ...],
    reason: str | None,
    month: str | None,
    account: str | None,
    because: str,
    by: str,
    undo: bool,
    home: Path | None,
    price_tables: Path | None,
    wait: float | None,
    as_json: bool,
) -> None:
    """Give suspended records up: they are not billed, also when a price for them comes.

    Named as FILE:RECORD (inbox/asterisk/Master.csv:17, or the beginning of the file's SHA-256 for its path), with
    :main or :forwarded for one leg alone; or chosen by --reason, --month and --account.
    """
    from pipelines.cli.terminal import progress_display
    from pipelines.operations.write_off import Chosen
    from pipelines.operations.write_off import write_off as close

    chosen = Chosen(names, reason, month, account)
    with progress_display() as progress:
        result = close(
            find_installation(home, price_tables), chosen, because, by, progress, undo=undo, wait_seconds=wait
        )
    if as_json:
        print_json(result)
        return
    count = result["reopened"] if undo else result["written_off"]
    click.echo(f"{count:,} records {'wait again' if undo else 'written off'}")
    if result["already"]:
        click.echo(f"  {result['already']:,} {'waited' if undo else 'were written off'} already")
    for row in result["by_reason"]:
        click.echo(f"  {row['reason']}: {row['records']:,}")
