"""Tables of the warehouse that nobody publishes: what was loaded, issued, read again and made, so that a run goes on from it.

Their columns are for the code alone and may change with any version; docs/data-dictionary.md shows them to those who look.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import pandera.polars as pa
import polars as pl

from transforms.tables.base import Amount, Instant, Table
from transforms.tables.billing import Ledger
from transforms.tables.books import Total
from transforms.tables.closing import Audit
from transforms.tables.control import Controls
from transforms.tables.vocabulary import LEGS, LINE_KINDS

Whole = Annotated[pl.Decimal, 38, 0]
"""A whole number that is larger than an Int64; HUGEINT in DuckDB."""

_FILE = "The file by its position in the order in which files were found."
_MONTH = "The billing month, as 2026-10."
_PART = "Which issue of the month, from 1; 0 is the draft."


class LoadedFiles(Table):
    """Raw usage files that were loaded, each once per content."""

    _key: ClassVar = ("file_number",)

    file_number: pl.Int32 = pa.Field(description=_FILE)
    file_id: str = pa.Field(description="SHA-256 of the content.")
    path: str = pa.Field(description="Path below the home folder when it was loaded.")
    format: str = pa.Field(description="Its usage format.")
    bytes: pl.Int64 = pa.Field(description="Size of the content.", metadata={"unit": "bytes"})
    records: pl.Int64 = pa.Field(description="Records in it.")
    unbillable: pl.Int64 = pa.Field(description="Well-formed records of it that report no usage.")
    loaded_at: Instant = pa.Field(description="When.")
    compared: pl.Boolean = pa.Field(description="Whether its records were compared with all others.")
    source: str = pa.Field(nullable=True, description="Its source as it was then: the settings, as JSON.")
    grown_from: pl.Int32 = pa.Field(nullable=True, description="The file of which it is the longer version.")
    settled: pl.Int64 = pa.Field(
        nullable=True, description="Bytes of whole records: from there a longer version goes on."
    )
    lines: pl.Int64 = pa.Field(nullable=True, description="Lines, counted on the bytes.")
    lines_read: pl.Int64 = pa.Field(nullable=True, description="Lines that its reader accounts for.")
    totalled: pl.Boolean = pa.Field(nullable=True, description="Whether its totals were kept from the start.")
    packed: pl.Boolean = pa.Field(nullable=True, description="Whether it is loaded content that was compressed since.")


class ValidVatNumbers(Table):
    """Accounts whose VAT number was valid when accounts were last loaded."""

    _key: ClassVar = ("account_id",)

    account_id: str = pa.Field(description="The account.")


class SeenPaths(Table):
    """Files of the inbox by path, size and moment of their last change: those are not read again."""

    _key: ClassVar = ("path",)

    path: str = pa.Field(description="Path below the inbox.")
    bytes: pl.Int64 = pa.Field(description="Size on the disk.", metadata={"unit": "bytes"})
    changed_ns: pl.Int64 = pa.Field(description="When it was last changed.", metadata={"unit": "ns since 1970"})
    file_id: str = pa.Field(description="SHA-256 of the content that was found there.")


class ChangedFiles(SeenPaths):
    """Files that were loaded and are another content now: they wait, none of their records is usage."""

    format: str = pa.Field(description="Its usage format.")
    records: pl.Int64 = pa.Field(nullable=True, description="Records in it, where they could be counted.")
    first_seen_at: Instant = pa.Field(description="When it was first found so.")


class MonthFolders(Table):
    """Folders of Parquet files that hold a month of a table: the draft, and each issued part."""

    _key: ClassVar = ("table_name", "month", "part")

    table_name: str = pa.Field(description="The table.")
    month: str = pa.Field(description=_MONTH)
    folder: str = pa.Field(description="Folder below HOME/tables, named by its content.")
    files: pl.Int32 = pa.Field(description="Files in it.")
    rows: pl.Int64 = pa.Field(description="Rows in them.")
    bytes: pl.Int64 = pa.Field(description="Size of the files.", metadata={"unit": "bytes"})
    sha256: str = pa.Field(description="SHA-256 over those of the files.")
    part: pl.Int32 = pa.Field(description=_PART)


class Issues(Table):
    """Issues and corrections of months, each with its proof."""

    _key: ClassVar = ("billing_month", "part")

    billing_month: str = pa.Field(description=_MONTH)
    part: pl.Int32 = pa.Field(description="Which issue of the month, from 1.")
    issued_at: Instant = pa.Field(description="When.")
    last_file_number: pl.Int32 = pa.Field(description="The last file that was loaded then; 0 where none was.")
    document: str = pa.Field(description="The proof, as in HOME/issued.")


class PostedLedger(Ledger):
    """Movements of balances that an issue posted for good."""

    month: str = pa.Field(description=_MONTH)
    part: pl.Int32 = pa.Field(description="The issue that posted it.")


class PostedReceipts(Table):
    """Receipts by the issue that posted them."""

    _key: ClassVar = ("receipt_number",)

    month: str = pa.Field(description=_MONTH)
    part: pl.Int32 = pa.Field(description="The issue that posted it.")
    receipt_number: str = pa.Field(description="The receipt.")


class LeftOpen(Table):
    """Accounts whose bill an issue of the month left open."""

    _key: ClassVar = ("billing_month", "account_id")

    billing_month: str = pa.Field(description=_MONTH)
    account_id: str = pa.Field(description="The account.")


class LineTotals(Table):
    """What the lines of an issue add up to: the revenue of the journal."""

    _key: ClassVar = ("billing_month", "part", "currency", "kind")

    billing_month: str = pa.Field(description=_MONTH)
    part: pl.Int32 = pa.Field(description="The issue.")
    currency: str = pa.Field(description="Currency of the amount.")
    kind: str = pa.Field(isin=LINE_KINDS, description="What the lines charge for.")
    amount: Total = pa.Field(description="Their sum.", metadata={"unit": "currency"})


class AddedUp(Table):
    """Issues whose lines are in line_totals."""

    _key: ClassVar = ("billing_month", "part")

    billing_month: str = pa.Field(description=_MONTH)
    part: pl.Int32 = pa.Field(description="The issue.")


class BillStatements(Table):
    """The statement of account on an issued bill, entry by entry."""

    _key: ClassVar = ("document", "position")

    document: str = pa.Field(description="Number of the bill.")
    account_id: str = pa.Field(description="Its account.")
    position: pl.Int32 = pa.Field(description="Position of the entry on the statement.")
    posted_at: Instant = pa.Field(nullable=True, description="When it was posted; null for the opening balance.")
    kind: str = pa.Field(description="What the entry is.")
    reference: str = pa.Field(nullable=True, description="Its document or payment.")
    amount: Amount = pa.Field(description="Signed movement.", metadata={"unit": "currency"})


class FileTotals(Table):
    """What of each file is in the tables of raw usage: rows, seconds, segments and a fingerprint."""

    _key: ClassVar = ("table_name", "file_number")

    table_name: str = pa.Field(description="The table.")
    file_number: pl.Int32 = pa.Field(description=_FILE)
    rows: pl.Int64 = pa.Field(description="Rows of the file in it.")
    seconds: pl.Int64 = pa.Field(description="Their seconds.", metadata={"unit": "s"})
    segments: pl.Int64 = pa.Field(description="Their segments.")
    fingerprint: Whole = pa.Field(description="Sum over a hash of each row.")
    hashed: pl.Int64 = pa.Field(description="What DuckDB made of a known row: the way of hashing.")


class Readings(Table):
    """Files whose refused records were read again, by the source of that moment."""

    _key: ClassVar = ("reading", "file_number")

    reading: pl.Int32 = pa.Field(description="Which reading, from 1.")
    file_number: pl.Int32 = pa.Field(description=_FILE)
    read_at: Instant = pa.Field(description="When.")
    source: str = pa.Field(nullable=True, description="The file's source as it was then: the settings, as JSON.")


class ReadAgain(Table):
    """Records that a reading put in the place of what was there."""

    _key: ClassVar = ("reading", "file_number", "record_number", "leg")

    reading: pl.Int32 = pa.Field(description="Which reading.")
    file_number: pl.Int32 = pa.Field(description=_FILE)
    record_number: pl.Int64 = pa.Field(description="Position of the record in its file, from 1.")
    leg: str = pa.Field(nullable=True, isin=LEGS, description="main or forwarded.")


class DebtorAddresses(Table):
    """Addresses of debtors outside the EEA, as the file of debits states them."""

    _key: ClassVar = ("document",)

    document: str = pa.Field(description="The document that is debited.")
    address: str = pa.Field(nullable=True, description="Street lines.")
    postcode: str = pa.Field(nullable=True, description="Postcode.")
    city: str = pa.Field(nullable=True, description="City.")
    country: str = pa.Field(description="Country, ISO 3166-1 alpha-2.")
    bic: str = pa.Field(nullable=True, description="BIC of the debtor's bank, where given.")


class NumberSeries(Table):
    """The last number given of each series of documents."""

    _key: ClassVar = ("series", "year")

    series: str = pa.Field(description="Kind of document.")
    year: str = pa.Field(description="Year of the numbers.")
    last: pl.Int64 = pa.Field(description="The last one.")


class Manifest(Table):
    """Which stage did what when, from which inputs."""

    _key: ClassVar = ("stage", "month")

    stage: str = pa.Field(description="The stage.")
    month: str = pa.Field(nullable=True, description="The month it ran for; null where it runs for all.")
    finished_at: Instant = pa.Field(description="When it was done.")
    version: str = pa.Field(description="Version of callbill.")
    facts: str = pa.Field(description="Counts, hashes of inputs, what is still to be done: JSON.")
    commit: str = pa.Field(nullable=True, description="Commit of callbill, where it is known.")


class KeptAudit(Audit):
    """The audit trail as the warehouse keeps it."""

    commit: str = pa.Field(nullable=True, description="Commit of the callbill that wrote the entry, where it is known.")


class WarehouseSchema(Table):
    """Which tables the warehouse was last opened with: one row."""

    _key: ClassVar = ("version",)

    version: pl.Int32 = pa.Field(description="Raised when a table changes so that an older callbill must not write it.")
    sha256: str = pa.Field(
        description="SHA-256 of the statements that make the tables: where it is the same, all are there."
    )


INTERNAL: dict[str, type[Table]] = {
    "loaded_files": LoadedFiles,
    "valid_vat_numbers": ValidVatNumbers,
    "seen_paths": SeenPaths,
    "changed_files": ChangedFiles,
    "month_files": MonthFolders,
    "published_files": MonthFolders,
    "published_controls": Controls,
    "issues": Issues,
    "posted_ledger": PostedLedger,
    "posted_receipts": PostedReceipts,
    "left_open": LeftOpen,
    "line_totals": LineTotals,
    "added_up": AddedUp,
    "bill_statements": BillStatements,
    "file_totals": FileTotals,
    "readings": Readings,
    "read_again": ReadAgain,
    "debtor_addresses": DebtorAddresses,
    "number_series": NumberSeries,
    "manifest": Manifest,
    "audit": KeptAudit,
    "warehouse_schema": WarehouseSchema,
}
"""Tables of the warehouse by name. `published_files` and `published_controls` are what was last published of the others."""
