"""Usage on its way to a bill: files, records, what was refused or repeated, and the rated legs."""

from __future__ import annotations

from typing import ClassVar

import pandera.polars as pa
import polars as pl

from transforms.tables.base import Charge, Instant, Price, Table
from transforms.tables.vocabulary import (
    DIRECTIONS,
    LEGS,
    NUMBER_CHANGES,
    PART_STATES,
    REASONS,
    SERVICES,
    STATUSES,
    SUSPENSE_STATES,
    UNSTATED,
)

_FILE_NUMBER = "Position of the file in the order in which files were found; short for file_id."
_RECORD_NUMBER = "Position of the record in its file, from 1; header and blank lines do not count."
_LEG = "main, or forwarded: the outbound leg that a source reports within an inbound record."


class UsageFiles(Table):
    """Raw usage files, once per content, and where each of their records went; also those that are refused."""

    _key: ClassVar = ("file_id",)

    file_id: str = pa.Field(unique=True, description="SHA-256 of the file's bytes.")
    path: str = pa.Field(description="Where the content was first found, below the home folder.")
    format: str = pa.Field(description="Format of its records: the folder of the inbox it lay in.")
    bytes: pl.Int64 = pa.Field(ge=0, description="Size of that content.", metadata={"unit": "bytes"})
    records: pl.Int64 = pa.Field(ge=0, description="Records in the file; of one that has grown the new ones.")
    usage_records: pl.Int64 = pa.Field(
        ge=0, description="Records that became usage (as one usage record, or two legs)."
    )
    suspended: pl.Int64 = pa.Field(
        ge=0, description="Records in suspense, open or written off, none of whose legs is rated."
    )
    duplicates: pl.Int64 = pa.Field(ge=0, description="Records that say again what an earlier record said.")
    unbillable: pl.Int64 = pa.Field(
        ge=0, description="Well-formed events that report no usage, or whose usage another record stands for."
    )
    loaded_at: Instant = pa.Field(description="When the file was loaded, or refused.")
    lines: pl.Int64 = pa.Field(
        nullable=True,
        ge=0,
        description="Lines that are not empty, counted on its bytes; of Parquet the rows its footer names. Null where that "
        "is damaged.",
    )
    seconds: pl.Int64 = pa.Field(
        ge=0, description="Billable seconds of its usage, forwarded legs included.", metadata={"unit": "seconds"}
    )
    segments: pl.Int64 = pa.Field(ge=0, description="Segments of its messages, where they are known.")


class UsageRecords(Table):
    """Readable usage records as loaded: numbers normalised, texts counted and dropped."""

    _key: ClassVar = ("file_number", "record_number")

    file_number: pl.Int32 = pa.Field(description=_FILE_NUMBER)
    record_number: pl.Int64 = pa.Field(ge=1, description=_RECORD_NUMBER)
    format: str = pa.Field(description="Format of the record.")
    record_id: str = pa.Field(description="The source's own name of the event.")
    service: str = pa.Field(isin=SERVICES, description="voice or sms.")
    direction: str = pa.Field(
        isin=(*DIRECTIONS, UNSTATED),
        description="Seen from the customer: inbound or outbound; unstated where numbers.csv tells it.",
    )
    account_id: str = pa.Field(nullable=True, description="The account, where the source states it.")
    own_number: str = pa.Field(description="The customer's own number, E.164 with +; who called where unstated.")
    other_number: str = pa.Field(
        description="The other party; of an inbound record it may be anything. Who was called where unstated."
    )
    started_at: Instant = pa.Field(description="When the event started.")
    status: str = pa.Field(isin=STATUSES, description="How it ended.")
    billable_seconds: pl.Int32 = pa.Field(ge=0, description="Answered seconds, whole.", metadata={"unit": "seconds"})
    segments: pl.Int32 = pa.Field(nullable=True, ge=0, description="Segments of a message, stated or counted.")
    text_length: pl.Int32 = pa.Field(
        nullable=True, ge=0, description="Length of the message in septets or UTF-16 units."
    )
    linked_id: str = pa.Field(nullable=True, description="What ties the legs of one call.")
    forwarded_to: str = pa.Field(nullable=True, description="Number the call was forwarded to, E.164 with +.")
    forwarded_seconds: pl.Int32 = pa.Field(nullable=True, ge=0, description="Answered seconds of the forwarded leg.")


class EventParts(Table):
    """Records that tell a part of an event, such as the BYE of a call whose INVITE is another record."""

    _key: ClassVar = ("file_number", "record_number")

    file_number: pl.Int32 = pa.Field(description=_FILE_NUMBER)
    record_number: pl.Int64 = pa.Field(ge=1, description=_RECORD_NUMBER)
    format: str = pa.Field(description="Format of the record.")
    event: str = pa.Field(description="The source's own name of the event that the record tells a part of.")
    part: str = pa.Field(description="Which part it tells.")
    at: Instant = pa.Field(nullable=True, description="When that was.")
    content: str = pa.Field(description="What else of the record is needed, as JSON.")
    state: str = pa.Field(
        isin=PART_STATES,
        description="waiting: the event is not whole; usage: the record stands for it; told: another record does; "
        "repeated, refused: a later record of an event that was whole already, the same again or other.",
    )


class NumberEvents(Table):
    """What providers told of telephone numbers in files of usage; numbers.csv alone says who holds a number."""

    _key: ClassVar = ("file_number", "record_number")

    file_number: pl.Int32 = pa.Field(description=_FILE_NUMBER)
    record_number: pl.Int64 = pa.Field(ge=1, description=_RECORD_NUMBER)
    format: str = pa.Field(description="Format of the record.")
    number: str = pa.Field(description="The number, E.164 with +.")
    change: str = pa.Field(isin=NUMBER_CHANGES, description="assigned, or unassigned.")
    at: Instant = pa.Field(description="When that was.")


class RefusedRecords(Table):
    """Records, or forwarded legs of records, that mediation could not read. Nothing of their content is kept."""

    _key: ClassVar = ("file_number", "record_number", "leg")

    file_number: pl.Int32 = pa.Field(description=_FILE_NUMBER)
    record_number: pl.Int64 = pa.Field(ge=1, description=_RECORD_NUMBER)
    leg: str = pa.Field(isin=LEGS, description=_LEG)
    record_id: str = pa.Field(nullable=True, description="The source's own name of the event, where it could be read.")
    reason: str = pa.Field(isin=REASONS, description="Why it waits.")
    detail: str = pa.Field(description="The same in words, with values masked.")
    account_id: str = pa.Field(nullable=True, description="The account, where known.")


class Duplicates(Table):
    """Records that say again what an earlier one said, and records that contradict one."""

    _key: ClassVar = ("file_number", "record_number")

    file_number: pl.Int32 = pa.Field(description=_FILE_NUMBER)
    record_number: pl.Int64 = pa.Field(ge=1, description=_RECORD_NUMBER)
    first_file_number: pl.Int32 = pa.Field(description="File of the record that came first.")
    first_record_number: pl.Int64 = pa.Field(description="Position of the record that came first.")
    conflicting: bool = pa.Field(description="true: other content under the same name, which is suspended.")


class RatedUsage(Table):
    """Every leg of usage with its price and its charge."""

    _key: ClassVar[tuple[str, ...]] = ("usage_id",)

    usage_id: str = pa.Field(description="Name of the leg: format:service:record_id, with :forwarded for a second leg.")
    record_id: str = pa.Field(description="The source's own name of the event.")
    format: str = pa.Field(description="Format of the raw record.")
    file_id: str = pa.Field(description="SHA-256 of the raw file the record came from.")
    record_number: pl.Int64 = pa.Field(description=_RECORD_NUMBER)
    leg: str = pa.Field(isin=LEGS, description=_LEG)
    account_id: str = pa.Field(description="The account charged.")
    service: str = pa.Field(isin=SERVICES, description="voice or sms.")
    direction: str = pa.Field(isin=DIRECTIONS, description="Seen from the customer: inbound or outbound.")
    own_number: str = pa.Field(description="The customer's own number, E.164 with +.")
    other_number: str = pa.Field(description="The other party.")
    started_at: Instant = pa.Field(description="When the event started.")
    usage_month: str = pa.Field(description="Month in which it started, in the billing time zone.")
    billing_month: str = pa.Field(description="Month on whose bill it stands.")
    status: str = pa.Field(isin=STATUSES, description="How it ended.")
    linked_id: str = pa.Field(nullable=True, description="What ties the legs of one call.")
    billable_seconds: pl.Int32 = pa.Field(ge=0, description="Answered seconds, whole.", metadata={"unit": "seconds"})
    billed_seconds: pl.Int32 = pa.Field(
        ge=0, description="Seconds charged, by increments.", metadata={"unit": "seconds"}
    )
    segments: pl.Int32 = pa.Field(nullable=True, description="Segments of a message, where they are known.")
    destination: str = pa.Field(nullable=True, description="Destination of an outbound number, where it was found.")
    country: str = pa.Field(nullable=True, description="Country that decides the price.")
    number_class: str = pa.Field(nullable=True, description="Class of the own number of an inbound leg.")
    price_list: str = pa.Field(nullable=True, description="List of the price used; null where nothing is charged.")
    price_valid_from: pl.Date = pa.Field(nullable=True, description="Day from which the price used is in force.")
    unit_price: Price = pa.Field(
        nullable=True, description="Price per minute, segment or message; null where nothing is charged."
    )
    connection_fee: Price = pa.Field(description="Connection fee within the charge.", metadata={"unit": "currency"})
    charge: Charge = pa.Field(description="The charge, rounded once to ten decimals.", metadata={"unit": "currency"})
    currency: str = pa.Field(description="Currency of price and charge, ISO 4217.")


class Suspense(Table):
    """What could not be billed yet, with the reason. Nothing leaves this table: rows change state."""

    _key: ClassVar = ("file_id", "record_number", "leg")

    file_id: str = pa.Field(description="SHA-256 of the raw file.")
    format: str = pa.Field(description="Format of the record; numbers for a fee that has no price.")
    record_number: pl.Int64 = pa.Field(description=_RECORD_NUMBER)
    record_id: str = pa.Field(nullable=True, description="The source's own name of the event, where it could be read.")
    leg: str = pa.Field(isin=LEGS, description=_LEG)
    reason: str = pa.Field(isin=REASONS, description="Why it waits.")
    detail: str = pa.Field(description="The same in words, with values masked.")
    first_seen_at: Instant = pa.Field(description="When its file was loaded.")
    state: str = pa.Field(isin=SUSPENSE_STATES, description="open, recycled (since billed) or written_off.")
    account_id: str = pa.Field(nullable=True, description="The account, where known.")
    usage_month: str = pa.Field(nullable=True, description="Month of the event, where it could be read.")
