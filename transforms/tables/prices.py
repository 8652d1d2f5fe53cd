"""The price tables: what a unit costs, from which day, in which list."""

from __future__ import annotations

from typing import ClassVar

import pandera.polars as pa
import polars as pl

from transforms.tables.base import Price, Rate, Table
from transforms.tables.vocabulary import PRORATIONS

_LIST = "The price list this row belongs to."
_FROM = "First day on which the row is in force, in the billing time zone."
_INCREMENTS = {"ge": 1, "metadata": {"unit": "seconds"}}


class PriceLists(Table):
    """The price lists and their currencies."""

    _key: ClassVar = ("price_list",)

    price_list: str = pa.Field(unique=True, description="Name of the list; default_usd is the default list of USD.")
    currency: str = pa.Field(description="Currency of every price of the list, ISO 4217.")


class Destinations(Table):
    """Which destination a number belongs to: the longest prefix wins."""

    _key: ClassVar = ("prefix",)

    prefix: str = pa.Field(
        str_matches=r"^[1-9][0-9]{0,14}$", unique=True, description="First digits of an E.164 number, without +."
    )
    destination: str = pa.Field(description="Destination that the prefix leads to.")
    country: str = pa.Field(description="Country of the destination, ISO 3166-1 alpha-2.")


class VoiceOutbound(Table):
    """Prices of outbound calls by destination."""

    _key: ClassVar = ("price_list", "destination", "valid_from")

    price_list: str = pa.Field(description=_LIST)
    destination: str = pa.Field(description="Destination called.")
    price_per_minute: Price = pa.Field(ge=0, description="Price of sixty seconds.", metadata={"unit": "currency/min"})
    connection_fee: Price = pa.Field(ge=0, description="Added once to an answered call.", metadata={"unit": "currency"})
    first_increment: pl.Int32 = pa.Field(**_INCREMENTS, description="Seconds charged at least.")
    increment: pl.Int32 = pa.Field(**_INCREMENTS, description="Step in which seconds are charged above that.")
    valid_from: pl.Date = pa.Field(description=_FROM)


class VoiceInbound(Table):
    """Prices of inbound calls by country and class of the number called."""

    _key: ClassVar = ("price_list", "country", "number_class", "valid_from")

    price_list: str = pa.Field(description=_LIST)
    country: str = pa.Field(description="Country of the customer's own number.")
    number_class: str = pa.Field(description="Class of the customer's own number.")
    price_per_minute: Price = pa.Field(ge=0, description="Price of sixty seconds.", metadata={"unit": "currency/min"})
    connection_fee: Price = pa.Field(ge=0, description="Added once to an answered call.", metadata={"unit": "currency"})
    first_increment: pl.Int32 = pa.Field(**_INCREMENTS, description="Seconds charged at least.")
    increment: pl.Int32 = pa.Field(**_INCREMENTS, description="Step in which seconds are charged above that.")
    valid_from: pl.Date = pa.Field(description=_FROM)


class SmsOutbound(Table):
    """Prices of outbound messages by country, per segment."""

    _key: ClassVar = ("price_list", "country", "valid_from")

    price_list: str = pa.Field(description=_LIST)
    country: str = pa.Field(description="Country of the recipient's number.")
    price_per_segment: Price = pa.Field(ge=0, description="Price of one segment.", metadata={"unit": "currency"})
    valid_from: pl.Date = pa.Field(description=_FROM)


class SmsInbound(Table):
    """Prices of inbound messages, one charge a message."""

    _key: ClassVar = ("price_list", "valid_from")

    price_list: str = pa.Field(description=_LIST)
    price_per_message: Price = pa.Field(ge=0, description="Price of one message.", metadata={"unit": "currency"})
    valid_from: pl.Date = pa.Field(description=_FROM)


class NumberFeePrices(Table):
    """Monthly fees of numbers by country and class (`number_fees.csv`)."""

    _key: ClassVar = ("price_list", "country", "number_class", "valid_from")

    price_list: str = pa.Field(description=_LIST)
    country: str = pa.Field(description="Country of the number.")
    number_class: str = pa.Field(description="Class of the number.")
    monthly_fee: Price = pa.Field(ge=0, description="Fee of one calendar month.", metadata={"unit": "currency/month"})
    proration: str = pa.Field(isin=PRORATIONS, description="none: whole months; daily: by chargeable days.")
    valid_from: pl.Date = pa.Field(description=_FROM)


class VatRates(Table):
    """Standard VAT rates by country."""

    _key: ClassVar = ("country", "valid_from")

    country: str = pa.Field(description="Country whose standard rate it is.")
    rate: Rate = pa.Field(ge=0, description="The rate as a fraction: 0.2000 is 20 %.")
    valid_from: pl.Date = pa.Field(description="First day on which the rate is in force.")
