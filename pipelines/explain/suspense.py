"""Why a record waits in suspense, where it stands, and what a person can do about it."""

from __future__ import annotations

from pipelines.explain.places import place_of, say_place
from pipelines.explain.raw import RawRecord
from pipelines.explain.records import PRICES
from pipelines.explain.sources import Sources, account_name, at_line
from pipelines.explain.words import Page, Row, exact, moment
from transforms.tables.vocabulary import SERVICES, UNSTATED

_MANY = 20

_AGAIN = "put it into the inbox in a new file, under the same record_id; then run the month again"
_RECYCLE = "then `callbill recycle`"
_SETTINGS = "; or, where the settings of its source were wrong, mend those, then `callbill recycle`"

WHAT_TO_DO = {
    "unreadable": f"mend the record at its source and {_AGAIN}{_SETTINGS}",
    "bad_value": f"mend the record at its source and {_AGAIN}{_SETTINGS}",
    "sms_length_unknown": f"give the record segments, a text, or encoding and text_length; {_AGAIN}",
    "account_unknown": "add the account to accounts.csv, or the number's holding at that moment to "
    f"numbers.csv; {_RECYCLE}",
    "no_destination": f"add a prefix of the number to destinations.csv and a price of the destination; {_RECYCLE}",
    "no_price": "add a row to {table}, valid from that day or before, to the account's own price list or the "
    "default list of its currency; "
    f"{_RECYCLE}",
    "incomplete": "put the file with the other records of the event into the inbox; then run the month again",
    "conflicting_duplicate": "nothing, if the record that came first is right. If both are events of "
    "their own, give this one another record_id at its source and put it into the inbox in a new file",
    "changed_file": "give the file its old content back, or move it as it is now to another name in its folder; then run "
    "the month again",
}
"""What a person can do about each reason of suspense."""

_OWN_ID = "send the right one under a record_id of its own, and write this one off"
OUT_OF_BOUNDS = f"if it is right, raise the bound in callbill.toml, {_RECYCLE}. If it is wrong, {_OWN_ID}"
TOO_LARGE = f"if its price in {{table}} is wrong, mend it, {_RECYCLE}. If the record is wrong, {_OWN_ID}"
DURATION_UNTOLD = (
    "send the forwarded leg as an outbound record of its own, with the linked_id of the call; write this one off"
)
FEE_TOO_LARGE = f"mend the fee in number_fees.csv, {_RECYCLE}. No fee of 100,000,000 or more can be charged"
"""What to do about a `bad_value` that was found while it was rated: the record was read, and its name is taken."""

_COMPARED = (
    "direction",
    "own_number",
    "other_number",
    "started_at",
    "status",
    "billable_seconds",
    "segments",
    "linked_id",
)


def find_suspended(sources: Sources, identifier: str) -> list[Row]:
    """The rows of suspense that `identifier` names, those billed since included: by record_id, PATH:NUMBER
    or the usage_id that the leg will have. `_service` is then the service it must be of, else None.
    """
    query = "SELECT *, NULL AS _service FROM suspense WHERE {}"
    file, number = place_of(sources, identifier)
    if file:
        return _sorted(
            sources,
            query.format("file_id = $file AND record_number = $number"),
            {"file": file, "number": number},
        )
    found = _sorted(sources, query.format("record_id = $id"), {"id": identifier})
    form, _, rest = identifier.partition(":")
    service, _, name = rest.partition(":")
    if found or service not in SERVICES:
        return found
    return _sorted(
        sources,
        "SELECT *, $service AS _service FROM suspense WHERE format = $format AND "
        "((record_id = $name AND leg = 'main') OR (record_id || ':forwarded' = $name AND leg = 'forwarded'))",
        {"service": service, "format": form, "name": name},
    )


def _sorted(sources: Sources, query: str, values: dict[str, object]) -> list[Row]:
    return sources.rows(f"{query} ORDER BY first_seen_at, file_id, record_number, leg LIMIT {_MANY}", values)


def explain_suspended(sources: Sources, row: Row) -> Page | None:
    """Why a record, or the fee of a number, waits, and what to do: `row` of `find_suspended`.

    None where the record is of another service than the identifier says.
    """
    page = Page(facts={"type": "suspended", **{name: value for name, value in row.items() if name != "_service"}})
    what = (
        f"number {row['record_id']}"
        if row["format"] == "numbers"
        else f"record {row['record_id'] or '(its name cannot be read)'}"
    )
    second = ", its forwarded leg" if row["leg"] == "forwarded" else ""
    state = {"open": "in suspense", "recycled": "was in suspense and is billed since"}.get(row["state"], "written off")
    page.title(f"{what}{second}: {state}, {row['reason']}")
    read: Row | None = None
    if row["format"] == "numbers":
        page.section("Number")
        holding = sources.line_of("numbers", number=row["record_id"], account_id=row["account_id"])
        page.say(
            "number",
            f"{row['record_id']}: {at_line('numbers', holding)}, its monthly fee of {row['usage_month']}",
        )
    else:
        page.section("Raw record")
        raw = say_place(page, sources, row)
        read = raw.read if raw else None
        if read and row["_service"] not in (None, read["service"]):
            return None
        if raw and read:
            _say_what_was_read(page, sources, read, raw)
    page.section("Suspense")
    page.say("reason", row["reason"])
    page.say("detail", row["detail"])
    page.say("since", moment(row["first_seen_at"], sources.installation.settings.zone))
    if row["account_id"]:
        page.say("account", account_name(sources.account(row["account_id"]), row["account_id"]))
    if row["reason"] == "conflicting_duplicate" and read:
        _say_differences(page, sources, row, read)
    if row["state"] == "open":
        todo = _advice(row).format(table=_price_table(row, read))
        page.say("what to do", todo)
        page.facts["what_to_do"] = todo
    return page


def _advice(row: Row) -> str:
    if row["reason"] != "bad_value":
        return WHAT_TO_DO[row["reason"]]
    if row["format"] == "numbers":
        return FEE_TOO_LARGE
    if "[bounds]" in row["detail"]:
        return OUT_OF_BOUNDS
    if row["usage_month"] is None:
        return WHAT_TO_DO["bad_value"]
    return TOO_LARGE if row["detail"].startswith(("costs ", "lasts ")) else DURATION_UNTOLD


def _say_what_was_read(page: Page, sources: Sources, read: Row, raw: RawRecord) -> None:
    zone = sources.installation.settings.zone
    kind = "call" if read["service"] == "voice" else "message"
    kind = kind if read["direction"] == UNSTATED else f"{read['direction']} {kind}"
    way = f"{read['own_number']} to {read['other_number']}"
    if read["direction"] == "inbound":
        way = f"{read['other_number']} to {read['own_number']}"
    page.say(
        "read as",
        f"{kind} from {way}, {read['status']}, {moment(read['started_at'], zone)}",
    )
    if read["service"] == "voice":
        page.say("", f"{read['billable_seconds']} s")
    if read["forwarded_to"]:
        page.say("", f"forwarded to {read['forwarded_to']}, {read['forwarded_seconds']} s")
    page.say(
        "",
        "the record states its account" if raw.stated_account else "the account is the holder of the customer's number",
    )


def _price_table(row: Row, read: Row | None) -> str:
    if row["format"] == "numbers":
        return "number_fees.csv"
    if read is None:
        return "the price table"
    outbound = row["leg"] == "forwarded" or read["direction"] != "inbound"
    return f"{PRICES[read['service'], 'outbound' if outbound else 'inbound'][0]}.csv"


def _same_parties(read: Row, first: Row) -> bool:
    """Whether a record without a direction is between the same two numbers as a rated one, which has one."""
    return {read["own_number"], read["other_number"]} == {first["own_number"], first["other_number"]}


def _say_differences(page: Page, sources: Sources, row: Row, read: Row) -> None:
    """Where the record differs from the rated one of the same name, as far as what is kept shows."""
    first = sources.row(
        "SELECT * FROM rated_usage WHERE format = $format AND record_id = $id AND service = $service AND leg = 'main'",
        {"format": row["format"], "id": row["record_id"], "service": read["service"]},
    )
    if first is None:
        page.say("stands", "the record that came first is itself not rated in a published month")
        return
    page.say("stands", f"{first['usage_id']}, charged {exact(first['charge'])} {first['currency']}")
    if read["direction"] == UNSTATED:
        read = read | {
            name: first[name] for name in ("direction", "own_number", "other_number") if _same_parties(read, first)
        }
    if read["account_id"] not in (None, first["account_id"]):
        page.say("", f"account {read['account_id']} here, {first['account_id']} in the record that stands")
    for name in _COMPARED:
        if read[name] != first[name]:
            page.say("", f"{name}: {read[name]} here, {first[name]} in the record that stands")
