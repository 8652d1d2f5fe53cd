"""Channel variables of FreeSWITCH, whichever module wrote them, become the fields of usage records.

Specification: docs/formats/freeswitch.md. What a record says exactly (microseconds) goes before what it says in whole
seconds, and UTC before local time.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from transforms.mediation.percent import percent_decoded
from transforms.mediation.records import with_all_fields
from transforms.mediation.source import Source
from transforms.mediation.telephone import international, is_extension, number_or_extension
from transforms.mediation.values import epoch, local_instant, said
from transforms.tables.vocabulary import UNSTATED

VARIABLES = (
    "uuid",
    "call_uuid",
    "originator",
    "originating_leg_uuid",
    "direction",
    "accountcode",
    "context",
    "sofia_profile_name",
    "sip_gateway_name",
    "caller_id_number",
    "ani",
    "caller_id",
    "effective_caller_id_number",
    "destination_number",
    "sip_req_user",
    "sip_to_user",
    "start_stamp",
    "start_epoch",
    "start_uepoch",
    "answer_stamp",
    "answer_epoch",
    "answer_uepoch",
    "bridge_stamp",
    "bridge_epoch",
    "bridge_uepoch",
    "end_stamp",
    "end_epoch",
    "end_uepoch",
    "billsec",
    "billmsec",
    "billusec",
    "hangup_cause",
    "last_app",
    "last_arg",
    "bridge_channel",
)
"""The channel variables that are read; others are passed over."""

PROFILE = ("caller_id_number", "ani", "destination_number", "context")
"""What a body tells in the caller profile of its call flow and not among the variables."""

NEEDED: tuple[tuple[str, ...], ...] = (
    ("uuid",),
    ("destination_number", "sip_req_user", "sip_to_user"),
    ("caller_id_number", "ani", "caller_id"),
    ("start_uepoch", "start_epoch", "start_stamp"),
    ("billusec", "billmsec", "billsec"),
)
"""Of each group one variable at least must be told, or nothing can be billed."""

_UNANSWERED = {
    "USER_BUSY": "busy",
    **dict.fromkeys(
        (
            "NORMAL_CLEARING",
            "NO_ANSWER",
            "NO_USER_RESPONSE",
            "ORIGINATOR_CANCEL",
            "ALLOTTED_TIMEOUT",
            "PROGRESS_TIMEOUT",
            "SUBSCRIBER_ABSENT",
            "LOSE_RACE",
            "PICKED_OFF",
            "NONE",
        ),
        "no_answer",
    ),
}
"""How a call ended that nobody answered, by its hangup cause; by any other it failed."""

_ANSWER = ("answer_uepoch", "answer_epoch", "answer_stamp")
_BRIDGE = ("bridge_uepoch", "bridge_epoch", "bridge_stamp")
_OUTSIDE = r"sofia/(?:gateway/[^/,|]+|external[^/,|]*)/([^,|@;:^]+)"
_TARGET = r"(?:sofia|user|loopback|group|error|freetdm|pickup)/|verto\.rtc/"


def variables_of(told: pl.DataFrame) -> pl.DataFrame:
    """The variables of bodies (record_number, VARIABLES, and PROFILE with `_` before each name) as text, empty ones null.

    Where the stamps of a body are percent-encoded (`2026-10-05%2008%3A00%3A00`), all of it is.
    """
    plain = pl.col("start_stamp").str.contains(":", literal=True).fill_null(False)
    text = told.with_columns(pl.coalesce(f"_{name}", name).alias(name) for name in PROFILE)
    names = [name for name in VARIABLES if text[name].str.contains("%", literal=True).any()]
    read = text.with_columns(pl.when(plain).then(name).otherwise(percent_decoded(pl.col(name))) for name in names)
    return read.select("record_number", said(VARIABLES))


def is_second_look() -> pl.Expr:
    """Whether a record is of the B-leg of a call, whose A-leg has a record of its own.

    A channel that went out and names the leg for which it was made. One that was made by itself, such as by a dialler,
    goes out as well and names none: that call is nowhere else.
    """
    other_call = (pl.col("call_uuid") != pl.col("uuid")).fill_null(False)
    made_for = pl.col("originator").is_not_null() | pl.col("originating_leg_uuid").is_not_null() | other_call
    return (pl.col("direction") == "outbound").fill_null(False) & made_for


def usage_of(variables: pl.DataFrame, source: Source, told: Collection[str] = VARIABLES) -> tuple[pl.DataFrame, int]:
    """The fields of usage records of `variables` (record_number and VARIABLES, all text, empty ones null), and how many
    records report no usage.

    `told` are the variables that the source writes at all: of the others an empty one says nothing. Source: the
    durations and moments of mod_cdr_csv, mod_json_cdr and mod_xml_cdr, which are the same variables.
    """
    numbers = (source.country, source.extension_digits)
    extension = is_extension(pl.col("_to"), source.extension_digits) & ~pl.col("_inbound")
    read = variables.with_columns(
        _caller(source.extension_digits).alias("_from"),
        _called(source.extension_digits).alias("_to"),
        _comes_in(source.inbound).alias("_inbound"),
        _seconds().alias("_seconds"),
        _outside_number(told).alias("_forwarded_to"),
        is_second_look().alias("_second_look"),
    )
    billable = read.filter(~(pl.col("_second_look") | extension))
    fields = billable.select(
        "record_number",
        pl.col("uuid").alias("record_id"),
        pl.lit("voice").alias("service"),
        pl.when("_inbound").then(pl.lit("inbound")).otherwise(pl.lit(UNSTATED)).alias("direction"),
        pl.col("accountcode").alias("account_id"),
        number_or_extension(pl.col("_from"), *numbers).fill_null("anonymous").alias("from_number"),
        number_or_extension(pl.col("_to"), *numbers).alias("to_number"),
        _moment("start", source.time_zone).alias("started_at"),
        pl.col("_seconds").alias("duration_seconds"),
        _status(told).alias("status"),
        pl.col("uuid").alias("linked_id"),
        international(pl.col("_forwarded_to"), source.country).alias("forwarded_to"),
        pl.when(pl.col("_forwarded_to").is_not_null())
        .then(_bridged_seconds(source.time_zone, told))
        .alias("forwarded_seconds"),
    )
    return with_all_fields(fields), read.height - billable.height


def _moment(name: str, time_zone: str) -> pl.Expr:
    return pl.coalesce(
        epoch(pl.col(f"{name}_uepoch"), 1_000_000),
        epoch(pl.col(f"{name}_epoch")),
        local_instant(pl.col(f"{name}_stamp"), time_zone),
    )


def _number(name: str) -> pl.Expr:
    return pl.when(pl.col(name).str.contains(r"^[0-9]{1,18}$")).then(pl.col(name)).cast(pl.Int64, strict=False)


def _begun(units: pl.Expr, per_second: int) -> pl.Expr:
    """Whole seconds as text, a begun one counted (billing rule 2)."""
    return ((units + (per_second - 1)) // per_second).cast(pl.String)


def _seconds() -> pl.Expr:
    """Seconds from the answer to the end. `billsec` is a difference of two truncated moments: 68 for 67.54 s, 263 for
    262.6 s; it counts only where the record holds nothing more exact."""
    answered, ended = _number("answer_uepoch"), _number("end_uepoch")
    exact = pl.when((answered > 0) & (ended >= answered)).then(ended - answered)
    return pl.coalesce(
        _begun(_number("billusec"), 1_000_000),
        _begun(exact, 1_000_000),
        _begun(_number("billmsec"), 1_000),
        "billsec",
    )


def _status(told: Collection[str]) -> pl.Expr:
    lasted = ~pl.col("_seconds").str.contains(r"^0+(?:\.0*)?$").fill_null(False)
    answer_known = any(name in told for name in _ANSWER)
    answer = pl.any_horizontal(~pl.col(name).is_in(("0", "")).fill_null(True) for name in _ANSWER)
    unanswered = pl.col("hangup_cause").replace_strict(_UNANSWERED, default=pl.lit("failed"), return_dtype=pl.String)
    return (
        pl.when(lasted & answer if answer_known else lasted)
        .then(pl.lit("answered"))
        .when(pl.col("hangup_cause").is_null())
        .then(pl.lit("no_answer"))
        .otherwise(unanswered)
    )


def _comes_in(inbound: tuple[str, ...]) -> pl.Expr:
    if not inbound:
        return pl.lit(False)
    return pl.any_horizontal(
        pl.col(name).is_in(inbound).fill_null(False) for name in ("context", "sofia_profile_name", "sip_gateway_name")
    )


def _caller(digits: int) -> pl.Expr:
    """Who called; of an extension the number that it shows outside, where the record tells it."""
    named = pl.col("caller_id").str.extract(r"<([^<>]*)>\s*$")
    caller = pl.coalesce("caller_id_number", "ani", pl.when(named != "").then(named))
    return (
        pl.when(is_extension(caller, digits) & pl.col("effective_caller_id_number").is_not_null())
        .then("effective_caller_id_number")
        .otherwise(caller)
    )


def _called(digits: int) -> pl.Expr:
    """Who was called. The dial plan may have put an extension in the place of the number that the caller dialled."""
    names = ("destination_number", "sip_req_user", "sip_to_user")
    outside = [pl.when(~is_extension(pl.col(name), digits)).then(pl.col(name)) for name in names]
    return pl.coalesce(*outside, *names)


def _outside_number(told: Collection[str]) -> pl.Expr:
    """The number outside with which the call was bridged last, null where it was none. Of several that were rung the
    channel tells which; where it does not, the dial string stands for it, and its leg is refused."""
    dialled = pl.col("last_arg").str.extract(_OUTSIDE)
    several = pl.col("last_arg").str.count_matches(_TARGET) > 1
    channel = pl.col("bridge_channel")
    not_bridged = channel.is_null() if "bridge_channel" in told else _no_bridge(told)
    return pl.when((pl.col("last_app") == "bridge") & dialled.is_not_null()).then(
        pl.when(~several)
        .then(dialled)
        .when(channel.is_not_null())
        .then(channel.str.extract(r"^sofia/external[^/]*/([^@;]+)"))
        .when(~not_bridged)
        .then("last_arg")
    )


def _no_bridge(told: Collection[str]) -> pl.Expr:
    """Whether a source that tells moments of bridges tells none."""
    if not any(name in told for name in _BRIDGE):
        return pl.lit(False)
    return pl.all_horizontal(pl.col(name).is_in(("0", "")).fill_null(True) for name in _BRIDGE)


def _between(kind: str) -> pl.Expr:
    """From the bridge to the end, in the units of that kind of moment; null where either is not told so."""
    began, ended = _number(f"bridge_{kind}"), _number(f"end_{kind}")
    return pl.when((began > 0) & (ended >= began)).then(ended - began)


def _bridged_seconds(time_zone: str, told: Collection[str]) -> pl.Expr:
    """Seconds in which both ends of a call whose last application was the bridge could speak; null where it is not told.

    From the bridge to the end, and never more than the call itself has: one that is bridged while the far end still rings
    (early media, FreeSWITCH's default) is answered later, by both ends at once.
    """
    exact, whole = _between("uepoch"), _between("epoch")
    lasted = (_moment("end", time_zone) - _moment("bridge", time_zone)).dt.total_microseconds()
    # Two moments of one kind before two of which one is cut to its second.
    bridged = pl.coalesce(
        _begun(exact, 1_000_000), whole.cast(pl.String), _begun(pl.when(lasted >= 0).then(lasted), 1_000_000)
    )
    spoken = _number("_seconds")
    rang = (spoken < bridged.cast(pl.Int64)).fill_null(False)
    return pl.coalesce(
        pl.when(_no_bridge(told) & pl.col("bridge_channel").is_null()).then(pl.lit("0")),
        pl.when(rang).then("_seconds").otherwise(bridged),
    )
