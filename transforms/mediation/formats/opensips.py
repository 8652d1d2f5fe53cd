"""OpenSIPS: accounting lines that db_flatstore writes, and exports of its table `acc` with the columns of CDRs in CSV.

Specification: the modules acc and db_flatstore, and docs/formats/opensips.md. An INVITE and its BYE are paired.
"""

from __future__ import annotations

from transforms.mediation.contract import Kind, Reader
from transforms.mediation.sip_accounting import SipAccounting, assemble, is_accounting
from transforms.mediation.sip_calls import is_calls
from transforms.mediation.source import Source

__all__ = ["KINDS", "NAME", "assemble", "reader", "recognises"]

NAME = "opensips"
KINDS: tuple[Kind, ...] = ("csv",)


def recognises(head: str) -> bool:
    """Whether a text begins with an accounting line, or with the columns of whole calls."""
    return is_accounting(head) or is_calls(head, ("time", "duration", "setuptime"))


def reader(kind: Kind, source: Source) -> Reader:
    """A reader of one file of OpenSIPS's."""
    del kind
    return SipAccounting(source)
