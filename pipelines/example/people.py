"""The invented customers of the example month: accounts and the telephone numbers they hold.

What belongs here: who exists and since when. What they do with their numbers is `traffic`, what they pay is
`money`.
"""

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day

from stdnum import luhn
from stdnum.eu import vat as eu_vat
from stdnum.fr import siren

from pipelines.example.places import CLASSES, FIRST_WORDS, HOMES, SECOND_WORDS, Home, filled


@dataclass
class Holding:
    """One number in the hands of one account from `start` to `end` (UTC; None: still held), both included.

    The two texts are what numbers.csv says: a date, or a moment with its offset.
    """

    number: str
    country: str
    number_class: str
    call_tracking: bool
    assigned_at: str
    released_at: str = ""

    @property
    def start(self) -> datetime:
        """First moment of the holding."""
        return _moment(self.assigned_at, time_of_day.min)

    @property
    def end(self) -> datetime | None:
        """Last moment of the holding."""
        return _moment(self.released_at, time_of_day.max) if self.released_at else None


@dataclass
class Account:
    """One customer, and the habits that its traffic is drawn from.

    `weight` is its share of all traffic (any scale), `habit` a key of `traffic.HABITS`, `feed` the system
    that reports its usage: pbx, app or callr.
    """

    account_id: str
    name: str
    country: str
    business: bool
    opened_on: date
    closed_on: date | None
    prepaid: bool
    currency: str
    weight: float
    habit: str
    vat_number: str = ""
    price_list: str = ""
    payment_method: str = "balance"
    feed: str = "pbx"
    holdings: list[Holding] = field(default_factory=list)
    index: int = field(init=False)
    """Its ordinal, by which habits are spread that need no chance."""

    def __post_init__(self) -> None:
        """Take the ordinal from the account's id."""
        self.index = int(self.account_id[1:])

    @property
    def home(self) -> Home:
        """Where it lives."""
        return HOMES[self.country]

    @property
    def email(self) -> str:
        """An address that can't exist (RFC 2606)."""
        plain = unicodedata.normalize("NFKD", self.name.lower()).encode("ascii", "ignore").decode()
        words = "".join(letter if letter.isalnum() else " " for letter in plain).split()
        if not self.business:
            return f"{'.'.join(words)}{self.index}@example.org"
        return f"{'.'.join(words[:3])}@example.com"


def make_accounts(rng: random.Random, month: date, count: int) -> list[Account]:
    """Return `count` accounts with their numbers, as they stand at the end of the month begun on `month`."""
    countries = rng.choices(list(HOMES), [home.share for home in HOMES.values()], k=count)
    names = _names(rng)
    accounts = [_account(rng, month, f"A{index:04d}", country, names) for index, country in enumerate(countries, 1)]
    _share_out(rng, accounts)
    used: set[str] = set()
    for account in accounts:
        _give_numbers(rng, month, account, used)
    _special_cases(rng, month, accounts, used)
    return accounts


def _account(rng: random.Random, month: date, account_id: str, country: str, names: Iterator[str]) -> Account:
    home = HOMES[country]
    business = rng.random() < 0.82
    prepaid = rng.random() < (0.48 if business else 0.70)
    opened_on = month - timedelta(days=rng.randint(40, 600))
    closed_on = None
    if rng.random() < 0.04:
        opened_on = month + timedelta(days=rng.randint(2, 24))
    elif rng.random() < 0.04:
        closed_on = month + timedelta(days=rng.randint(-12, 26))
    account = Account(
        account_id=account_id,
        name=f"{next(names)} {rng.choice(home.forms)}" if business else _person(rng, home),
        country=country,
        business=business,
        opened_on=opened_on,
        closed_on=closed_on,
        prepaid=prepaid,
        currency=rng.choice(home.currencies),
        weight=min(rng.paretovariate(1.05), 60.0) if business else 0.4 * rng.random() + 0.1,
        habit=rng.choice(("agency", "support", "sales", "notices", "shop")) if business else "person",
    )
    if business and home.vat_template and rng.random() < 0.85:
        account.vat_number = _vat_number(rng, country, home.vat_template)
    if not prepaid:
        account.payment_method = "direct_debit" if rng.random() < 0.6 else "bank_transfer"
    return account


def _names(rng: random.Random) -> Iterator[str]:
    """Yield names of companies, no two alike."""
    pairs = [f"{first} {second}" for first in FIRST_WORDS for second in SECOND_WORDS]
    rng.shuffle(pairs)
    yield from pairs
    number = 1
    while True:
        number += 1
        yield from (f"{pair} {number}" for pair in pairs)


def _person(rng: random.Random, home: Home) -> str:
    return f"{rng.choice(home.first_names)} {rng.choice(home.last_names)}"


def _vat_number(rng: random.Random, country: str, template: str) -> str:
    """Return a VAT number whose check digits are right; it belongs to nobody we know."""
    if country == "FR":
        digits = filled(rng, "xxxxxxxx")
        tax_number: str = siren.to_tva(digits + luhn.calc_check_digit(digits))
        return "FR" + tax_number.replace(" ", "")
    while True:
        number = filled(rng, template)
        if eu_vat.is_valid(number):
            return number


def _share_out(rng: random.Random, accounts: list[Account]) -> None:
    """Give each account the system that reports it: three tenths of the traffic to CALLR, some to an app.

    The three largest postpaid accounts in euro have negotiated prices.
    """
    whole = sum(account.weight for account in accounts)
    left = {"callr": 0.29 * whole, "app": 0.07 * whole}
    for account in rng.sample(accounts, len(accounts)):
        for feed, room in left.items():
            if account.weight <= room and rng.random() < 0.6:
                account.feed = feed
                left[feed] -= account.weight
                break
    largest = sorted(accounts, key=lambda account: (-account.weight, account.account_id))
    customers = [account for account in largest if not account.prepaid and account.currency == "EUR"]
    for account in customers[:3]:
        account.price_list = "wholesale_eur"
    for account in customers[3:6]:
        account.price_list = "default_eur"


def _give_numbers(rng: random.Random, month: date, account: Account, used: set[str]) -> None:
    """Give the account its numbers: one that can call and text, and more the more traffic it has."""
    tracks = account.habit == "agency" or (account.habit == "shop" and rng.random() < 0.4)
    more = min(40, int(account.weight * rng.uniform(0.2, 0.7)))
    latest = min(account.closed_on or month, month + timedelta(days=27))
    for index in range(1 + more):
        country = account.country
        if index and account.business and rng.random() < 0.12:
            country = rng.choice([code for code in account.home.neighbours if code in HOMES])
        number_class = rng.choices(CLASSES, (60, 20, 12, 8))[0] if index else "geographic"
        if not index and account.habit in ("notices", "person"):
            number_class = "mobile"
        first = account.opened_on
        if index and first < latest:
            first += timedelta(days=rng.randint(0, (latest - first).days))
        if index and not account.closed_on and first < month and rng.random() < 0.05:
            first = month + timedelta(days=rng.randint(1, 24))
        holding = Holding(
            number=_new_number(rng, country, number_class, used),
            country=country,
            number_class=number_class,
            call_tracking=tracks and (index > 0 or not more) and rng.random() < 0.85,
            assigned_at=first.isoformat(),
            released_at=account.closed_on.isoformat() if account.closed_on else "",
        )
        if index and not account.closed_on and first < month and rng.random() < 0.06:
            released = month + timedelta(days=rng.randint(-20, 25))
            holding.released_at = max(released, first).isoformat()
        account.holdings.append(holding)


def _new_number(rng: random.Random, country: str, number_class: str, used: set[str]) -> str:
    templates = HOMES[country].numbers.get(number_class) or HOMES[country].numbers["geographic"]
    while True:
        number = filled(rng, rng.choice(templates))
        if number not in used:
            used.add(number)
            return number


def _special_cases(rng: random.Random, month: date, accounts: list[Account], used: set[str]) -> None:
    """Add what every month has to be tried with: free weeks of call tracking, and a number that moves.

    Five accounts that track no calls yet get their first tracked number: one whose free week reaches into the
    month, two within it, one given back within the free week, one whose free week leaves the month free.
    """
    stays = [account for account in accounts if account.business and not account.closed_on]
    settled = [account for account in stays if account.opened_on < month - timedelta(days=31)]
    beginners = [a for a in settled if not any(holding.call_tracking for holding in a.holdings)]
    for account, (first, last) in zip(
        beginners, ((-4, None), (4, None), (11, None), (7, 11), (27, None)), strict=False
    ):
        holding = Holding(
            number=_new_number(rng, account.country, "geographic", used),
            country=account.country,
            number_class="geographic",
            call_tracking=True,
            assigned_at=(month + timedelta(days=first)).isoformat(),
            released_at=(month + timedelta(days=last)).isoformat() if last else "",
        )
        if first == 11:
            holding.assigned_at += "T09:30:00+02:00"
        account.holdings.append(holding)
    giver, taker = [account for account in settled if account.country == "FR"][:2] or settled[:2]
    number = _new_number(rng, "FR", "geographic", used)
    moved_on = (month + timedelta(days=13)).isoformat()
    since = (month - timedelta(days=30)).isoformat()
    giver.holdings.append(Holding(number, "FR", "geographic", False, since, f"{moved_on}T15:59:59+02:00"))
    taker.holdings.append(Holding(number, "FR", "geographic", False, f"{moved_on}T16:00:00+02:00"))


def _moment(text: str, time_of_a_date: time_of_day) -> datetime:
    """Return the moment that a field of numbers.csv names; a date stands for a whole day in UTC."""
    if "T" in text:
        return datetime.fromisoformat(text)
    return datetime.combine(date.fromisoformat(text), time_of_a_date, UTC)
