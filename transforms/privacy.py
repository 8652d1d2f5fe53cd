"""What people who need not know a number or an address see of it: the only place where something is masked."""

from __future__ import annotations

import polars as pl


def masked_number(number: pl.Expr) -> pl.Expr:
    """A telephone number as messages show it: its first five characters, `+3363…`."""
    return number.str.slice(0, 5) + pl.lit("…")


def masked_iban(iban: str) -> str:
    """The IBAN's first four and last four characters, `FR14...2606`; nothing of what is too short to hide the others."""
    return f"{iban[:4]}...{iban[-4:]}" if len(iban) >= 15 else "..."


def masked_address(address: str) -> str:
    """An e-mail address with the first character of its local part, `j***@example.com`; of what is none, its first."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***{at}{domain}" if at else f"{address[:1]}***" if address else ""
