"""The commands of the outbox: send, outbox, resend."""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.cli.commands.closing import BY, REASON
from pipelines.cli.options import HOME, JSON, PRICES, WAIT, find_installation, print_json
from transforms.tables.vocabulary import MAIL_STATES


@click.command()
@HOME
@PRICES
@WAIT
@JSON
def send(home: Path | None, price_tables: Path | None, wait: float | None, as_json: bool) -> None:
    """Send the e-mails about receipts, bills and notes that are due, each once.

    Over the server of [mail], with the password of $CALLBILL_MAIL_PASSWORD where [mail] username is set. Without
    [mail] host nothing is sent. What the server puts off is tried again later; what may have arrived is never sent
    again by itself.
    """
    from pipelines.cli.terminal import progress_display
    from pipelines.operations.outbox import send_outbox

    with progress_display() as progress:
        result = send_outbox(find_installation(home, price_tables), progress, wait_seconds=wait)
    if as_json:
        print_json(result)
        return
    counts = ", ".join(f"{result[state]:,} {words}" for state, words in _COUNTS.items())
    click.echo(f"{counts}; {result['left']:,} left to send")
    if result["waiting"]:
        click.echo(f"{result['waiting']:,} wait for their document")
    if result["stopped"]:
        click.echo(f"callbill: {result['stopped']}", err=True)
    if result["failed"] or result["unknown"]:
        click.echo("callbill outbox --state failed (or unknown) shows why; callbill resend NUMBER sends one again")


_COUNTS = {"sent": "sent", "retry": "to be tried again", "failed": "failed", "unknown": "unknown"}


@click.command()
@click.option("--state", type=click.Choice(MAIL_STATES), help="Only e-mails of this state.")
@HOME
@PRICES
@WAIT
@JSON
def outbox(state: str | None, home: Path | None, price_tables: Path | None, wait: float | None, as_json: bool) -> None:
    """List the e-mails about receipts, bills and notes: their state, attempts, and what the server said last.

    Recipients are masked.
    """
    from pipelines.cli.terminal import progress_display, show_outbox
    from pipelines.operations.outbox import list_outbox

    with progress_display() as progress:
        rows = list_outbox(find_installation(home, price_tables), progress, state, wait_seconds=wait)
    if as_json:
        print_json({"state": state, "emails": rows})
    else:
        show_outbox(rows)


@click.command()
@click.argument("numbers", metavar="NUMBER...", nargs=-1, required=True)
@click.option("--again", is_flag=True, help="Also where it was sent: the customer gets it twice.")
@REASON
@BY
@HOME
@PRICES
@WAIT
def resend(
    numbers: tuple[str, ...],
    again: bool,
    reason: str,
    by: str,
    home: Path | None,
    price_tables: Path | None,
    wait: float | None,
) -> None:
    """Let the e-mail about NUMBER (a receipt, bill or note) be sent once more, by the next callbill send.

    For one that failed, whose fate is unknown, or that waits to be tried again. It goes to the address that
    accounts.csv had when it was last loaded.
    """
    from pipelines.cli.terminal import progress_display
    from pipelines.operations.outbox import put_back

    with progress_display() as progress:
        installation = find_installation(home, price_tables)
        put_back(installation, numbers, reason, by, again=again, progress=progress, wait_seconds=wait)
    for number in numbers:
        click.echo(f"{number} is to be sent; callbill send sends it")
