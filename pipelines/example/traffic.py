"""The calls and messages of the example month, one object each, as they happened.

What belongs here: who calls and texts whom, when and for how long. How a system writes that down is `feeds`.
"""

import random
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day

from pipelines.example.clock import AFTER, BEFORE, Clock, next_month
from pipelines.example.people import Account, Holding
from pipelines.example.phonebook import Phonebook
from pipelines.example.places import HOMES
from pipelines.example.texts import message, reply


@dataclass(frozen=True)
class Habit:
    """What an account does: its shares of calls and messages, and the length of its calls."""

    calls_in: float
    calls_out: float
    texts_out: float
    texts_in: float
    length: float
    """Logarithm of the median call in seconds."""


HABITS = {
    "agency": Habit(0.62, 0.12, 0.20, 0.06, 4.6),
    "support": Habit(0.55, 0.34, 0.09, 0.02, 4.9),
    "sales": Habit(0.10, 0.76, 0.12, 0.02, 4.2),
    "notices": Habit(0.04, 0.08, 0.78, 0.10, 3.5),
    "shop": Habit(0.34, 0.28, 0.32, 0.06, 4.3),
    "person": Habit(0.30, 0.38, 0.22, 0.10, 4.4),
}
ENDINGS_OUT = ("answered", "no_answer", "busy", "failed"), (0.74, 0.91, 0.97, 1.0)
ENDINGS_IN = ("answered", "no_answer", "busy", "failed"), (0.84, 0.97, 0.99, 1.0)
TEXT_ENDINGS = ("delivered", "sent", "failed", "rejected"), (0.82, 0.95, 0.985, 1.0)
"""How calls and messages end, and the shares added up."""
SENDERS = ("InfoColis", "MaBanque", "Doctopoint", "36105", "MyParcel")
"""Senders of received messages that are no telephone numbers."""


@dataclass(slots=True)
class Call:
    """One leg of a call. `parent` is the serial of the inbound leg that it forwards, or 0.

    `forwarded_to` and `forwarded_seconds` are the outbound leg where the source reports both legs in one
    record; `tied` marks an inbound leg that has outbound legs of its own.
    """

    serial: int
    account: Account
    at: int
    inbound: bool
    own: str
    other: str
    status: str
    seconds: int
    ring: int
    parent: int = 0
    tied: bool = False
    forwarded_to: str = ""
    forwarded_seconds: int = 0


@dataclass(slots=True)
class Text:
    """One message."""

    serial: int
    account: Account
    at: int
    inbound: bool
    own: str
    other: str
    status: str
    text: str


Event = Call | Text


@dataclass(frozen=True)
class Span:
    """A number in the hours from `first` up to, not including, `end`."""

    holding: Holding
    first: int
    end: int


def reports_both_legs(account: Account) -> bool:
    """Tell whether the account's system writes a forwarded call as one record with both legs."""
    return account.feed == "app" or (account.feed == "pbx" and account.index % 3 != 0)


class Traffic:
    """Draws events; the same random numbers give the same events."""

    def __init__(self, rng: random.Random, month: date, accounts: list[Account], phonebook: Phonebook) -> None:
        """Take the customers and the first day of the month."""
        self.rng, self.accounts, self.phonebook = rng, accounts, phonebook
        self.clocks = {home.zone: Clock(month, home.zone) for home in HOMES.values()}
        end = next_month(month)
        hours = BEFORE * 24, (BEFORE + (end - month).days) * 24
        self.before, self.within, self.after = (24, hours[0]), hours, (hours[1], hours[1] + (AFTER - 1) * 24)
        self.serial = 0
        self._contacts: dict[tuple[str, str], list[str]] = {}

    def month(self, count: int) -> list[Event]:
        """Return about `count` events that started in the month, the accounts' shares by their weights."""
        events: list[Event] = []
        spans = {account.account_id: self.spans(account, self.within) for account in self.accounts}
        active = [account for account in self.accounts if spans[account.account_id]]
        length = self.within[1] - self.within[0]
        shares = [
            account.weight * max(span.end - span.first for span in spans[account.account_id]) / length
            for account in active
        ]
        for account, share in zip(active, shares, strict=True):
            wanted = round(count * share / sum(shares))
            found: list[Event] = []
            while len(found) < wanted:
                found += self._happening(account, spans[account.account_id])
            events += found
        return events

    def strays(self, hours: tuple[int, int], count: int) -> list[Event]:
        """Return `count` single events that started within `hours`, of accounts open then."""
        spans = {account.account_id: self.spans(account, hours) for account in self.accounts}
        active = [account for account in self.accounts if spans[account.account_id]]
        weights = [account.weight for account in active]
        events: list[Event] = []
        while len(events) < count:
            account = self.rng.choices(active, weights)[0]
            found = self._happening(account, spans[account.account_id])
            if len(found) == 1:
                events += found
        return events

    def spans(self, account: Account, hours: tuple[int, int]) -> list[Span]:
        """Return the account's numbers with the whole hours in which they may be used."""
        clock = self.clocks[account.home.zone]
        opened = clock.hour_of(datetime.combine(account.opened_on, time_of_day.min, UTC))
        closed = hours[1]
        if account.closed_on:
            closed = clock.hour_of(datetime.combine(account.closed_on + timedelta(days=1), time_of_day.min, UTC))
        found = []
        for holding in account.holdings:
            first = max(hours[0], opened, clock.hour_of(holding.start) + (holding.start.minute > 0))
            end = min(hours[1], closed, clock.hour_of(holding.end) if holding.end else hours[1])
            if first < end:
                found.append(Span(holding, first, end))
        return found

    def _happening(self, account: Account, spans: list[Span]) -> list[Event]:
        """Return one call with all its legs, or one message."""
        habit = HABITS[account.habit]
        what = self.rng.random()
        if what < habit.calls_in:
            return self._call_in(account, habit, spans)
        if what < habit.calls_in + habit.calls_out:
            return [self._call_out(account, habit, spans)]
        return [self._text(account, spans, inbound=what > 1 - habit.texts_in)]

    def _call_out(self, account: Account, habit: Habit, spans: list[Span]) -> Event:
        """Return a call that the account makes; freephone numbers can't call."""
        span = self._pick([span for span in spans if span.holding.number_class != "toll_free"] or spans)
        status = _ending(self.rng, ENDINGS_OUT)
        return self._call(account, span, False, self._contact(account, "called", 0.45), status, habit.length)

    def _call_in(self, account: Account, habit: Habit, spans: list[Span]) -> list[Event]:
        """Return a call to the account; one to a tracked number is forwarded, with its outbound legs."""
        rng = self.rng
        span = self._pick(spans)
        caller = "anonymous" if rng.random() < 0.03 else self._contact(account, "caller", 0.65)
        status = _ending(rng, ENDINGS_IN)
        call = self._call(account, span, True, caller, status, habit.length)
        if not span.holding.call_tracking or rng.random() < 0.06:
            return [call]
        target = self._contact(account, "target", 0.5)
        fate = rng.random()
        if status != "answered" or fate < 0.15:
            talked = 0
            call.seconds = min(call.seconds, 25)
        else:
            talked = max(1, call.seconds - rng.randint(2, 18))
        if reports_both_legs(account):
            call.forwarded_to, call.forwarded_seconds = target, talked
            return [call]
        if status != "answered" and fate < 0.5:
            return [call]
        call.tied = True
        legs: list[Event] = [call]
        if fate > 0.85:
            another = self._contact(account, "target", 0.5)
            legs.append(self._leg(call, another, "no_answer", 0, 1500))
        outcome = "answered" if talked else rng.choice(("no_answer", "no_answer", "busy"))
        legs.append(self._leg(call, target, outcome, talked, 1500 + 21_000 * (len(legs) - 1)))
        return legs

    def _leg(self, call: Call, target: str, status: str, seconds: int, later: int) -> Call:
        """Return the outbound leg of a forwarded call that starts `later` milliseconds after it."""
        ring = self.rng.randint(3, 20)
        own, at = call.own, call.at + later
        serial = self._next()
        return Call(serial, call.account, at, False, own, target, status, seconds, ring, parent=call.serial)

    def _call(self, account: Account, span: Span, inbound: bool, other: str, status: str, length: float) -> Call:
        rng = self.rng
        at = self.clocks[account.home.zone].draw(rng, span.first, span.end)
        seconds = min(14_400, int(rng.lognormvariate(length, 1.05))) if status == "answered" else 0
        ring = 2 + int(rng.expovariate(0.11))
        return Call(self._next(), account, at, inbound, span.holding.number, other, status, seconds, ring)

    def _text(self, account: Account, spans: list[Span], *, inbound: bool) -> Event:
        rng = self.rng
        mobiles = [span for span in spans if span.holding.number_class == "mobile"]
        span = self._pick(mobiles or [s for s in spans if s.holding.number_class != "toll_free"] or spans)
        at = self.clocks[account.home.zone].draw(rng, span.first, span.end)
        language = account.home.language
        if inbound:
            machine = rng.random() < 0.1
            sender = rng.choice(SENDERS) if machine else self._contact(account, "texted", 1.0)
            text = message(rng, language) if machine else reply(rng, language)
            return Text(self._next(), account, at, True, span.holding.number, sender, "received", text)
        status = _ending(rng, TEXT_ENDINGS)
        receiver = self._contact(account, "texted", 1.0)
        text = message(rng, language)
        return Text(self._next(), account, at, False, span.holding.number, receiver, status, text)

    def _contact(self, account: Account, role: str, mobile: float) -> str:
        """Return somebody the account has to do with in that role: often one of the first it ever had."""
        rng = self.rng
        known = self._contacts.setdefault((account.account_id, role), [])
        near = role == "target"
        if not known or rng.random() < (0.08 if near else 0.35):
            known.append(self.phonebook.party(rng, account, mobile=mobile, near=near))
            return known[-1]
        return known[int(len(known) * rng.random() ** 2)]

    def _pick(self, spans: list[Span]) -> Span:
        """Return one of the numbers, the first ones more often."""
        return spans[int(len(spans) * self.rng.random() ** 2)]

    def _next(self) -> int:
        self.serial += 1
        return self.serial


def _ending(rng: random.Random, endings: tuple[tuple[str, ...], tuple[float, ...]]) -> str:
    names, until = endings
    return names[min(bisect_right(until, rng.random()), len(names) - 1)]
