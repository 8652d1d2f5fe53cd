"""The options that commands share, and how a command prints JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pipelines.settings import Installation

HOME = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the installation. Default: $CALLBILL_HOME, else ./data.",
)
PRICES = click.option(
    "--price-tables",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the price tables. Default: $CALLBILL_PRICE_TABLES, else [prices] folder of callbill.toml.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
WAIT = click.option(
    "--wait",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long to wait for a run that holds the warehouse. Default: [run] lock_wait_seconds, 60.",
)


def find_installation(home: Path | None, price_tables: Path | None) -> Installation:
    """The installation that the options name. Raises BadInput where its settings cannot be used."""
    # Here and not above: to print a help needs none of what settings need.
    from pipelines.settings import Installation

    return Installation.find(home, price_tables)


def print_json(result: Any) -> None:
    """Prints a result for programs: amounts and moments as text."""
    click.echo(json.dumps(result, indent=2, default=str, ensure_ascii=False))
