"""What values of callbill.toml may be, beyond their type: a sentence for each that is out of its limits."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.settings.toml_section import is_time_zone
from transforms.tables.vocabulary import LANGUAGES

if TYPE_CHECKING:
    from pipelines.settings import Billing, Bounds, DirectDebits, Documents, Issuing, Loading, Mail, Settings

MONTH_PATTERN = re.compile(r"2[0-9]{3}-(0[1-9]|1[0-2])\Z")
PAYMENT_DAYS_MAX = 366
ANNEX_RECORDS_MAX = 1000
PROCESSES_MAX = 64
RECORD_BOUND_MAX = 2_147_483_647
ATTACHED_MB_MAX = 50
"""More than mail servers take."""


def out_of_limits(path: Path, settings: Settings) -> list[str]:
    """Sentences about the `settings` that were read from `path`."""
    return [
        *_senseless(path, settings.billing),
        *_bounds(path, settings.issue),
        *_capped(path, settings.load),
        *_attachable(path, settings.mail),
        *_of_records(path, settings.bounds),
        *_unprintable(path, settings.documents, settings.direct_debit),
    ]


def _senseless(path: Path, billing: Billing) -> list[str]:
    found = []
    if not is_time_zone(billing.time_zone):
        found.append(f"{path}: [billing] time_zone: '{billing.time_zone}' is no time zone such as Europe/Paris")
    if not MONTH_PATTERN.match(billing.first_month):
        found.append(f"{path}: [billing] first_month: '{billing.first_month}' is no month such as 2025-01")
    if not 1 <= billing.month_end_day <= 28:
        found.append(f"{path}: [billing] month_end_day: {billing.month_end_day} is no day from 1 to 28")
    if not 0 <= billing.month_end_hour <= 23:
        found.append(f"{path}: [billing] month_end_hour: {billing.month_end_hour} is no hour from 0 to 23")
    return found


def _bounds(path: Path, issue: Issuing) -> list[str]:
    found = [
        f"{path}: [issue] {name}: {getattr(issue, name)} is no number from 1 on"
        for name in ("first_bill", "first_receipt", "first_credit_note", "first_debit_note")
        if getattr(issue, name) < 1
    ]
    if issue.median_multiple < 2:
        found.append(f"{path}: [issue] median_multiple: {issue.median_multiple} is no multiple from 2 on")
    if not 0 <= issue.suspense_percent <= 100:
        found.append(f"{path}: [issue] suspense_percent: {issue.suspense_percent} is no share from 0 to 100")
    if not 0 <= issue.payment_days <= PAYMENT_DAYS_MAX:
        found.append(f"{path}: [issue] payment_days: {issue.payment_days} is no number from 0 to {PAYMENT_DAYS_MAX}")
    return found


def _capped(path: Path, load: Loading) -> list[str]:
    return [
        f"{path}: [load] {name}: {getattr(load, name)} is no number from {least} on"
        for name, least in (("longest_line", 1000), ("unpacked_ratio", 1), ("unpacked_mb", 1))
        if getattr(load, name) < least
    ]


def _attachable(path: Path, mail: Mail) -> list[str]:
    return [
        f"{path}: [mail] {name}: {getattr(mail, name)} is no number from 0 to {most}"
        for name, most in (("zip_above_kb", ATTACHED_MB_MAX * 1000), ("attach_mb", ATTACHED_MB_MAX))
        if not 0 <= getattr(mail, name) <= most
    ]


def _of_records(path: Path, bounds: Bounds) -> list[str]:
    return [
        f"{path}: [bounds] {item.name}: {value} is no number from 0 to {RECORD_BOUND_MAX} (0: no bound)"
        for item in fields(bounds)
        if not 0 <= (value := getattr(bounds, item.name)) <= RECORD_BOUND_MAX
    ]


def _unprintable(path: Path, documents: Documents, debits: DirectDebits) -> list[str]:
    found = []
    if documents.language not in LANGUAGES:
        found.append(f"{path}: [documents] language: '{documents.language}' is none of {', '.join(LANGUAGES)}")
    if not 0 <= documents.annex_records <= ANNEX_RECORDS_MAX:
        found.append(
            f"{path}: [documents] annex_records: {documents.annex_records} is no number from 0 to {ANNEX_RECORDS_MAX}"
        )
    if not re.fullmatch("#[0-9a-fA-F]{6}", documents.accent):
        found.append(f"{path}: [documents] accent: '{documents.accent}' is no colour such as #0b5f7a")
    if not 0 <= documents.processes <= PROCESSES_MAX:
        found.append(f"{path}: [documents] processes: {documents.processes} is no number from 0 to {PROCESSES_MAX}")
    if debits.scheme not in ("CORE", "B2B"):
        found.append(f"{path}: [direct_debit] scheme: '{debits.scheme}' is neither CORE nor B2B")
    if not 1 <= debits.lead_days <= 14:
        found.append(f"{path}: [direct_debit] lead_days: {debits.lead_days} is no number from 1 to 14")
    return found
