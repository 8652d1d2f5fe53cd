"""The command line. Messages for people go to standard error, results to standard output; see docs/commands.md."""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.commands import books, closing, documents, mail, mediation
from pipelines.cli.options import HOME, JSON, PRICES, WAIT, find_installation, print_json
from pipelines.errors import BadInput, CallbillError, Interrupted, describe, is_interruption
from pipelines.version import described

if TYPE_CHECKING:
    from pipelines.settings import Installation


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(described(), message="callbill %(version)s")
def cli() -> None:
    """Month-end billing of voice, SMS and phone numbers that anybody can check.

    A month of raw call detail records goes in, exact bills come out, and every cent can be followed back to a line
    of a file and a row of a price table.

    \b
    Try it:        callbill demo --home demo
    A month end:   callbill run 2026-10
    Why this much? callbill explain 2026-10:A0001        (a bill)
                   callbill explain 2026-10:A0001:3      (its third line)
                   callbill explain standard:voice:c-17  (a record)
    Close it:      callbill issue 2026-10
    Bills as PDF:  callbill documents 2026-10
    Still so?      callbill verify 2026-10
    Was it wrong?  callbill correct 2026-10
    E-mail it:     callbill send
    What waits?    callbill suspense
    What is this?  callbill sniff FILE

    Exit status: 0 done and every control passed; 1 a control failed and nothing was published; 2 a wrong call, or
    unusable settings, reference or price files; 3 another run holds the warehouse.
    """


@cli.command()
@HOME
@PRICES
@WAIT
@JSON
def demo(home: Path | None, price_tables: Path | None, wait: float | None, as_json: bool) -> None:
    """Make an example month of traffic, run its month end, issue its bills and say where to look.

    Writes 200 accounts and about 100,000 calls and messages of October 2026, always the same, into an empty home
    folder (default ./data), with a few broken and late records among them. Its bills are issued, and their documents
    made: PDFs, e-invoices, receipts, payment files.
    """
    from pipelines.cli.commands.documents import say_documents
    from pipelines.cli.terminal import progress_display, show_where_to_look
    from pipelines.example.month import write_example
    from pipelines.settings import EXAMPLE_TARIFF

    installation = find_installation(home, price_tables)
    tariff = installation.tariff or EXAMPLE_TARIFF
    mark = installation.home / ".example"
    if installation.home.exists() and any(installation.home.iterdir()) and not mark.exists():
        raise BadInput(f"{installation.home} is not empty: name an empty folder for the example with --home")
    installation.home.mkdir(parents=True, exist_ok=True)
    mark.touch()
    with progress_display() as progress:
        progress.stage("write the example month")
        write_example(installation.home, "2026-10", tariff=tariff)
    installation = find_installation(home, price_tables)
    _run(installation, "2026-10", wait, as_json)
    from pipelines.operations.issue import coming_issue, issue_bills
    from pipelines.operations.make_documents import make_documents

    with progress_display() as progress:
        coming = coming_issue(installation, "2026-10", progress, wait_seconds=wait)
        issue_bills(installation, coming, progress, wait_seconds=wait)
        made = make_documents(installation, "2026-10", progress, wait_seconds=wait)
    if not as_json:
        click.echo(say_documents(made))
        show_where_to_look(installation, "2026-10")


@cli.command()
@click.argument("month")
@HOME
@PRICES
@WAIT
@JSON
def run(month: str, home: Path | None, price_tables: Path | None, wait: float | None, as_json: bool) -> None:
    """Run the month end of MONTH (as 2026-10): load, rate, bill, control, publish.

    Loads what is new in HOME/inbox and the reference files, rates the month's usage, builds its draft bills, holds
    the controls against them and publishes HOME/published/billing.duckdb. Running it again changes nothing.
    """
    _run(find_installation(home, price_tables), month, wait, as_json)


def _run(installation: Installation, month: str, wait: float | None, as_json: bool) -> None:
    from pipelines.cli.terminal import progress_display, show_outcome

    with progress_display() as progress:
        from pipelines.operations.run import run_month

        outcome = run_month(installation, month, progress, wait_seconds=wait)
    if as_json:
        print_json(outcome)
    else:
        show_outcome(outcome)


@cli.command()
@HOME
@PRICES
@JSON
def check(home: Path | None, price_tables: Path | None, as_json: bool) -> None:
    """Read the price tables and reference files and report what is wrong with them.

    Notes what looks wrong as well: prices that stand out, prefixes that decide nothing, and published traffic of the
    last months that would have no price. Writes nothing. Exit status 2 where something would stop a run.
    """
    from pipelines.cli.terminal import print_tariff
    from pipelines.operations.check import check_inputs

    report = check_inputs(find_installation(home, price_tables))
    if as_json:
        print_json(report)
    else:
        print_tariff(report["tariff"])
        for name, rows in report["rows"].items():
            click.echo(f"{name:<20} {rows:>9,} rows")
        for sentence in report["warnings"]:
            click.echo(f"note: {sentence}")
        notes = len(report["warnings"])
        click.echo(
            f"every file can be read; look at the notes ({notes})" if notes else "everything a run needs is sound"
        )


@cli.command()
@click.argument("identifier", metavar="ID")
@HOME
@PRICES
@JSON
def explain(identifier: str, home: Path | None, price_tables: Path | None, as_json: bool) -> None:
    """Show how ID came about, step by step, down to the raw record and the price row.

    \b
    ID is one of
      a record      its record_id, or its usage_id: standard:voice:c-17
      a bill        MONTH:ACCOUNT          2026-10:A0001
      a bill line   MONTH:ACCOUNT:LINE     2026-10:A0001:3
      a note        its number             CN-2026-000001
      a receipt     its number             R-2026-000001   (or the credit_id)
    """
    from pipelines.explain import explain as explanation

    found = explanation(find_installation(home, price_tables), identifier)
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(found["text"]))


@cli.command()
@HOME
@PRICES
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port on loopback.")
def ui(home: Path | None, price_tables: Path | None, port: int) -> None:
    """Start Dagster's web UI on 127.0.0.1, over the same assets: schedules, backfills, checks, run history."""
    from pipelines.operations.ui import serve_ui
    from pipelines.orchestration.serving import require_free

    installation = find_installation(home, price_tables)
    # Runs that are started there need it; here a person sees what is missing.
    _ = installation.price_tables
    require_free(port)
    click.echo(f"callbill's assets on http://127.0.0.1:{port} (end with Ctrl-C)", err=True)
    serve_ui(installation, port)


for _command in (
    closing.issue,
    closing.park,
    closing.release,
    documents.documents,
    closing.correct,
    closing.verify,
    closing.rebuild,
    closing.simulate,
    books.statement,
    books.overdue,
    books.journal,
    mail.send,
    mail.outbox,
    mail.resend,
    mediation.sniff,
    mediation.suspense,
    mediation.recycle,
    mediation.write_off,
):
    cli.add_command(_command)


def main() -> None:
    """The command `callbill`. Errors are sentences on standard error, with the exit status of the contract."""
    sys.unraisablehook = _again
    sys.exit(guarded(lambda: cli.main(standalone_mode=False)))


def _interrupted() -> int:
    error = Interrupted()
    click.echo(f"callbill: {error}", err=True)
    return error.exit_status


def _again(unraisable: Any) -> None:
    """A Ctrl-C that struck where Python cannot raise anything (while it tidies up) is sent once more, not lost."""
    if is_interruption(unraisable.exc_value):
        # Later, by a thread: sent from within this hook it would strike here and be lost as well.
        threading.Timer(0.05, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(unraisable)


def guarded(call: Callable[[], Any]) -> int:
    """Runs `call`; returns the exit status, and says on standard error what went wrong."""
    try:
        result = call()
    except CallbillError as error:
        for sentence in str(error).splitlines():
            click.echo(f"callbill: {sentence}", err=True)
        return error.exit_status
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.exceptions.Abort):
        return _interrupted()
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"callbill: {where}{error.strerror or error}", err=True)
        return 2
    except Exception as error:  # noqa: BLE001
        # Whatever it is, a person is told in a sentence.
        if is_interruption(error):
            return _interrupted()
        click.echo(f"callbill: {describe(error)}", err=True)
        return 2
    return result if isinstance(result, int) else 0
