"""Writes a believable month into a home: customers, numbers, credits and usage, its faults included.

What belongs here: putting the parts together and writing files. Everybody and everything in it is invented.
"""

import csv
import io
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field
from datetime import date, timedelta
from pathlib import Path

from pipelines.example.faults import Faults, scaled
from pipelines.example.feeds import Inbox
from pipelines.example.letters import EmailDocuments, letters
from pipelines.example.money import Credit, make_credits
from pipelines.example.people import Account, make_accounts
from pipelines.example.phonebook import Phonebook
from pipelines.example.traffic import Traffic
from pipelines.settings import EXAMPLE_TARIFF

PRICE_TABLES = EXAMPLE_TARIFF
"""The shipped tables, which say where a number leads."""
LATE = 100
EARLY = 50
"""Records of the month before and of the month after, in a month of 100,000 events."""
ACCOUNTS_MAX = 1_000
"""The numbers set aside for drama last for so many."""


@dataclass(frozen=True)
class ExampleSummary:
    """What was written: `records` by format, and of these `suspended` by the reason to expect.

    Sound records are `total` less `duplicates` less all of `suspended`. Among them are `late` and `early`,
    those that started in the month before and in the month after.
    """

    month: str
    accounts: int
    numbers: int
    credits: int
    records: dict[str, int]
    suspended: dict[str, int]
    duplicates: int
    late: int
    early: int
    files: list[Path] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Raw records of all formats."""
        return sum(self.records.values())


def write_example(
    home: Path,
    month: str = "2026-10",
    *,
    accounts: int = 200,
    events: int = 100_000,
    seed: int = 2026,
    price_tables: Path = PRICE_TABLES,
    tariff: Path = PRICE_TABLES,
) -> ExampleSummary:
    """Write reference files, settings, a copy of the `tariff` and an inbox of about `events` raw records below `home`.
    `price_tables`: those that say where a number leads.

    The same arguments give the same bytes. A file that is there already with other content is never
    overwritten: FileExistsError, and nothing is written. ValueError for fewer than 20 or more than 1,000
    accounts, or for fewer than 2,000 events, of which no believable month can be made.
    """
    if not 20 <= accounts <= ACCOUNTS_MAX or events < 2_000:
        raise ValueError(f"20 to {ACCOUNTS_MAX} accounts and 2000 events at least, not {accounts} and {events}")
    first_day = date.fromisoformat(f"{month}-01")
    rng = random.Random(seed)
    people = make_accounts(rng, first_day, accounts)
    traffic = Traffic(rng, first_day, people, Phonebook(price_tables / "destinations.csv"))
    late = traffic.strays(traffic.before, scaled(LATE, events))
    early = traffic.strays(traffic.after, scaled(EARLY, events))
    sound = traffic.month(events - scaled(450, events))
    inbox = Inbox(first_day)
    for event in (*sound, *late, *early):
        inbox.add(event)
    faults = Faults(rng, inbox, sound, people)
    faults.spoil(events)
    credits = make_credits(rng, first_day, people, sound)

    contents = {f"inbox/{path}": content for path, content in inbox.files().items()}
    contents |= {path: text.encode() for path, text in _reference(people, credits).items()}
    contents |= {f"prices/{path.name}": path.read_bytes() for path in sorted(tariff.glob("*.csv"))}
    contents["callbill.toml"] = _settings(first_day).encode()
    files = _write(home, contents)
    records = Counter({"standard": len(inbox.rows)})
    for path, lines in inbox.lines.items():
        records[path.split("/")[0]] += len(lines)
    return ExampleSummary(
        month=month,
        accounts=len(people),
        numbers=sum(len(account.holdings) for account in people),
        credits=len(credits),
        records=dict(records),
        suspended=dict(faults.suspended),
        duplicates=faults.duplicates,
        late=len(late),
        early=len(early),
        files=files,
    )


def _write(home: Path, contents: dict[str, bytes]) -> list[Path]:
    """Write each file beside its place and rename it; refuse to replace one with other content."""
    for path, content in contents.items():
        place = home / path
        if place.exists() and place.read_bytes() != content:
            raise FileExistsError(f"{place} exists and is no file of this example; choose an empty home")
    for path, content in contents.items():
        place = home / path
        place.parent.mkdir(parents=True, exist_ok=True)
        # The inbox may be watched: a half-written file must not stand in it, under whatever name.
        beside = home / f".{place.name}.part"
        beside.write_bytes(content)
        beside.replace(place)
    return [home / path for path in sorted(contents)]


def _reference(accounts: list[Account], credits: list[Credit]) -> dict[str, str]:
    """Return path -> content of the reference files."""
    holdings = [(holding, account) for account in accounts for holding in account.holdings]
    return {
        "reference/accounts.csv": _csv(
            "account_id name email country vat_number billing_mode payment_method currency price_list"
            " opened_on closed_on language address postcode city registration iban mandate_reference mandate_signed_on",
            (
                (
                    *(account.account_id, account.name, account.email, account.country, account.vat_number),
                    *("prepaid" if account.prepaid else "postpaid", account.payment_method, account.currency),
                    *(account.price_list, account.opened_on, account.closed_on or ""),
                    *astuple(_letters(account)),
                )
                for account in accounts
            ),
        ),
        "reference/numbers.csv": _csv(
            "number account_id country number_class call_tracking assigned_at released_at",
            (
                (
                    *(holding.number, account.account_id, holding.country, holding.number_class),
                    *(str(holding.call_tracking).lower(), holding.assigned_at, holding.released_at),
                )
                for holding, account in holdings
            ),
        ),
        "reference/credits.csv": _csv(
            "credit_id account_id kind amount currency credited_at payment_reference",
            (
                (
                    *(credit.credit_id, credit.account.account_id, credit.kind, credit.amount),
                    *(credit.account.currency, credit.credited_at.isoformat(), credit.payment_reference),
                )
                for credit in credits
            ),
        ),
        "reference/payments.csv": _csv("payment_id account_id bill_number amount currency paid_at", ()),
    }


def _letters(account: Account) -> EmailDocuments:
    signed_on = account.opened_on.isoformat() if account.payment_method == "direct_debit" else None
    return letters(account.account_id, account.country, account.vat_number, signed_on)


def _csv(columns: str, rows: Iterable[tuple[object, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns.split())
    writer.writerows(rows)
    return text.getvalue()


def _settings(first_day: date) -> str:
    """Return callbill.toml: an invented seller with account numbers that standards use as examples."""
    first_month = first_day - timedelta(days=1)
    return f'''\
# Settings of the example. The seller is invented.
[billing]
time_zone = "UTC"
first_month = "{first_month:%Y-%m}"
month_end_day = 2
month_end_hour = 4

# A copy of the example tariff, whose prices are invented.
[prices]
folder = "prices"

[seller]
name = "Exemple Télécom SAS"
address = "12 rue de l'Exemple"
postcode = "75002"
city = "Paris"
country = "FR"
vat_number = "FR44732829320"
registration = "732829320"
iban = "FR7699999000010000000012337"
bic = "EXMPFRPPXXX"
creditor_id = "FR72ZZZ123456"
email = "billing@example.com"

# What French law has on an invoice. Have yours read by your adviser.
[legal_en]
register = "SAS with a capital of EUR 50,000, RCS Paris 732 829 320"
late_payment = "Late payment: three times the statutory interest rate, from the day after the due date."
recovery_fee = "Between businesses: EUR 40 for recovery costs (article L441-10 of the Code de commerce)."
early_payment = "No discount for early payment."

[legal_fr]
register = "SAS au capital de 50 000 €, RCS Paris 732 829 320"
late_payment = "Retard de paiement : trois fois le taux d'intérêt légal, à compter du lendemain de l'échéance."
recovery_fee = "Entre professionnels : 40 € pour frais de recouvrement (article L441-10 du Code de commerce)."
early_payment = "Pas d'escompte pour paiement anticipé."
'''
