"""The commands that close months, and look at what is closed: issue, park, release, correct, verify, rebuild, simulate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from pipelines.cli.options import HOME, JSON, PRICES, WAIT, find_installation, print_json
from pipelines.errors import BadInput

NEW_TARIFF = click.option(
    "--new-tariff", is_flag=True, help="Go on where prices are other than those that the month was billed by."
)


@click.command()
@click.argument("month")
@click.option("--yes", is_flag=True, help="Do not ask. Needed where standard input is no terminal.")
@click.option("--early", is_flag=True, help="Also where MONTH is not over. Needs --because.")
@click.option("--because", metavar="TEXT", help="Why it is issued early, for the audit trail.")
@NEW_TARIFF
@HOME
@PRICES
@WAIT
@JSON
def issue(
    month: str,
    yes: bool,
    early: bool,
    because: str | None,
    new_tariff: bool,
    home: Path | None,
    price_tables: Path | None,
    wait: float | None,
    as_json: bool,
) -> None:
    """Issue the bills of MONTH: number them and close the month.

    Shows how many bills, their totals and the tariff, and asks. Only when the month is over and every control of it
    passed. Bills out of the bounds of [issue] are parked with the reason; all others get the next numbers of the year's
    series, and from then on nothing of them changes. Again, it issues what was released since. With --new-tariff a
    month that was run by other prices is run again first.
    """
    from pipelines.cli.terminal import print_tariff, progress_display, show_coming
    from pipelines.operations.issue import coming_issue, issue_bills

    if early != bool((because or "").strip()):
        raise BadInput("--early and --because TEXT go together: an early issue is written into the audit trail")
    if not yes and not sys.stdin.isatty():
        raise BadInput("issue asks before it numbers bills, and nobody can answer here: add --yes")
    installation = find_installation(home, price_tables)
    with progress_display() as progress:
        coming = coming_issue(
            installation, month, progress, early=because or "", new_tariff=new_tariff, wait_seconds=wait
        )
    if coming.count and not yes:
        show_coming(coming)
        if not click.confirm(f"Issue {coming.count:,} bills and close {month}? This cannot be undone", err=True):
            raise BadInput(f"{month}: nothing was issued")
    with progress_display() as progress:
        result = issue_bills(installation, coming, progress, wait_seconds=wait)
    if as_json:
        print_json(result)
        return
    numbers = f", {result['first_number']} to {result['last_number']}" if result["issued"] else ""
    click.echo(f"{month}: {result['issued']:,} bills issued{numbers}; {len(result['parked'])} parked")
    for row in result["parked"]:
        click.echo(f"  {row['account_id']}: {row['reason']}")
    if result["parked"]:
        click.echo(f"look at them, then: callbill release {month} ACCOUNT --reason ... --by ..., and issue again")
    if result["issued"]:
        print_tariff(result["tariff"])


@click.command()
@click.argument("month")
@click.option("--issue", "with_notes", is_flag=True, help="Issue credit and debit notes for what differs.")
@click.option(
    "--reason",
    default="correction of charges",
    show_default=True,
    metavar="TEXT",
    help="What the notes give as their reason; customers read it.",
)
@NEW_TARIFF
@HOME
@PRICES
@WAIT
@JSON
def correct(
    month: str,
    with_notes: bool,
    reason: str,
    new_tariff: bool,
    home: Path | None,
    price_tables: Path | None,
    wait: float | None,
    as_json: bool,
) -> None:
    """Rate the issued MONTH with today's prices, numbers and accounts, and show what differs per account.

    Where prices are other than those that the month was issued by, it says how many, and needs --new-tariff. Changes
    nothing, unless --issue is given: then each account that differs gets a credit note or a debit note, which names its
    bill and has lines and VAT at the bill's rate. The bills stay as they were issued.
    """
    from pipelines.cli.terminal import progress_display, show_correction
    from pipelines.operations.correct import correct_bills

    with progress_display() as progress:
        result = correct_bills(
            find_installation(home, price_tables),
            month,
            progress,
            issue=with_notes,
            reason=reason,
            new_tariff=new_tariff,
            wait_seconds=wait,
        )
    if as_json:
        print_json(result)
    else:
        show_correction(result)


REASON = click.option("--reason", required=True, help="Why, for the audit trail.")
BY = click.option("--by", required=True, metavar="NAME", help="Who decided it.")


@click.command()
@click.argument("month")
@click.argument("account")
@REASON
@BY
@HOME
@PRICES
@WAIT
def park(
    month: str, account: str, reason: str, by: str, home: Path | None, price_tables: Path | None, wait: float | None
) -> None:
    """Hold the bill of ACCOUNT for MONTH back from being issued."""
    from pipelines.operations.park import park_bill

    park_bill(find_installation(home, price_tables), month, account, reason, by, wait_seconds=wait)
    click.echo(f"{month}:{account} is parked")


@click.command()
@click.argument("month")
@click.argument("account")
@REASON
@BY
@HOME
@PRICES
@WAIT
def release(
    month: str, account: str, reason: str, by: str, home: Path | None, price_tables: Path | None, wait: float | None
) -> None:
    """Let the bill of ACCOUNT for MONTH be issued, whatever the bounds say of it."""
    from pipelines.operations.park import release_bill

    release_bill(find_installation(home, price_tables), month, account, reason, by, wait_seconds=wait)
    click.echo(f"{month}:{account} is released; callbill issue {month} issues it")


@click.command()
@click.argument("month")
@HOME
@PRICES
@WAIT
@JSON
def verify(month: str, home: Path | None, price_tables: Path | None, wait: float | None, as_json: bool) -> None:
    """Recompute the hashes of the issued MONTH and compare them with HOME/issued/MONTH.json.

    Exit status 1 where anything is not as it was when it was issued.
    """
    from pipelines.operations.verify import verify_issued

    result = verify_issued(find_installation(home, price_tables), month, wait_seconds=wait)
    _findings(result, as_json, f"{month} is as it was issued")


@click.command()
@click.argument("month")
@HOME
@PRICES
@WAIT
@JSON
def rebuild(month: str, home: Path | None, price_tables: Path | None, wait: float | None, as_json: bool) -> None:
    """Make the issued MONTH once more and compare it with what was issued.

    From the raw files of the inbox, and from reference and price files and settings as they were when it was issued,
    which HOME/kept holds. Changes nothing. Exit status 1 where anything comes out otherwise.
    """
    from pipelines.cli.terminal import progress_display
    from pipelines.operations.rebuild import rebuild_issued

    with progress_display() as progress:
        result = rebuild_issued(find_installation(home, price_tables), month, progress, wait_seconds=wait)
    _findings(result, as_json, f"{month} comes out as it was issued")


def _findings(result: dict[str, Any], as_json: bool, sound: str) -> None:
    """Tells what a comparison with an issued month found, and exits with 1 where it found anything."""
    if as_json:
        print_json(result)
    for finding in result["findings"]:
        click.echo(f"callbill: {finding}", err=True)
    if not as_json and not result["findings"]:
        click.echo(f"{sound}: {result['documents']:,} documents, {result['rows']:,} rows in all its tables")
    if result["findings"]:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("month")
@HOME
@PRICES
@click.option(
    "--above",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="PERCENT",
    help="Name the accounts that would pay more than so much more.",
)
@JSON
def simulate(month: str, home: Path | None, price_tables: Path | None, above: int, as_json: bool) -> None:
    """Show MONTH, as it is published, under the prices of --price-tables DIR, beside the real one.

    Rates every leg of the month again with those prices and the reference files as they are, and compares the lines.
    Writes nothing and needs no lock; the month may be open or issued.
    """
    from pipelines.cli.terminal import progress_display, show_simulation
    from pipelines.operations.simulate import simulate_month

    with progress_display() as progress:
        result = simulate_month(find_installation(home, price_tables), month, above, progress)
    if as_json:
        print_json(result)
    else:
        show_simulation(result)
