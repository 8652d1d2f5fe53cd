"""Homes whose April is billed to accounts of the test's own making, and their documents. Knows nothing of what is right."""

from __future__ import annotations

import io
from pathlib import Path

from pypdf import PdfReader

from tests.pipelines.command import Said, call
from tests.pipelines.homes import Home, make_home
from tests.pipelines.test_documents import SETTINGS, published
from tests.pipelines.traffic import CALL

APRIL = "2026-04"
FRANCE, MOBILE = "+33145000001", "+33639980001"
FROM_APRIL = SETTINGS.replace('first_month = "2026-03"', f'first_month = "{APRIL}"')
COLUMNS = (
    "account_id,name,email,country,vat_number,billing_mode,payment_method,currency,price_list,opened_on,language,"
    "iban,mandate_reference,mandate_signed_on"
)


def account(name: str, pays: str = "postpaid,bank_transfer,EUR", *, country: str = "FR", more: str = ",,,") -> str:
    """A row of accounts.csv; `more`: language, iban, mandate_reference and mandate_signed_on."""
    return f"{name},Shop {name},{name.lower()}@example.com,{country},,{pays},,2026-01-01,{more}"


def billed_home(
    folder: Path, accounts: list[str], calls: dict[str, tuple[str, str]], credits: tuple[str, ...] = ()
) -> Home:
    """A home from 2026-04 on with those accounts and credits, and a call of each account of `calls`: to that number, of
    so many seconds."""
    home = make_home(folder)
    home.settings(FROM_APRIL)
    home.reference("accounts", "\n".join([COLUMNS, *accounts]) + "\n")
    home.reference("numbers", "number,account_id,country,number_class,call_tracking,assigned_at,released_at\n")
    home.reference("credits", "credit_id,account_id,kind,amount,currency,credited_at,payment_reference\n")
    home.add("credits", *credits)
    home.usage(
        "a.csv",
        [
            CALL
            | {"record_id": f"c-{name}", "account_id": name, "from_number": f"+3318400010{place}"}
            | {"to_number": to, "duration_seconds": seconds}
            for place, (name, (to, seconds)) in enumerate(calls.items())
        ],
    )
    return home


def documents(home: Home, month: str = APRIL) -> Said:
    """callbill documents MONTH --json."""
    return call("documents", month, *home.arguments, "--json")


def bill_numbers(home: Home) -> dict[str, str]:
    """The number of each account's bill of April."""
    rows = published(home, f"SELECT account_id, bill_number FROM bills WHERE billing_month = '{APRIL}'")
    return {name: number for name, number in rows if number}


def text_of(pdf: bytes) -> str:
    """The text on the pages."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
