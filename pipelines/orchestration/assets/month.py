"""Assets of a month: from rated usage to what analysts open."""

from collections.abc import Iterator, Sequence

import dagster as dg

from pipelines.controls.month import CONTROLS
from pipelines.orchestration.assets.common import OWNERS, described
from pipelines.orchestration.resources import SessionResource, metadata
from pipelines.stages import balance, bill, books, control, issue, publish, rate
from pipelines.storage import catalogue
from pipelines.storage.session import RATED_FROM
from transforms.tables import billing, usage
from transforms.tables.control import Controls

_FEES = ["accounts", "numbers", "price_lists", "number_fee_prices"]
_BOOKS = ["bills", "ledger", "receipts", "payments"]


def assets(months: dg.MonthlyPartitionsDefinition) -> Sequence[dg.AssetsDefinition]:
    """The assets, partitioned by `months`."""

    @dg.asset(
        name="rated_usage",
        **described(usage.RatedUsage, "rating", ["duplicates", *RATED_FROM], {"polars", "parquet"}, months),
    )
    def rated_usage(context: dg.AssetExecutionContext, session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """Every leg of the month with its charge; what has none goes into suspense."""
        with session.running() as run:
            return dg.MaterializeResult(metadata=metadata(rate.rate_month(run, context.partition_key)))

    @dg.asset(
        name="number_fees",
        **described(billing.NumberFees, "billing", ["rated_usage", *_FEES], {"polars", "parquet"}, months),
    )
    def number_fees(context: dg.AssetExecutionContext, session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """The month's fees of numbers."""
        with session.running() as run:
            return dg.MaterializeResult(metadata=metadata(bill.charge_numbers(run, context.partition_key)))

    @dg.asset(
        name="bill_lines",
        **described(billing.BillLines, "billing", ["rated_usage", "number_fees"], {"polars", "parquet"}, months),
    )
    def bill_lines(context: dg.AssetExecutionContext, session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """The lines of the month's bills."""
        with session.running() as run:
            return dg.MaterializeResult(metadata=metadata(bill.make_lines(run, context.partition_key)))

    @dg.asset(
        name="bills",
        **described(billing.Bills, "billing", ["bill_lines", "accounts", "vat_rates"], {"polars", "parquet"}, months),
    )
    def bills(context: dg.AssetExecutionContext, session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """The month's draft bills."""
        with session.running() as run:
            return dg.MaterializeResult(metadata=metadata(bill.make_bills(run, context.partition_key)))

    @dg.asset(
        name="receipts",
        **described(billing.Receipts, "ledger", ["bills", "credits", "vat_rates"], {"polars", "duckdb"}, months),
    )
    def receipts(context: dg.AssetExecutionContext, session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """A receipt for every top-up that has none yet."""
        with session.running() as run:
            return dg.MaterializeResult(metadata=metadata(balance.make_receipts(run)))

    @dg.asset(
        name="ledger",
        **described(billing.Ledger, "ledger", ["bills", "credits", "receipts"], {"polars", "duckdb"}, months),
    )
    def ledger(context: dg.AssetExecutionContext, session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """Credits and bills with the balance after each."""
        with session.running() as run:
            return dg.MaterializeResult(metadata=metadata(balance.make_ledger(run, context.partition_key)))

    @dg.multi_asset(
        name="books",
        specs=[
            dg.AssetSpec(name, **described(table, "ledger", _BOOKS, {"polars", "duckdb"}, months))
            for name, table in catalogue.BOOKS.items()
        ],
    )
    def kept_books(session: SessionResource) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
        """What is owed and the journal, made together from what is issued, posted and paid."""
        with session.running() as run:
            facts = books.make_books(run)
        for name in catalogue.BOOKS:
            yield dg.MaterializeResult(asset_key=name, metadata={"dagster/row_count": facts[f"{name}_rows"]})

    @dg.asset(
        name="controls",
        **described(Controls, "control", ["ledger", *catalogue.BOOKS], {"duckdb"}, months),
        check_specs=[
            dg.AssetCheckSpec(item.name, asset="controls", description=item.says, blocking=item.blocking)
            for item in CONTROLS
        ],
    )
    def controls(
        context: dg.AssetExecutionContext, session: SessionResource
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:  # type: ignore[type-arg]
        """Measures every control; one that fails blocks the publication."""
        with session.running() as run:
            frame = control.control_month(run, context.partition_key)
        yield dg.MaterializeResult(metadata={"dagster/row_count": frame.height})
        for item in CONTROLS:
            rows = frame.filter(control=item.name)
            passed = bool(rows["passed"].all())
            findings = "; ".join(filter(None, rows["findings"].unique(maintain_order=True)))
            shown = {
                "month": context.partition_key,
                **control.shown(rows),
                **({"findings": findings} if findings else {}),
            }
            yield dg.AssetCheckResult(check_name=item.name, passed=passed, metadata=shown)
        with session.running() as run:
            control.require_passed(run, context.partition_key)

    @dg.asset(
        name="published",
        deps=["controls"],
        description="HOME/published/billing.duckdb: what analysts open, replaced at once.",
        group_name="published",
        owners=OWNERS,
        kinds={"duckdb", "parquet"},
        partitions_def=months,
    )
    def published(context: dg.AssetExecutionContext, session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """Puts the month where analysts find it; only when every control passed."""
        with session.running() as run:
            control.require_passed(run, context.partition_key)
            return dg.MaterializeResult(metadata=metadata(publish.publish(run, context.partition_key)))

    @dg.asset(
        name="issued",
        deps=["published"],
        description="The month's bills with their numbers, closed for good, and HOME/issued/MONTH.json that proves it.",
        group_name="published",
        owners=OWNERS,
        kinds={"duckdb", "parquet"},
        partitions_def=months,
    )
    def issued(context: dg.AssetExecutionContext, session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """Issues what is not parked, in one transaction, and publishes it."""
        with session.running() as run:
            facts = issue.issue_month(run, context.partition_key)
            publish.publish(run, context.partition_key)
            return dg.MaterializeResult(metadata=metadata(facts))

    return [rated_usage, number_fees, bill_lines, bills, receipts, ledger, kept_books, controls, published, issued]
