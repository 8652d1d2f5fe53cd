"""How each system writes down what happened: the lines and rows of the example's inbox.

What belongs here: one function a kind of record, and which file it goes to. Records that are wrong on purpose
are `faults`.
"""

import gzip
import io
import json
from bisect import bisect_right
from datetime import date

import polars as pl

from pipelines.example.clock import BEFORE, HOUR, Clock
from pipelines.example.people import Account
from pipelines.example.places import HOMES
from pipelines.example.texts import measured, parts
from pipelines.example.traffic import Call, Event, Text

CALL_COLUMNS = (
    *("record_id", "service", "direction", "account_id", "from_number", "to_number", "started_at"),
    *("duration_seconds", "status", "linked_id", "forwarded_to", "forwarded_seconds"),
)
TEXT_COLUMNS = (
    *("record_id", "started_at", "service", "direction", "from_number", "to_number", "status"),
    *("segments", "encoding", "text_length", "text", "account_id"),
)
"""Columns of the message files, in an order of their own: the standard format asks for none."""
TRACKING_COLUMNS = {
    name: pl.Int64 if name.endswith("seconds") else pl.String for name in CALL_COLUMNS if name != "linked_id"
}
"""Columns of the Parquet file."""
WEEK_ENDS = (7, 14, 21)
"""Days of the month on which a weekly file ends; the last one runs to the end of the month."""
ZIPPED_WEEK = 3
CALLR_STATUS = {"rejected": "error"}
"""Our word for how a message ended -> CALLR's, where they differ."""


class Inbox:
    """Collects the records of all files. `lines` holds, by path below inbox/, pairs of (moment, line)."""

    def __init__(self, month: date) -> None:
        """Take the first day of the month."""
        self.name = f"{month:%Y-%m}"
        self.lines: dict[str, list[tuple[int, str]]] = {}
        self.rows: list[tuple[int, tuple[str | int | None, ...]]] = []
        self.utc = Clock(month, "UTC", zulu=True)
        self._clocks = {home.zone: Clock(month, home.zone) for home in HOMES.values()}
        self._first_call_id = int(f"{month:%y%m}") * 10**8

    def add(self, event: Event) -> None:
        """Write the event as its account's system does."""
        feed = event.account.feed
        if isinstance(event, Call) and feed == "pbx" and event.forwarded_to:
            self.rows.append((event.at, self._tracking_row(event)))
            return
        self.lines.setdefault(self.path(event), []).append((event.at, self.line(event)))

    def path(self, event: Event) -> str:
        """Return the text file that the event is written to."""
        week = bisect_right(WEEK_ENDS, event.at // (24 * HOUR) - BEFORE) + 1
        kind = "calls" if isinstance(event, Call) else "messages"
        if event.account.feed == "callr":
            return f"callr/{kind}-{self.name}-w{week}.jsonl"
        if event.account.feed == "app":
            return f"standard/app-{self.name}.jsonl"
        return f"standard/pbx-{kind}-{self.name}-w{week}.csv"

    def line(self, event: Event) -> str:
        """Return the event as a line of that file, without a line end."""
        if event.account.feed == "callr":
            return self._callr_call(event) if isinstance(event, Call) else self._callr_text(event)
        if event.account.feed == "app":
            return self._app(event)
        return self._pbx_call(event) if isinstance(event, Call) else self._pbx_text(event)

    def files(self) -> dict[str, bytes]:
        """Return path below inbox/ -> content, records by their moment; one week's calls are zipped."""
        found = {}
        for path, lines in sorted(self.lines.items()):
            ordered = [line for _, line in sorted(lines, key=lambda pair: pair[0])]
            if path.endswith(".csv"):
                ordered.insert(0, ",".join(CALL_COLUMNS if "-calls-" in path else TEXT_COLUMNS))
            content = ("\n".join(ordered) + "\n").encode()
            if path.endswith(f"pbx-calls-{self.name}-w{ZIPPED_WEEK}.csv"):
                content, path = gzip.compress(content, compresslevel=6, mtime=0), f"{path}.gz"
            found[path] = content
        if self.rows:
            rows = [row for _, row in sorted(self.rows, key=lambda pair: pair[0])]
            buffer = io.BytesIO()
            pl.DataFrame(rows, schema=TRACKING_COLUMNS, orient="row").write_parquet(buffer)
            found[f"standard/tracking-{self.name}.parquet"] = buffer.getvalue()
        return found

    def _tracking_row(self, call: Call) -> tuple[str | int | None, ...]:
        started = self._clocks[call.account.home.zone].iso(call.at)
        account_id = call.account.account_id
        return (
            *(record_id(call), "voice", "inbound", account_id, call.other, call.own, started),
            *(call.seconds, call.status, call.forwarded_to, call.forwarded_seconds),
        )

    def _pbx_call(self, call: Call) -> str:
        account, index = call.account, call.account.index
        own, other = _styled(index, call.own), _styled(index, call.other)
        caller, called = (other, own) if call.inbound else (own, other)
        started = self._clocks[account.home.zone].iso(call.at)
        duration = str(call.seconds)
        if call.seconds and index % 7 == 3:
            duration += f".{call.serial % 10}"
        status = "" if index % 5 == 0 and call.status == "answered" else call.status
        account_id = account.account_id if index % 2 else ""
        return (
            f"{record_id(call)},voice,{_way(call)},{account_id},{caller},{called},{started},"
            f"{duration},{status},{_link(call)},,"
        )

    def _pbx_text(self, text: Text) -> str:
        account, index = text.account, text.account.index
        own, other = _styled(index, text.own), _styled(index, text.other)
        sender, receiver = (other, own) if text.inbound else (own, other)
        started = self._clocks[account.home.zone].iso(text.at)
        status = "" if index % 5 == 0 and text.status == "sent" else text.status
        account_id = account.account_id if index % 2 else ""
        segments = encoding = length = words = ""
        if gives_words(text):
            words = _quoted(text.text)
        elif index % 10 == 7:
            segments = str(parts(text.text))
        else:
            encoding, units = measured(text.text)
            length = str(units)
        return (
            f"{record_id(text)},{started},sms,{_way(text)},{sender},{receiver},{status},"
            f"{segments},{encoding},{length},{words},{account_id}"
        )

    def _app(self, event: Event) -> str:
        caller, called = (event.other, event.own) if event.inbound else (event.own, event.other)
        fields: dict[str, str | int] = {
            "record_id": record_id(event),
            "service": "voice" if isinstance(event, Call) else "sms",
            "direction": _way(event),
            "account_id": event.account.account_id,
            "from_number": caller,
            "to_number": called,
            "started_at": self.utc.iso_milliseconds(event.at),
            "status": event.status,
        }
        if isinstance(event, Text):
            fields["text"] = event.text
        else:
            fields["duration_seconds"] = event.seconds
            if event.forwarded_to:
                fields |= {"forwarded_to": event.forwarded_to, "forwarded_seconds": event.forwarded_seconds}
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))

    def _callr_call(self, call: Call) -> str:
        way = _way(call)
        caller, callee = (call.other, call.own) if call.inbound else (call.own, call.other)
        answered = f'"{self.utc.iso_milliseconds(call.at + 1000 * call.ring)}"' if call.status == "answered" else "null"
        total = call.ring + call.seconds
        ended = call.at + 1000 * total + call.serial % 1000
        billed = -(-call.seconds // 60) * 60
        cents = billed // 60 * (90 if call.inbound else 240)
        parent = "" if call.inbound else f'"callid_in":{self._call_id(call.parent)},'
        name = record_id(call)
        return (
            f'{{"id":"e{name}","at":"{self.utc.iso(ended)}","sid":"{call.account.account_id.lower()}flow",'
            f'"type":"v2.call.{way}.ended","try":0,"payload":{{"direction":"{way}",'
            f'"callid":{self._call_id(call.serial)},{parent}"callerName":"","callerNumber":"{caller}",'
            f'"callerRestricted":{"true" if caller == "anonymous" else "false"},"callee":"{callee}",'
            f'"started":"{self.utc.iso_milliseconds(call.at)}","answered":{answered},'
            f'"ended":"{self.utc.iso_milliseconds(ended)}","status":"{call.status}","hangupSource":"caller",'
            f'"hangupCause":{16 if call.seconds else 19},"hangupTech":"sip:{200 if call.seconds else 480}",'
            f'"durationTotal":{total},"durationAnswered":{call.seconds},"durationBilled":{billed},'
            f'"billingDebit":"{cents // 100}.{cents % 100:02d}","billingCredit":"0.00",'
            f'"billingPaymentType":"postpaid","scenarioName":"{call.account.habit}"}}}}'
        )

    def _callr_text(self, text: Text) -> str:
        created = self.utc.plain(text.at)
        sent = self.utc.plain(text.at + 2000)
        fields: dict[str, object] = {
            "type": "in" if text.inbound else "out",
            "hash": record_id(text).upper(),
            "from": text.other if text.inbound else text.own,
            "to": text.own if text.inbound else text.other,
            "text": text.text,
            "options": {},
            "status": CALLR_STATUS.get(text.status, text.status),
            "status_error": None,
            "date_creation": created,
            "date_update": sent,
            "date_sent": None if text.inbound else sent,
            "date_received": created if text.inbound else None,
            "parts": parts(text.text),
        }
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))

    def _call_id(self, serial: int) -> str:
        return str(self._first_call_id + 613 * serial) if serial else "null"


def is_told_by_account(account: Account) -> bool:
    """Tell whether the account's lines in the pbx files name it."""
    return bool(account.index % 2)


def gives_words(text: Text) -> bool:
    """Tell whether the account's pbx writes the words of a message, not its segments or its length."""
    return text.account.index % 10 not in (7, 8)


def record_id(event: Event) -> str:
    """Return the event's own name: its serial, so mixed that names look random and no two are alike."""
    return f"{event.serial * 0x9E3779B97F4A7C15 % 2**64:016x}"


def _way(event: Event) -> str:
    return "inbound" if event.inbound else "outbound"


def _link(call: Call) -> str:
    serial = call.parent or (call.serial if call.tied else 0)
    return f"L{serial:07d}" if serial else ""


def _styled(index: int, number: str) -> str:
    """Return the number as the account's exchange writes it: with +, with 00, or bare."""
    if number[0] != "+" or index % 4 < 2:
        return number
    return number.replace("+", "00" if index % 4 == 2 else "")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
