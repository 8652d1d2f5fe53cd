"""What goes wrong in a month: broken records, repeated ones, and some that contradict an earlier one.

What belongs here: mistakes made on purpose, each with the reason that suspends it.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from pipelines.example.feeds import Inbox, gives_words, is_told_by_account
from pipelines.example.people import Account
from pipelines.example.places import filled
from pipelines.example.traffic import Call, Event, Text

BROKEN = {
    "cut_line": (9, "unreadable"),
    "cut_object": (4, "unreadable"),
    "negative_duration": (8, "bad_value"),
    "unknown_service": (6, "bad_value"),
    "unknown_account": (7, "account_unknown"),
    "unheld_number": (8, "account_unknown"),
    "no_destination": (10, "no_destination"),
    "no_length": (8, "sms_length_unknown"),
}
"""Kind of broken record -> how many in a month of 100,000 events, and the reason to expect."""
DUPLICATES = 150
CONFLICTS = 3


def scaled(count: int, events: int) -> int:
    """Return how many of a rare kind a month of `events` has, if one of 100,000 has `count`; one at least."""
    return max(1, round(count * events / 100_000))


class Faults:
    """Spoils an inbox. Counts in `suspended` what it broke, by reason; in `duplicates` what it repeated."""

    def __init__(self, rng: random.Random, inbox: Inbox, events: list[Event], accounts: list[Account]) -> None:
        """Take the inbox and the sound events of the month that are already in it."""
        self.rng, self.inbox = rng, inbox
        self.serial = max(event.serial for event in events)
        held = {holding.number for account in accounts for holding in account.holdings}
        drawn = [filled(rng, "+3319900xxxx") for _ in range(50)]
        self.unheld = [number for number in drawn if number not in held]
        calls = [event for event in events if isinstance(event, Call) and event.seconds and not event.tied]
        self.pbx = [call for call in calls if call.account.feed == "pbx" and not call.forwarded_to]
        callr = [call for call in calls if call.account.feed == "callr"]
        told = [call for call in self.pbx if is_told_by_account(call.account)]
        untold = [call for call in self.pbx if not is_told_by_account(call.account)]
        texts = [event for event in events if isinstance(event, Text) and event.account.feed == "pbx"]
        sent = [text for text in texts if not text.inbound and text.status == "delivered"]
        self.models: dict[str, Sequence[Event]] = {
            "cut_line": self.pbx,
            "cut_object": callr,
            "negative_duration": self.pbx,
            "unknown_service": self.pbx,
            "unknown_account": told,
            "unheld_number": [*untold, *callr],
            "no_destination": [call for call in (*self.pbx, *callr) if not call.inbound],
            "no_length": [text for text in sent if gives_words(text)],
        }
        self.suspended: Counter[str] = Counter()
        self.duplicates = 0

    def spoil(self, events: int) -> None:
        """Repeat some records and add broken and contradicting ones, as many as suit a month of `events`."""
        self._repeat(scaled(DUPLICATES, events))
        self._contradict()
        for kind, (count, reason) in BROKEN.items():
            models = self.models[kind]
            for _ in range(scaled(count, events) if models else 0):
                self.serial += 1
                self._break(kind, replace(self.rng.choice(models), serial=self.serial))
                self.suspended[reason] += 1

    def _repeat(self, count: int) -> None:
        """Send records again: in the same file or a week later, and CALLR's calls as a second try."""
        files = self.inbox.lines
        places = [(path, index) for path, lines in sorted(files.items()) for index in range(len(lines))]
        for path, index in self.rng.sample(places, min(count, len(places))):
            at, line = files[path][index]
            again = path
            if path.startswith("callr/calls"):
                line = line.replace('"try":0', '"try":1', 1)
            elif path.endswith(".csv") and self.rng.random() < 0.6:
                again = _week_after(path, files)
            files[again].append((at, line))
            self.duplicates += 1

    def _contradict(self) -> None:
        """Send three calls again, a week later and longer than they were."""
        files = self.inbox.lines
        early = [call for call in self.pbx if _week_after(path := self.inbox.path(call), files) != path]
        for call in self.rng.sample(early, min(CONFLICTS, len(early))):
            longer = replace(call, seconds=call.seconds + 30)
            path = _week_after(self.inbox.path(call), files)
            files[path].append((call.at, self.inbox.line(longer)))
            self.suspended["conflicting_duplicate"] += 1

    def _break(self, kind: str, event: Event) -> None:
        """Write the event with a mistake of that kind."""
        if isinstance(event, Text):
            line = self.inbox.line(replace(event, text="")).replace(',"",', ",,", 1)
        elif kind == "negative_duration":
            line = self.inbox.line(replace(event, seconds=-event.seconds))
        elif kind == "unheld_number":
            line = self.inbox.line(replace(event, own=self.rng.choice(self.unheld), parent=0))
        elif kind == "no_destination":
            line = self.inbox.line(replace(event, other=filled(self.rng, "+999xxxxxxxx"), parent=0))
        else:
            line = self.inbox.line(event)
        if kind == "cut_line":
            line = ",".join(line.split(",")[:6])[:-3]
        elif kind == "cut_object":
            line = line[: len(line) // 2]
        elif kind == "unknown_service":
            line = line.replace(",voice,", ",fax,", 1)
        elif kind == "unknown_account":
            account_id = event.account.account_id
            line = line.replace(f",{account_id},", f",X{account_id[1:]},", 1)
        self.inbox.lines[self.inbox.path(event)].append((event.at, line))


def _week_after(path: str, files: dict[str, list[tuple[int, str]]]) -> str:
    """Return the file of the same kind a week later, or the same file if there is none."""
    stem, _, week = path.removesuffix(".csv").rpartition("-w")
    later = f"{stem}-w{int(week) + 1}.csv" if week.isdigit() else path
    return later if later in files else path
