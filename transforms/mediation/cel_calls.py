"""The events of Asterisk's channels become the legs of calls (docs/formats/asterisk_cel.md).

A call is all that shares a `linkedid`. The channel of that name is the caller's; every other channel was dialled by it,
or by another one of the call.
"""

from __future__ import annotations

import polars as pl

from transforms.mediation.dial_strings import SEVERAL, is_outside, numbers_dialled, same_number, technology
from transforms.mediation.records import with_all_fields
from transforms.mediation.telephone import international
from transforms.tables.vocabulary import UNSTATED

PLACE = ("file_number", "record_number")

CONTENT = pl.Struct(
    {
        **dict.fromkeys(("channel", "name", "caller", "exten", "dnid", "dials", "peer", "account"), pl.String()),
        "comes_in": pl.Boolean(),
        "digits": pl.Int64(),
        "country": pl.String(),
    }
)
"""What an event tells of its channel; `dials` are the targets of Dial, `digits` and `country` settings of the source."""

_INNER = (
    "local",
    "console",
    "alsa",
    "oss",
    "tincan",
    "message",
    "announcer",
    "recorder",
    "cbann",
    "cbrec",
    "surrogate",
)
_NUMBER = r"^\+?[0-9]{2,}$"
_START = pl.col("part") == "CHAN_START"
_OF_CHANNEL = pl.col("part") != "LINKEDID_END"


def whole_events(rows: pl.DataFrame) -> pl.DataFrame:
    """`event` of the calls that have ended: with a LINKEDID_END, or a CHAN_END for each of their CHAN_START."""
    channels = rows.group_by("event", "channel").agg(
        _START.any().alias("began"),
        (pl.col("part") == "CHAN_END").any().alias("ended"),
        (~_OF_CHANNEL).any().alias("closed"),
    )
    closed = pl.col("closed").any()
    paired = pl.col("began").any() & (pl.col("ended") | ~pl.col("began")).all()
    return channels.group_by("event").agg((closed | paired).alias("whole")).filter("whole").select("event")


def _first(column: str, where: pl.Expr | bool = True) -> pl.Expr:
    """The first of the channel's events, in the order of time, that says something in this column."""
    value = pl.col(column)
    return value.filter(value.is_not_null() & where).first()


def _channels(rows: pl.DataFrame) -> pl.DataFrame:
    """One row a channel: when it began, answered and ended, its numbers, and where its last event stands."""
    ended = pl.coalesce(
        pl.col("at").filter(pl.col("part") == "HANGUP").min(), pl.col("at").filter(pl.col("part") == "CHAN_END").min()
    )
    numeric = pl.col("exten").str.contains(_NUMBER)
    outside = pl.col("caller").str.len_chars() > pl.col("digits")
    return (
        rows.filter(_OF_CHANNEL)
        .sort("event", "channel", "at", *PLACE)
        .group_by("event", "channel", maintain_order=True)
        .agg(
            *(pl.col(name).sort_by(PLACE).last() for name in PLACE),
            pl.col("at").filter(_START).min().alias("began"),
            pl.col("at").filter(pl.col("part") == "ANSWER").min().alias("answered"),
            ended.alias("ended"),
            _first("name").alias("name"),
            _first("caller").alias("caller"),
            _first("caller", outside).alias("shown"),
            pl.coalesce(
                _first("exten", _START & numeric), _first("dnid"), _first("exten", numeric), _first("exten", _START)
            ).alias("called"),
            _first("account").alias("account"),
            (pl.col("comes_in") & _START).any().alias("comes_in"),
            pl.col("digits").first(),
            pl.col("country").first(),
        )
    )


def _dialled(rows: pl.DataFrame, channels: pl.DataFrame) -> pl.DataFrame:
    """event, channel and `number` of the channels to which a Dial of their call leads; null: to a telephone within.

    Where a bridge names the channel as its peer, that Dial alone counts; else of each dialling channel the one nearest to
    the answer. Different numbers then are `SEVERAL`: which of them was reached is not told.
    """
    dials = rows.filter(pl.col("dials").is_not_null()).select(
        "event", pl.col("channel").alias("by"), pl.col("at").alias("dialled_at"), pl.col("dials").alias("data"), "peer"
    )
    reached = channels.filter(pl.col("channel") != pl.col("event"), ~technology(pl.col("name")).is_in(_INNER))
    pairs = (
        reached.select("event", "channel", "name", pl.coalesce("answered", "began").alias("_near"))
        .join(dials, on="event")
        .filter(pl.col("by") != pl.col("channel"))
        .with_row_index("key")
    )
    found = numbers_dialled(pairs.select("key", "data", pl.col("name").alias("channel")), optimised=False)
    named = (pl.col("peer") == pl.col("name")).fill_null(False)
    distance = (pl.col("dialled_at") - pl.col("_near")).abs()
    number = pl.col("number")
    return (
        pairs.join(found, on="key")
        .with_columns(named.alias("_named"), distance.alias("_distance"))
        .filter(pl.col("_named") | ~pl.col("_named").any().over("event", "channel"))
        .sort("_distance", "key")
        .group_by("event", "channel", "by", maintain_order=True)
        .agg(number.first())
        .group_by("event", "channel")
        .agg(pl.when(number.n_unique() > 1).then(pl.lit(SEVERAL)).otherwise(number.first()).alias("number"))
    )


def _outside_channels(rows: pl.DataFrame, channels: pl.DataFrame) -> pl.DataFrame:
    """The channels that lead to a number, with `number`: as Dial named it, else the number that the channel shows as the
    one it called."""
    names = ("event", "channel", "began", "answered", "ended", *PLACE, "account", "country")
    found = _dialled(rows, channels).with_columns(pl.lit(True).alias("_named"))
    shown = pl.when(pl.col("_named").is_null() & is_outside(pl.col("called"))).then("called")
    return (
        channels.filter(pl.col("channel") != pl.col("event"), ~technology(pl.col("name")).is_in(_INNER))
        .join(found, on=("event", "channel"), how="left", maintain_order="left")
        .with_columns(pl.coalesce("number", shown).alias("number"))
        .filter(pl.col("number").is_not_null())
        .select(*names, "number")
    )


def _international(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """`frame` with its numbers read by the country of each row's source."""
    parts = [
        part.with_columns(international(pl.col(name), country or "") for name in columns)
        for (country,), part in frame.partition_by("country", as_dict=True).items()
    ]
    return pl.concat(parts) if parts else frame


def _seconds() -> pl.Expr:
    """From answer to end, a begun second counted whole (billing rule 2); null where the end is not told."""
    micros = (pl.col("ended") - pl.col("answered")).dt.total_microseconds()
    return ((micros + 999_999) // 1_000_000).cast(pl.String)


def _fields(frame: pl.DataFrame, direction: pl.Expr, called: str, caller: pl.Expr) -> pl.DataFrame:
    given = {
        "record_id": pl.col("channel"),
        "service": pl.lit("voice"),
        "direction": direction,
        "account_id": pl.col("account"),
        "from_number": caller,
        "to_number": pl.col(called),
        "started_at": pl.coalesce("began", "answered"),
        "duration_seconds": _seconds(),
        "status": pl.when(pl.col("answered").is_null()).then(pl.lit("no_answer")).otherwise(pl.lit("answered")),
        "linked_id": pl.col("event"),
    }
    return with_all_fields(frame.select(*PLACE, **given), PLACE)


def _extension(number: str) -> pl.Expr:
    """Whether a number is of at most so many digits as the source's extensions have."""
    digits = pl.col(number).str.strip_prefix("*")
    return (digits.str.contains(r"^[0-9]+$") & (digits.str.len_chars() <= pl.col("digits"))).fill_null(False)


def calls_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Usage of the ended calls of `rows` (file_number, the columns of PART and of CONTENT): PLACE and FIELDS.

    The caller's channel is one record, each channel answered outside another, outbound from the number that was called.
    A call that goes out is one record: what was dialled behind the trunk is where it went. A call within the switch is
    none.
    """
    channels = _channels(rows)
    own_extension = pl.col("called").str.contains(r"^(?:[A-Za-z]|s-[A-Z]+|~~s~~)$").fill_null(True)
    mains = channels.filter(pl.col("channel") == pl.col("event")).with_columns(
        (_extension("caller") & ~pl.col("comes_in")).alias("inside"),
        technology(pl.col("name")).is_in(_INNER).fill_null(False).alias("inner"),
        (own_extension | _extension("called")).alias("within"),
        pl.when(_extension("called")).then(pl.lit("extension ") + pl.col("called")).otherwise("called").alias("called"),
    )
    mains = _international(mains, ("called", "shown", "caller"))
    about = mains.select(
        "event",
        "inside",
        "inner",
        "comes_in",
        "within",
        "called",
        "shown",
        "caller",
        pl.col("account").alias("_account"),
    )
    dialled = _outside_channels(rows, channels)
    legs = _international(dialled, ("number",)).join(about, on="event", how="left", maintain_order="left")
    legs = legs.with_columns(
        pl.coalesce("account", "_account").alias("account"),
        (pl.col("inside") | pl.col("inner") | (pl.col("within") & ~pl.col("comes_in")))
        .fill_null(True)
        .alias("goes_out"),
    )
    return pl.concat([_of_callers(mains, legs), _forwarded(legs), _gone_out(legs), _without_caller(rows, channels)])


def _of_callers(mains: pl.DataFrame, legs: pl.DataFrame) -> pl.DataFrame:
    """The callers' own records: of calls that came to a number, and of what nobody else tells of."""
    costs = pl.col("answered").is_not_null() & (pl.col("ended") != pl.col("answered")).fill_null(True)
    left = mains.filter(~pl.col("inner"), ~pl.col("inside"), ~pl.col("within") | costs)
    left = left.join(legs.filter("goes_out").select("event"), on="event", how="anti")
    way = pl.when("comes_in").then(pl.lit("inbound")).otherwise(pl.lit(UNSTATED))
    return _fields(left, way, "called", pl.coalesce("caller", pl.lit("anonymous")))


def _forwarded(legs: pl.DataFrame) -> pl.DataFrame:
    """Outside channels that answered a call from outside; one to the number called itself is how that was delivered."""
    outside = is_outside(pl.col("number")) & ~same_number(pl.col("number"), pl.col("called")).fill_null(False)
    found = legs.filter(~pl.col("goes_out"), pl.col("answered").is_not_null(), outside)
    return _fields(found, pl.lit("outbound"), "number", pl.col("called"))


def _gone_out(legs: pl.DataFrame) -> pl.DataFrame:
    """Calls that went out: each channel that answered, else the first that was tried. They are named by the call, as no
    inbound one is tied to them."""
    out = legs.filter("goes_out").sort("event", "began", "channel")
    answered = pl.col("answered").is_not_null()
    first = (pl.int_range(pl.len()).over("event") == 0) & ~answered.any().over("event")
    own_names = out.filter(answered | first).with_columns(pl.format("{}:{}", "event", "channel").alias("channel"))
    return _fields(own_names, pl.lit("outbound"), "number", pl.coalesce("shown", "caller"))


def _without_caller(rows: pl.DataFrame, channels: pl.DataFrame) -> pl.DataFrame:
    """Calls of whose first channel no event is there, though somebody answered: a record for the rules to refuse."""
    known = channels.filter(pl.col("channel") == pl.col("event")).select("event")
    lost = (
        channels.filter(pl.col("answered").is_not_null()).join(known, on="event", how="anti").select("event").unique()
    )
    places = (
        rows.join(lost, on="event", how="semi").sort(PLACE).group_by("event").agg(pl.struct(PLACE).first().alias("_p"))
    )
    nothing = pl.lit(None, pl.String)
    frame = places.select(
        pl.col("_p").struct.unnest(),
        "event",
        pl.col("event").alias("channel"),
        *(nothing.alias(name) for name in ("account", "called")),
        *(pl.lit(None, pl.Datetime("us", "UTC")).alias(name) for name in ("began", "answered", "ended")),
    )
    return _fields(frame, pl.lit(UNSTATED), "called", pl.lit("anonymous"))
