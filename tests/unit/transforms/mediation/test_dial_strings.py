"""The number behind a dialled channel is the one that Dial was told for it."""

from __future__ import annotations

import polars as pl
import pytest

from transforms.mediation.dial_strings import SEVERAL, is_outside, numbers_dialled, peer, same_number


def dialled(data: str, channel: str, *, optimised: bool = True) -> str | None:
    frame = pl.DataFrame({"key": [7], "data": [data], "channel": [channel]})
    found = numbers_dialled(frame, optimised=optimised)
    assert found.height <= 1
    return found["number"].to_list()[0] if found.height else None


@pytest.mark.parametrize(
    ("data", "channel", "number"),
    [
        ("SIP/carrier/0639980018,40,tT", "SIP/carrier-0000000a", "0639980018"),
        ("SIP/carrier/0639980018|40|tT", "SIP/carrier-0000000a", "0639980018"),
        ("PJSIP/0639980018@carrier", "PJSIP/carrier-0000000a", "0639980018"),
        ("PJSIP/carrier/sip:+33639980018@192.0.2.1:5060,30", "PJSIP/carrier-0000000a", "+33639980018"),
        ("SIP/0639980018@192.0.2.1:5060", "SIP/192.0.2.1-0000000a", "0639980018"),
        ("SIP/my-carrier-1/0639980018", "SIP/my-carrier-1-0000000a", "0639980018"),
        ("DAHDI/g1/0639980018", "DAHDI/1-1", "0639980018"),
        ("DAHDI/i1/0639980018", "DAHDI/i1/0639980018-5", "0639980018"),
        ("IAX2/me:secret@carrier/0639980018@out", "IAX2/carrier-812", "0639980018"),
        ("SIP/301&SIP/carrier/0639980018,20", "SIP/carrier-0000000b", "0639980018"),
        ("SIP/301&SIP/carrier/0639980018,20", "SIP/301-0000000b", None),
        ("SIP/one/0639980018&SIP/two/0639980019", "SIP/two-0000000b", "0639980019"),
        ("SIP/one/0639980018&SIP/one/0639980018", "SIP/one-0000000b", "0639980018"),
        ("SIP/one/0639980018&SIP/one/0639980019", "SIP/one-0000000b", SEVERAL),
        ("SIP/301", "SIP/carrier-0000000b", None),
        ("SIP/carrier/0639980018", "SIP/other-0000000b", None),
        ("SIP/carrier/0639980018", "PJSIP/carrier-0000000b", None),
        ("SIP/carrier/alice", "SIP/carrier-0000000b", None),
        ("", "SIP/carrier-0000000b", None),
    ],
)
def test_the_target_that_leads_to_the_channel_names_the_number(data: str, channel: str, number: str | None) -> None:
    assert dialled(data, channel) == number


def test_a_local_channel_counts_where_it_was_optimised_away() -> None:
    data = "Local/0639980018@out/n,40"
    assert dialled(data, "SIP/carrier-0000000a") == "0639980018"
    assert dialled(data, "SIP/carrier-0000000a", optimised=False) is None
    assert dialled(data, "Local/0639980018@out-00000001;1") is None
    assert dialled("Local/ch1@x&Local/ch2@x", "SIP/301-0000000a") is None


def test_many_rows_each_have_their_own() -> None:
    frame = pl.DataFrame(
        {
            "key": [1, 2, 3],
            "data": ["SIP/a/0639980001&SIP/b/0639980002", "SIP/a/0639980003", None],
            "channel": ["SIP/b-01", "SIP/a-01", "SIP/a-01"],
        }
    )
    found = numbers_dialled(frame).filter(pl.col("number").is_not_null()).sort("key")
    assert found.rows() == [(1, "0639980002"), (2, "0639980003")]


def test_names_and_lengths() -> None:
    frame = pl.DataFrame(
        {"c": ["SIP/a-b-01", "PJSIP/t-0a", "DAHDI/i1/06-5"], "n": ["063998", "+336399800", SEVERAL]}
    ).select(peer(pl.col("c")).alias("c"), is_outside(pl.col("n")).alias("n"))
    assert frame.rows() == [("a-b", False), ("t", True), ("i1", True)]
    pairs = pl.DataFrame({"a": ["+33639980018", "0639980018"], "b": ["0639980018", "0639980019"]})
    assert pairs.select(same_number(pl.col("a"), pl.col("b"))).to_series().to_list() == [True, False]
