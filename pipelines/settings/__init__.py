"""The settings of an installation: where it lies, and HOME/callbill.toml. Strict: an unknown key is an error."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.errors import BadInput
from pipelines.settings.limits import MONTH_PATTERN, out_of_limits
from pipelines.settings.sources import SourceSettings, read_sources
from pipelines.settings.toml_section import read_section
from transforms.rating.bounds import RecordBounds

SETTINGS_FILE = "callbill.toml"

REPOSITORY = Path(__file__).resolve().parents[2]
"""Where the packages of callbill lie: the top of a checkout, or site-packages where it was installed."""


def _example_tariff() -> Path:
    packed = REPOSITORY / "pipelines" / "example" / "price_tables"
    return packed if packed.is_dir() else REPOSITORY / "price_tables"


EXAMPLE_TARIFF = _example_tariff()
"""Invented prices, which `demo` alone uses without being told to. A wheel has them inside the package (hatch_build.py)."""


@dataclass(frozen=True)
class Billing:
    """[billing]"""

    time_zone: str = "UTC"
    first_month: str = "2025-01"
    month_end_day: int = 2
    month_end_hour: int = 4


@dataclass(frozen=True)
class Prices:
    """[prices]: `folder` of the price tables, relative to the home; empty: they are named by option or environment."""

    folder: str = ""


@dataclass(frozen=True)
class Seller:
    """[seller]. `address`: street lines, or the whole postal address where `postcode` and `city` are not given apart.
    `vat_currency`: the currency in which VAT is declared; empty: EUR within the EU, else that of each document."""

    name: str = ""
    address: str = ""
    postcode: str = ""
    city: str = ""
    country: str = "FR"
    vat_number: str = ""
    registration: str = ""
    iban: str = ""
    bic: str = ""
    creditor_id: str = ""
    email: str = ""
    vat_currency: str = ""


@dataclass(frozen=True)
class Documents:
    """[documents]: `language` of accounts that name none, `annex_records` up to which a bill itemises its records,
    `accent` colour, `processes` that make documents (0: one a processor), `at_month_end` whether a scheduled month end
    that issues makes them too."""

    language: str = "en"
    annex_records: int = 200
    accent: str = "#0b5f7a"
    processes: int = 0
    at_month_end: bool = False


@dataclass(frozen=True)
class DirectDebits:
    """[direct_debit]: `scheme` CORE or B2B, `lead_days` the bank wants between a file and its collection."""

    scheme: str = "CORE"
    lead_days: int = 2


@dataclass(frozen=True)
class Legal:
    """[legal_en], [legal_fr]: the wording that the seller's law asks for on documents of that language; what is empty is
    left out, but for the VAT rules, which have words of their own."""

    register: str = ""
    payment_terms: str = ""
    late_payment: str = ""
    recovery_fee: str = ""
    early_payment: str = ""
    domestic: str = ""
    reverse_charge: str = ""
    eu_consumer: str = ""
    outside_eu: str = ""
    charged_at_top_up: str = ""
    note: str = ""


@dataclass(frozen=True)
class Mail:
    """[mail]; the password comes from the environment. A CSV above `zip_above_kb` is attached as a zip file, and none of which
    more than `attach_mb` would have to be attached."""

    host: str = ""
    port: int = 587
    username: str = ""
    sender: str = field(default="", metadata={"key": "from"})
    starttls: bool = True
    zip_above_kb: int = 500
    attach_mb: int = 5


@dataclass(frozen=True)
class Running:
    """[run]: `lock_wait_seconds` before a run gives up on another's lock, `memory_limit_mb` of DuckDB."""

    lock_wait_seconds: int = 60
    memory_limit_mb: int = 700


@dataclass(frozen=True)
class Issuing:
    """[issue]: how bills are numbered, which are held back, and whether the scheduled month end issues them.

    A bill is parked that is more than `median_multiple` times the account's median, or of whose records more than
    `suspense_percent` wait in suspense. A postpaid bill is due `payment_days` after the day of its issue.
    """

    bill_prefix: str = ""
    first_bill: int = 1
    receipt_prefix: str = "R-"
    first_receipt: int = 1
    credit_note_prefix: str = "CN-"
    first_credit_note: int = 1
    debit_note_prefix: str = "DN-"
    first_debit_note: int = 1
    median_multiple: int = 20
    suspense_percent: int = 10
    payment_days: int = 30
    at_month_end: bool = False


@dataclass(frozen=True)
class Publishing:
    """[publish]: `keep_days` an unused Parquet file stays for those who still have an older publication open."""

    keep_days: int = 7


@dataclass(frozen=True)
class Loading:
    """[load]: what a file of the inbox may be. `longest_line` in bytes; `unpacked_ratio` of a compressed file's content to
    its size, and `unpacked_mb` of that content, above which the rest of the file is not read."""

    longest_line: int = 10_000_000
    unpacked_ratio: int = 1000
    unpacked_mb: int = 100_000


@dataclass(frozen=True)
class Bounds(RecordBounds):
    """[bounds]"""


@dataclass(frozen=True)
class Settings:
    """callbill.toml; every key has a default. `sources`: [source.<folder of the inbox>]."""

    billing: Billing = Billing()
    prices: Prices = Prices()
    seller: Seller = Seller()
    mail: Mail = Mail()
    run: Running = Running()
    publish: Publishing = Publishing()
    issue: Issuing = Issuing()
    documents: Documents = Documents()
    direct_debit: DirectDebits = DirectDebits()
    legal_en: Legal = Legal()
    legal_fr: Legal = Legal()
    load: Loading = Loading()
    bounds: Bounds = Bounds()
    sources: dict[str, SourceSettings] = field(default_factory=dict)

    def source(self, folder: str) -> SourceSettings:
        """What is set for files in `folder` of the inbox (`asterisk/paris`): the settings of it, or of the nearest folder
        around it; with the time zone and the country that hold where nothing is set."""
        parts = folder.split("/")
        names = ("/".join(parts[:end]) for end in range(len(parts), 0, -1))
        found = next((self.sources[name] for name in names if name in self.sources), SourceSettings())
        zone, country = found.time_zone or self.billing.time_zone, found.country or self.seller.country
        return replace(found, time_zone=zone, country=country)

    def legal(self, language: str) -> Legal:
        """The wording of [legal_en] or [legal_fr]."""
        return {"en": self.legal_en, "fr": self.legal_fr}[language]

    @property
    def zone(self) -> ZoneInfo:
        """The billing time zone."""
        return ZoneInfo(self.billing.time_zone)


@dataclass(frozen=True)
class Installation:
    """One installation: its home folder, its settings, and the folder of price tables that is named, None where none is."""

    home: Path
    tariff: Path | None
    settings: Settings

    @staticmethod
    def find(
        home: str | os.PathLike[str] | None = None, price_tables: str | os.PathLike[str] | None = None
    ) -> Installation:
        """The installation at `home` (else $CALLBILL_HOME, else ./data) with `price_tables` (else
        $CALLBILL_PRICE_TABLES, else [prices] folder). Raises BadInput for unusable settings."""
        where = Path(home or os.environ.get("CALLBILL_HOME") or "data").expanduser().absolute()
        settings = read_settings(where / SETTINGS_FILE)
        named = price_tables or os.environ.get("CALLBILL_PRICE_TABLES")
        if not named and settings.prices.folder:
            named = where / Path(settings.prices.folder).expanduser()
        return Installation(where, Path(named).expanduser().absolute() if named else None, settings)

    @property
    def price_tables(self) -> Path:
        """The folder of the price tables. Raises BadInput where none is named: a tariff is never guessed."""
        if self.tariff is None:
            raise BadInput(
                f"no tariff is named: set [prices] folder in {self.settings_file}, or use --price-tables DIR or "
                f"$CALLBILL_PRICE_TABLES (the invented example tariff is in {EXAMPLE_TARIFF})"
            )
        return self.tariff

    @property
    def inbox(self) -> Path:
        """Raw usage files, a folder a format."""
        return self.home / "inbox"

    @property
    def reference(self) -> Path:
        """Accounts, numbers, credits, payments."""
        return self.home / "reference"

    @property
    def warehouse(self) -> Path:
        """The pipeline's own database."""
        return self.home / "warehouse.duckdb"

    @property
    def tables(self) -> Path:
        """The Parquet files of the month tables: tables/<table>/<month>/<content>/."""
        return self.home / "tables"

    @property
    def issued(self) -> Path:
        """What proves that issued months are as they were: a JSON file a month."""
        return self.home / "issued"

    @property
    def kept(self) -> Path:
        """Reference and price files and settings as they were, by the SHA-256 of their content."""
        return self.home / "kept"

    @property
    def settings_file(self) -> Path:
        """callbill.toml."""
        return self.home / SETTINGS_FILE

    @property
    def published(self) -> Path:
        """What analysts open."""
        return self.home / "published" / "billing.duckdb"

    @property
    def documents(self) -> Path:
        """Bills, receipts, payment files: documents/<month>/."""
        return self.home / "documents"

    @property
    def dagster_home(self) -> Path:
        """The Dagster instance."""
        return self.home / "dagster"


def read_settings(path: Path) -> Settings:
    """The settings in `path`, defaults where it says nothing or does not exist. Raises BadInput."""
    if not path.exists():
        return Settings()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from None
    problems: list[str] = []
    sections: dict[str, Any] = {}
    known: dict[str, Any] = {item.name: type(item.default) for item in fields(Settings) if item.name != "sources"}
    for name, content in data.items():
        if name == "source" and isinstance(content, dict):
            sections["sources"] = read_sources(path, content, problems)
        elif name not in known:
            names = [*known, "source.<format>"]
            problems.append(f"{path}: unknown section [{name}]; known are {', '.join(f'[{k}]' for k in names)}")
        elif not isinstance(content, dict):
            problems.append(f"{path}: {name} must be a section [{name}]")
        else:
            sections[name] = known[name](**read_section(path, name, known[name], content, problems))
    settings = Settings(**sections)
    problems += out_of_limits(path, settings)
    if problems:
        raise BadInput(problems)
    return settings


@dataclass(frozen=True)
class Month:
    """A calendar month in the billing time zone."""

    name: str
    zone: ZoneInfo

    @staticmethod
    def parse(text: str, settings: Settings) -> Month:
        """The month written `2026-10`. Raises BadInput, also for one before the first month of the settings."""
        if not MONTH_PATTERN.match(text):
            raise BadInput(f"'{text}' is no month; months are written as 2026-10")
        if text < settings.billing.first_month:
            first = settings.billing.first_month
            raise BadInput(f"{text} lies before the first month of this installation, {first} ([billing] first_month)")
        return Month(text, settings.zone)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(int(self.name[:4]), int(self.name[5:]), 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return (self.first + timedelta(days=31)).replace(day=1) - timedelta(days=1)

    @property
    def following(self) -> str:
        """The name of the month after it."""
        return f"{self.last + timedelta(days=1):%Y-%m}"

    @property
    def starts(self) -> datetime:
        """Its first moment, in UTC."""
        return first_moment(self.first, self.zone)

    @property
    def ends(self) -> datetime:
        """The first moment after it, in UTC."""
        return first_moment(self.last + timedelta(days=1), self.zone)


def first_moment(day: date, zone: ZoneInfo) -> datetime:
    """When the day begins in `zone`, in UTC: as all moments of frames are, and Polars compares no two of different zones."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
