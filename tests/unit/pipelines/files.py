"""A sound set of reference and price files, to be written with some of them changed. It checks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.settings import Installation, Settings

FILES = {
    "accounts": """\
account_id,name,email,country,vat_number,billing_mode,payment_method,currency,price_list,opened_on,closed_on
A,Customer,a@example.com,FR,,postpaid,direct_debit,EUR,own,2026-01-01,
B,Buyer,b@example.com,US,,prepaid,balance,USD,,2026-01-01,2026-12-31
""",
    "numbers": """\
number,account_id,country,number_class,call_tracking,assigned_at,released_at
+33184000001,A,FR,geographic,true,2026-02-01,2026-03-01
+33184000001,B,FR,geographic,false,2026-03-02,
""",
    "credits": """\
credit_id,account_id,kind,amount,currency,credited_at,payment_reference
C1,B,top_up,100.00,USD,2026-03-15T10:00:00Z,P1
""",
    "payments": """\
payment_id,account_id,bill_number,amount,currency,paid_at
P1,A,F-2026-000001,12.34,EUR,2026-03-15
""",
    "exchange_rates": "currency,rate,valid_from\nUSD,1.100000,2026-01-01\n",
    "price_lists": "price_list,currency\ndefault_eur,EUR\ndefault_usd,USD\nown,EUR\n",
    "destinations": "prefix,destination,country\n33,France,FR\n336,France mobile,FR\n1,United States,US\n",
    "voice_outbound": """\
price_list,destination,price_per_minute,connection_fee,first_increment,increment,valid_from
default_eur,France,0.012000,0,1,1,2026-01-01
""",
    "voice_inbound": """\
price_list,country,number_class,price_per_minute,connection_fee,first_increment,increment,valid_from
default_eur,FR,geographic,0.006000,0,1,1,2026-01-01
""",
    "sms_outbound": "price_list,country,price_per_segment,valid_from\ndefault_eur,FR,0.05,2026-01-01\n",
    "sms_inbound": "price_list,price_per_message,valid_from\ndefault_eur,0.01,2026-01-01\n",
    "number_fees": """\
price_list,country,number_class,monthly_fee,proration,valid_from
default_eur,FR,geographic,1.000000,none,2026-01-01
""",
    "vat_rates": "country,rate,valid_from\nFR,0.2000,2026-01-01\n",
}
REFERENCE = ("accounts", "numbers", "credits", "payments", "exchange_rates")


def installation(folder: Path, changed: Mapping[str, str | bytes] | None = None) -> Installation:
    """An installation whose files are the sound ones but for those `changed`, by name."""
    found = Installation(folder / "home", folder / "prices", Settings())
    for name, text in {**FILES, **(changed or {})}.items():
        place = path_of(found, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
    return found


def path_of(found: Installation, name: str) -> Path:
    """Where a file of that name lies."""
    return (found.reference if name in REFERENCE else found.price_tables) / f"{name}.csv"
