"""Fields of any source become usage records; what cannot be one is refused with a reason.

The rules of refusal are one table here, read from top to bottom: the first that applies names the reason. Whether
an account or a price exists is no matter of this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from transforms.mediation import segments, values
from transforms.tables.base import conform
from transforms.tables.usage import UsageRecords
from transforms.tables.vocabulary import DIRECTIONS, SERVICES, UNSTATED

FIELDS = (
    "record_id",
    "service",
    "direction",
    "account_id",
    "from_number",
    "to_number",
    "started_at",
    "duration_seconds",
    "status",
    "linked_id",
    "forwarded_to",
    "forwarded_seconds",
    "text",
    "encoding",
    "text_length",
    "segments",
)
"""The fields of a usage record before it is read, all text; every format brings its own into these."""


def with_all_fields(told: pl.DataFrame, place: Sequence[str] = ("record_number",)) -> pl.DataFrame:
    """The columns `place` and FIELDS of what a source tells; a field that it does not tell is null."""
    absent = [pl.lit(None, pl.String).alias(name) for name in FIELDS if name not in told.columns]
    return told.with_columns(absent).select(*place, *FIELDS)


VOICE_STATUSES = ("answered", "no_answer", "busy", "failed")
SMS_STATUSES = ("sent", "delivered", "received", "failed", "rejected")
UNCHARGED_SMS = ("failed", "rejected")

_VOICE = pl.col("service") == "voice"
_SMS = pl.col("service") == "sms"
_OUT = pl.col("direction") == "outbound"
_IN = pl.col("direction") == "inbound"
_UNSTATED = pl.col("direction") == UNSTATED
_ANSWERED = _VOICE & (pl.col("status") == "answered")
_CHARGED_OUT_SMS = _SMS & _OUT & ~pl.col("status").is_in(UNCHARGED_SMS)
_FORWARDED = pl.col("forwarded_to").is_not_null()


@dataclass(frozen=True)
class Mediated:
    """`records`: columns of UsageRecords but for file and format. `refused`: record_number, leg, record_id, reason,
    detail, account_id; a refused leg `forwarded` leaves its record standing."""

    records: pl.DataFrame
    refused: pl.DataFrame


@dataclass(frozen=True)
class Rule:
    """A record for which `applies` is true is refused: `column` holds no `expected`."""

    column: str
    expected: str
    applies: pl.Expr
    reason: str = "bad_value"


def _stated_wrongly(column: str, parsed: str) -> pl.Expr:
    return pl.col(column).is_not_null() & pl.col(parsed).is_null()


RULES: tuple[Rule, ...] = (
    Rule("record_id", "a name of the record", pl.col("record_id").is_null()),
    Rule("service", "voice or sms", ~pl.col("service").is_in(SERVICES).fill_null(False)),
    Rule("direction", "inbound or outbound", ~pl.col("direction").is_in((*DIRECTIONS, UNSTATED)).fill_null(False)),
    Rule("started_at", "a date and time with its offset, as 2026-10-01T08:15:00+02:00", pl.col("_started").is_null()),
    Rule("status", "answered, no_answer, busy or failed", _VOICE & ~pl.col("status").is_in(VOICE_STATUSES)),
    Rule("status", "sent, delivered, received, failed or rejected", _SMS & ~pl.col("status").is_in(SMS_STATUSES)),
    Rule("from_number", "the customer's own number, E.164", _OUT & pl.col("_own").is_null()),
    Rule("to_number", "the number called, E.164", (_OUT | _UNSTATED) & pl.col("_other").is_null()),
    Rule("from_number", "who called", _UNSTATED & pl.col("_own").is_null()),
    Rule("to_number", "the customer's own number, E.164", _IN & pl.col("_own").is_null()),
    Rule("from_number", "the other party", _IN & pl.col("_other").is_null()),
    Rule("duration_seconds", "seconds, 0 or more", _VOICE & _stated_wrongly("duration_seconds", "_seconds")),
    Rule("duration_seconds", "seconds of an answered call", _ANSWERED & pl.col("_seconds").is_null()),
    Rule("forwarded_to", "nothing: only an inbound call is forwarded", _FORWARDED & (_SMS | _OUT)),
    Rule("segments", "a number of segments", _SMS & _stated_wrongly("segments", "_segments")),
    Rule("segments", "at least one segment", _CHARGED_OUT_SMS & (pl.col("_segments") == 0).fill_null(False)),
    Rule(
        "encoding",
        "gsm7 or ucs2",
        _SMS & pl.col("encoding").is_not_null() & ~pl.col("encoding").is_in(("gsm7", "ucs2")),
    ),
    Rule("text_length", "a length in septets or UTF-16 units", _SMS & _stated_wrongly("text_length", "_length")),
    Rule(
        "segments",
        "segments, text, or encoding with text_length",
        _CHARGED_OUT_SMS
        & pl.col("_segments").is_null()
        & pl.col("text").is_null()
        & (pl.col("encoding").is_null() | pl.col("_length").is_null()),
        reason="sms_length_unknown",
    ),
)

_LEG = _VOICE & ~_OUT
LEG_RULES: tuple[Rule, ...] = (
    Rule("forwarded_to", "the number forwarded to, E.164", _LEG & _stated_wrongly("forwarded_to", "_forwarded_to")),
    Rule(
        "forwarded_to",
        "the number forwarded to, as forwarded_seconds says it was answered",
        _LEG & pl.col("forwarded_to").is_null() & (pl.col("_forwarded_seconds") > 0).fill_null(False),
    ),
    Rule(
        "forwarded_seconds",
        "seconds, 0 or more",
        _LEG & _stated_wrongly("forwarded_seconds", "_forwarded_seconds"),
    ),
    Rule(
        "forwarded_seconds",
        "seconds of the forwarded leg of an answered call",
        _IN & _VOICE & _ANSWERED & _FORWARDED & pl.col("_forwarded_seconds").is_null(),
    ),
)
"""What refuses the outbound leg of a forwarded call; its inbound leg is billed all the same (billing rule 4)."""


def _first_rule(rules: Sequence[Rule]) -> pl.Expr:
    """Index of the first rule that applies, or null."""
    return pl.coalesce(pl.when(rule.applies).then(pl.lit(i, pl.Int8)) for i, rule in enumerate(rules))


def _refusals(frame: pl.DataFrame, verdict: str, rules: Sequence[Rule], leg: str) -> pl.DataFrame:
    refused = frame.filter(pl.col(verdict).is_not_null())
    index = pl.col(verdict).cast(pl.Int64)
    found = pl.coalesce(
        pl.when(index == i).then(values.shape(pl.col(rule.column).cast(pl.String))) for i, rule in enumerate(rules)
    )
    said = [f"{rule.column}: expected {rule.expected}, found " for rule in rules]
    return refused.select(
        "record_number",
        pl.lit(leg).alias("leg"),
        "record_id",
        index.replace_strict(dict(enumerate(rule.reason for rule in rules)), return_dtype=pl.String).alias("reason"),
        (index.replace_strict(dict(enumerate(said)), return_dtype=pl.String) + found).alias("detail"),
        "account_id",
    )


def mediate(fields: pl.DataFrame) -> Mediated:
    """Usage records of `fields` (record_number and FIELDS, all text but the number), and what was refused.

    A record of `UNSTATED` direction keeps who called as its own number and who was called as the other; which of the
    two is the customer's is told by numbers.csv when it is rated. Source: billing rules 2, 3 and 4. The text of a
    message is counted here and goes no further. Example: a voice
    record of 83 s answered gives billable_seconds 83; unanswered gives 0, and so does its forwarded leg.
    """
    is_moment = fields.schema["started_at"] == pl.Datetime("us", "UTC")
    started = pl.col("started_at") if is_moment else values.instant(pl.col("started_at"))
    number_from, number_to = values.e164(pl.col("from_number")), values.e164(pl.col("to_number"))
    anyone = pl.coalesce("_from", "from_number")
    parsed = (
        fields.with_columns(
            pl.coalesce("status", pl.when(_VOICE).then(pl.lit("answered")).otherwise(pl.lit("sent"))).alias("status"),
            started.alias("_started"),
            number_from.alias("_from"),
            number_to.alias("_to"),
            values.whole_seconds(pl.col("duration_seconds")).alias("_seconds"),
            values.count(pl.col("segments")).alias("_segments"),
            values.count(pl.col("text_length")).alias("_length"),
            values.e164(pl.col("forwarded_to")).alias("_forwarded_to"),
            values.whole_seconds(pl.col("forwarded_seconds")).alias("_forwarded_seconds"),
        )
        .with_columns(
            pl.when(_OUT).then("_from").when(_UNSTATED).then(anyone).otherwise("_to").alias("_own"),
            pl.when(_OUT | _UNSTATED).then("_to").otherwise(anyone).alias("_other"),
        )
        .with_columns(_first_rule(RULES).alias("_verdict"), _first_rule(LEG_RULES).alias("_leg_verdict"))
    )
    refused = _refusals(parsed, "_verdict", RULES, "main")
    if refused.height:
        parsed = parsed.filter(pl.col("_verdict").is_null())
    refused_legs = _refusals(parsed, "_leg_verdict", LEG_RULES, "forwarded")
    counted = segments.count_segments(parsed, stated="_segments", encoding="encoding", length="_length", text="text")
    leg_stands = pl.col("_leg_verdict").is_null()
    records = counted.select(
        "record_number",
        "record_id",
        "service",
        "direction",
        "account_id",
        pl.col("_own").alias("own_number"),
        pl.col("_other").alias("other_number"),
        pl.col("_started").alias("started_at"),
        "status",
        pl.when(_ANSWERED).then(pl.col("_seconds")).otherwise(0).alias("billable_seconds"),
        pl.when(_SMS).then(pl.col("segments")).alias("segments"),
        pl.when(_SMS).then(pl.col("text_length")).alias("text_length"),
        pl.when(_FORWARDED)
        .then(pl.coalesce("linked_id", "record_id"))
        .otherwise(pl.col("linked_id"))
        .alias("linked_id"),
        pl.when(leg_stands).then(pl.col("_forwarded_to")).alias("forwarded_to"),
        pl.when(leg_stands & _FORWARDED)
        .then(pl.when(_ANSWERED).then("_forwarded_seconds").otherwise(0))
        .alias("forwarded_seconds"),
    )
    return Mediated(records, pl.concat([refused, refused_legs]))


def as_usage_records(records: pl.DataFrame, *, file_number: int, format_name: str) -> pl.DataFrame:
    """`records` of `mediate` with the columns and types of UsageRecords."""
    return conform(UsageRecords, records, {"file_number": file_number, "format": format_name})
