"""E-mail addresses and header values: what may stand in a message that others read."""

from __future__ import annotations

import re
import unicodedata

from transforms.privacy import masked_address

NO_DOMAIN = "callbill.invalid"
"""Domain of Message-IDs of a seller without an e-mail address (RFC 2606)."""

HEADER_CHARACTERS_MAX = 120
SAID_CHARACTERS_MAX = 300

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*\Z")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_IN_TEXT = re.compile(r"[^\s<>@,;:\"()\[\]]+@[^\s<>@,;:\"()\[\]]+")


def plain_address(text: str) -> str | None:
    """`text` as an address that can stand in an SMTP command: a dot-atom, @ and a domain of names (RFC 5321, 4.1.2),
    the domain in ASCII. None where it is no such address: one with quotes, a display name, a comment, or letters
    beyond ASCII before the @."""
    local, at, domain = text.strip(" \t").rpartition("@")
    if not at or len(local) > 64 or not _LOCAL.match(local):
        return None
    ascii_domain = _ascii_domain(domain)
    return None if ascii_domain is None else f"{local}@{ascii_domain}"


def _ascii_domain(domain: str) -> str | None:
    try:
        found = domain.encode("idna").decode("ascii") if not domain.isascii() else domain
    except UnicodeError:
        return None
    if len(found) > 253 or not all(_LABEL.match(label) for label in found.split(".")):
        return None
    return found.lower()


def domain_of(*addresses: str) -> str:
    """The domain of the first of `addresses` that is one."""
    for text in addresses:
        if found := plain_address(text):
            return found.rpartition("@")[2]
    return NO_DOMAIN


def header_text(text: str, most: int = HEADER_CHARACTERS_MAX) -> str:
    """`text` on one line without control and format characters (line ends, NUL, marks that turn the reading direction),
    cut to `most` characters."""
    kept = (" " if unicodedata.category(char) in _UNSEEN else char for char in text)
    # Python's library decodes words such as =?utf-8?q?=0D=0A?= in a header that is set, and writes the line end that
    # hides in this one as one.
    return " ".join("".join(kept).replace("=?", "= ?").split())[:most].rstrip()


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def without_addresses(text: str) -> str:
    """What a server said, on one line and with every address in it masked."""
    return _IN_TEXT.sub(lambda found: masked_address(found[0]), header_text(text, SAID_CHARACTERS_MAX))
