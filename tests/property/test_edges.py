"""Whole months of calls, messages and fees at the limits of what is held, in currencies of 0, 2 and 3 decimals."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.independent.biller import bill_month
from tests.independent.small_home import CALL, MESSAGE, NUMBER, SmallHome
from tests.property.agreement import disagreements
from tests.support import run_stages, scratch

EXAMPLES = int(os.environ.get("CALLBILL_EXAMPLES", "6"))
MONTH = "2026-10"
LONGEST = 2**31 - 1
CALLED = "+33145000001"

seconds = st.sampled_from([0, 1, 59, 600, 86_400, 86_401, 99_999, 100_000, LONGEST]) | st.integers(0, LONGEST)
prices = st.sampled_from(
    [
        "0",
        "0.000001",
        "0.012",
        "3",
        "60000",
        "999999.999999",
        "1000000",
        "99999999.999999",
        "100000000",
        "999999999999.999999",
    ]
) | st.decimals(0, 10**12 - 1, places=6, allow_nan=False, allow_infinity=False).map(lambda price: f"{price:f}")
increments = st.sampled_from([(1, 1), (60, 60), (30, 6), (1, 999_999_999)])


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
@given(
    currency=st.sampled_from(["VND", "EUR", "TND"]),
    calls=st.lists(seconds, min_size=1, max_size=4),
    segments=st.lists(st.sampled_from([1, 100, 999_999_999]), max_size=2),
    price=prices,
    connection_fee=st.just("0") | prices,
    steps=increments,
    segment=prices,
    fee=prices,
    proration=st.sampled_from(["none", "daily"]),
    bounds=st.sampled_from([(0, 0), (86_400, 0), (86_400, 1000), (0, LONGEST), (600, 60_000_000)]),
)
@example("VND", [600, 86_400], [1], "60000", "0", (1, 1), "1000000", "1000000", "daily", (86_400, 0))
@example("TND", [LONGEST], [100], "0.012", "0", (60, 60), "1000000", "99999999.999999", "daily", (0, 0))
@example("EUR", [60, LONGEST], [1, 1], "99999999.999999", "0", (1, 1), "99999999.999999", "100000000", "none", (0, 0))
def test_a_month_at_the_limits_is_that_of_the_independent_biller(
    currency: str,
    calls: list[int],
    segments: list[int],
    price: str,
    connection_fee: str,
    steps: tuple[int, int],
    segment: str,
    fee: str,
    proration: str,
    bounds: tuple[int, int],
) -> None:
    default = f"default_{currency.lower()}"
    tables: dict[str, list[str]] = {
        "price_lists": [] if currency == "EUR" else [f"{default},{currency}"],
        "voice_outbound": [f"{default},France,{price},{connection_fee},{steps[0]},{steps[1]},2025-02-01"],
        "sms_outbound": [f"{default},FR,{segment},2025-02-01"],
        "number_fees": [f"{default},FR,geographic,{fee},{proration},2025-02-01"],
    }
    usage: list[dict[str, Any]] = [CALL | {"to_number": CALLED, "duration_seconds": str(long)} for long in calls]
    usage += [MESSAGE | {"to_number": CALLED, "text": "", "segments": str(count)} for count in segments]
    with scratch() as folder:
        home = SmallHome(folder)
        home.accounts([f"A1,Customer,a@example.com,FR,,postpaid,bank_transfer,{currency},,2025-01-01," + "," * 9])
        home.numbers([NUMBER.replace("2025-02-01", "2026-10-12")])
        home.prices(tables)
        home.records(*(row | {"started_at": "2026-10-15T10:00:00Z"} for row in usage))
        (home.home / "callbill.toml").write_text(
            f"[bounds]\nrecord_seconds = {bounds[0]}\nrecord_amount = {bounds[1]}\n", encoding="utf-8"
        )
        # Every control passes, or this raises.
        found = run_stages(home.home, home.price_tables, [MONTH])
        expected = bill_month(home.home, home.price_tables, MONTH, record_seconds=bounds[0], record_amount=bounds[1])
    assert disagreements(found, expected) == {}
    net = [row["net_amount"] for row in found.rows("bills")]
    assert net == [sum((row["amount"] for row in found.rows("bill_lines")), Decimal(0))]
