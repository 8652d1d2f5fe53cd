"""The stages of a month end in their order. Assets, tests, benchmarks and rebuilding go over this list; nobody has another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.stages import balance, bill, books, control, load, publish, rate
from pipelines.storage import catalogue
from pipelines.storage.session import RATED_FROM, Session
from transforms.tables import billing, usage
from transforms.tables.base import Table
from transforms.tables.control import Controls


@dataclass(frozen=True)
class Stage:
    """One stage: one transaction, or one for each file.

    `run` takes a session and the month as 2026-10 and returns the stage's facts, that of controls what they measured.
    `makes`: its tables by name. `inputs`: the tables that must be made before. `group` and `kinds` are for those who look
    at the graph.
    """

    name: str
    says: str
    run: Callable[[Session, str], Any]
    group: str
    makes: Mapping[str, type[Table]] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset({"duckdb", "polars"})


_MONTH_FILES = frozenset({"parquet", "polars"})
_FEES = ("accounts", "numbers", "price_lists", "number_fee_prices")
_INPUTS = {name: table for name, table in catalogue.WAREHOUSE.items() if name in load.INPUT_TABLES}

# Each function is looked up when its stage runs, so that a test can put another in its place.
MONTH_END = (
    Stage(
        "reference_and_prices",
        "Reads the reference files and price tables together, so that they are held against each other before anything is "
        "written.",
        lambda session, month: load.load_reference_and_prices(session, month),
        group="prices",
        makes=_INPUTS,
        kinds=frozenset({"csv", "duckdb"}),
    ),
    Stage(
        "usage_records",
        "Loads the files of the inbox that are new; each once per content, wholly or not at all.",
        lambda session, _: load.load_usage(session),
        group="usage",
        makes={"usage_records": usage.UsageRecords},
        # Usage needs no accounts; but a reference or price file that is broken stops a run before anything is loaded.
        inputs=("accounts",),
    ),
    Stage(
        "duplicates",
        "Compares the new records with all that came before.",
        lambda session, _: load.compare_records(session),
        group="usage",
        makes={"duplicates": usage.Duplicates},
        inputs=("usage_records",),
    ),
    Stage(
        "rated_usage",
        "Every leg of the month with its charge; what has none goes into suspense.",
        lambda session, month: rate.rate_month(session, month),
        group="rating",
        makes={"rated_usage": usage.RatedUsage},
        inputs=("duplicates", *RATED_FROM),
        kinds=_MONTH_FILES,
    ),
    Stage(
        "number_fees",
        "The month's fees of numbers.",
        lambda session, month: bill.charge_numbers(session, month),
        group="billing",
        makes={"number_fees": billing.NumberFees},
        inputs=("rated_usage", *_FEES),
        kinds=_MONTH_FILES,
    ),
    Stage(
        "bill_lines",
        "The lines of the month's bills.",
        lambda session, month: bill.make_lines(session, month),
        group="billing",
        makes={"bill_lines": billing.BillLines},
        inputs=("rated_usage", "number_fees"),
        kinds=_MONTH_FILES,
    ),
    Stage(
        "bills",
        "The month's draft bills.",
        lambda session, month: bill.make_bills(session, month),
        group="billing",
        makes={"bills": billing.Bills},
        inputs=("bill_lines", "accounts", "vat_rates"),
        kinds=_MONTH_FILES,
    ),
    Stage(
        "receipts",
        "A receipt for every top-up that has none yet.",
        lambda session, _: balance.make_receipts(session),
        group="ledger",
        makes={"receipts": billing.Receipts},
        inputs=("bills", "credits", "vat_rates"),
    ),
    Stage(
        "ledger",
        "Credits and bills with the balance after each.",
        lambda session, month: balance.make_ledger(session, month),
        group="ledger",
        makes={"ledger": billing.Ledger},
        inputs=("bills", "credits", "receipts"),
    ),
    Stage(
        "books",
        "What is owed and the journal, made together from what is issued, posted and paid.",
        lambda session, _: books.make_books(session),
        group="ledger",
        makes=catalogue.BOOKS,
        inputs=("bills", "ledger", "receipts", "payments"),
    ),
    Stage(
        "controls",
        "Measures every control; one that fails blocks the publication.",
        lambda session, month: control.control_month(session, month),
        group="control",
        makes={"controls": Controls},
        inputs=("ledger", *catalogue.BOOKS),
        kinds=frozenset({"duckdb"}),
    ),
    Stage(
        "published",
        "HOME/published/billing.duckdb: what analysts open, replaced at once.",
        lambda session, month: publish.publish(session, month),
        group="published",
        inputs=("controls",),
        kinds=frozenset({"duckdb", "parquet"}),
    ),
)

DRAFTS = tuple(stage for stage in MONTH_END if stage.group in ("rating", "billing"))
"""Those that make the month's drafts from what is loaded."""
