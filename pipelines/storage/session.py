"""What a run has at hand: the installation, the open warehouse, the month, and somebody to tell how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import polars as pl

from pipelines import registries
from pipelines.errors import CallbillError
from pipelines.settings import Installation, Month
from pipelines.storage.catalogue import in_warehouse
from pipelines.storage.warehouse import Warehouse
from transforms.rating.book import RatingBook

RATED_FROM = (
    "price_lists",
    "accounts",
    "numbers",
    "destinations",
    "voice_outbound",
    "voice_inbound",
    "sms_outbound",
    "sms_inbound",
)
"""The reference and price tables that rated usage follows from."""


class Progress(Protocol):
    """Follows a run."""

    def stage(self, name: str) -> None:
        """A stage begins."""
        ...

    def advance(self, records: int) -> None:
        """So many more records of the stage are done."""
        ...

    def warn(self, sentence: str) -> None:
        """Something a person should know, which stops nothing."""
        ...


class Silent:
    """Tells nobody."""

    def stage(self, name: str) -> None:
        """A stage begins."""

    def advance(self, records: int) -> None:
        """So many more records are done."""

    def warn(self, sentence: str) -> None:
        """Something a person should know."""


@dataclass
class Session:
    """A run with the warehouse open. `failure`: the error for people that ended it, where one did. `early`: why a month
    may be issued before it is over, empty where it may not."""

    installation: Installation
    warehouse: Warehouse
    progress: Progress = field(default_factory=Silent)
    failure: CallbillError | None = None
    early: str = ""

    def month(self, name: str) -> Month:
        """The month of that name in the billing time zone."""
        return Month.parse(name, self.installation.settings)

    def any_month(self, name: str) -> Month:
        """The month of that name, before the first one of the settings too: top-ups may be older than the first month."""
        return Month(name, self.installation.settings.zone)

    @cached_property
    def minor_units(self) -> dict[str, int]:
        """Digits of the minor unit by currency."""
        return registries.minor_units()

    @property
    def seller_country(self) -> str:
        """The seller's country."""
        return self.installation.settings.seller.country

    def table(self, name: str) -> pl.DataFrame:
        """A whole reference or price table of the warehouse."""
        return self.warehouse.frame(f"SELECT * FROM {name}")

    def accounts(self) -> pl.DataFrame:
        """Accounts and has_vat_number."""
        return self.warehouse.frame(
            "SELECT *, account_id IN (SELECT account_id FROM valid_vat_numbers) AS has_vat_number "
            "FROM accounts ORDER BY account_id"
        )

    def files(self) -> pl.DataFrame:
        """file_number and file_id of every loaded file."""
        return self.warehouse.frame("SELECT file_number, file_id FROM loaded_files ORDER BY file_number")

    def rating_book(self) -> RatingBook:
        """Everything that rating looks up, from the warehouse."""
        frames = {name: self.table(in_warehouse(name)) for name in (*RATED_FROM, "number_fees")}
        settings = self.installation.settings
        return RatingBook.build(frames, time_zone=settings.billing.time_zone, bounds=settings.bounds)
