"""What the example's customers pay in: opening balances, top-ups, a refund and goodwill.

What belongs here: credits. What they owe is computed by callbill, not here.
"""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pipelines.example.clock import next_month
from pipelines.example.people import Account
from pipelines.example.traffic import Call, Event

NOTES = (10, 20, 50, 100, 200, 500, 1000, 2000)
"""Amounts that customers choose."""


@dataclass(frozen=True)
class Credit:
    """One row of credits.csv; the amount is in cents."""

    credit_id: str
    account: Account
    kind: str
    cents: int
    credited_at: datetime
    payment_reference: str = ""

    @property
    def amount(self) -> str:
        """The amount as a plain decimal."""
        sign = "-" if self.cents < 0 else ""
        return f"{sign}{abs(self.cents) // 100}.{abs(self.cents) % 100:02d}"


def make_credits(rng: random.Random, month: date, accounts: list[Account], events: Iterable[Event]) -> list[Credit]:
    """Return the credits of the month in order of time, suited to the traffic in `events`.

    Prepaid accounts start it with a balance, carried over as of the first day of the month before, and top up
    as they go. One in twelve tops up too little.
    """
    end = next_month(month)
    spent: Counter[str] = Counter()
    for event in events:
        spent[event.account.account_id] += _guess(event)
    drafts: list[tuple[datetime, str, Account, int]] = []
    for account in accounts:
        if not account.prepaid:
            continue
        expected = spent[account.account_id] // 10 + 250 * len(account.holdings) + 200
        before = (month - timedelta(days=1)).replace(day=1)
        frugal = rng.random() < 1 / 12
        if account.opened_on < month:
            opening = 100 + expected * rng.randint(5, 30 if frugal else 70) // 10_000 * 100
            carried = max(before, account.opened_on)
            drafts.append((_at(carried, 0), "opening_balance", account, opening))
        first, last = max(month, account.opened_on), min(account.closed_on or end, end - timedelta(days=1))
        if last < first:
            continue
        wanted = expected * (20 if frugal else rng.randint(60, 140)) // 100
        while wanted > 0:
            note = max([note for note in NOTES if note * 100 <= wanted] or [NOTES[0]])
            day = first + timedelta(days=rng.randint(0, (last - first).days))
            drafts.append((_at(day, rng.randint(7 * 3600, 21 * 3600)), "top_up", account, note * 100))
            wanted -= note * 100
    open_accounts = [account for account in accounts if not account.closed_on and account.opened_on < month]
    customers = [account for account in open_accounts if account.prepaid]
    owing = [account for account in open_accounts if not account.prepaid]
    for people, kind, cents, day_of_month in (
        (customers[:1], "goodwill", 500, 12),
        (customers[1:2], "goodwill", 1250, 21),
        (customers[2:3], "refund", -1500, 19),
        (owing[:1], "goodwill", 1000, 8),
    ):
        at = _at(month + timedelta(days=day_of_month - 1), 36_000)
        drafts += [(at, kind, account, cents) for account in people]
    drafts.sort(key=lambda draft: (draft[0], draft[2].account_id, draft[1]))
    return [
        Credit(
            f"C{month:%y%m}{number:04d}",
            account,
            kind,
            cents,
            at,
            f"pay_{rng.getrandbits(48):012x}" if kind == "top_up" else "",
        )
        for number, (at, kind, account, cents) in enumerate(drafts, 1)
    ]


def _guess(event: Event) -> int:
    """Return about what a customer thinks that the event costs, in tenths of a cent."""
    if isinstance(event, Call):
        return event.seconds // (6 if event.inbound else 2) + event.forwarded_seconds // 2
    return 10 if event.inbound else 100


def _at(day: date, second: int) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(seconds=second)
