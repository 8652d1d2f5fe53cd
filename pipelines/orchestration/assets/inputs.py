"""Assets of what comes in: reference files, price tables, raw usage."""

from collections.abc import Iterator, Sequence

import dagster as dg

from pipelines.orchestration.assets.common import described
from pipelines.orchestration.resources import SessionResource, metadata
from pipelines.stages import load
from pipelines.storage import catalogue
from transforms.tables.usage import Duplicates, UsageRecords

_INPUTS = {name: table for name, table in catalogue.WAREHOUSE.items() if name in load.INPUT_TABLES}


def _group(name: str) -> str:
    return "reference" if name in catalogue.REFERENCE else "prices"


def assets(months: dg.MonthlyPartitionsDefinition) -> Sequence[dg.AssetsDefinition]:
    """The assets, partitioned by `months`: each holds what was known when its month was last run."""

    @dg.multi_asset(
        name="reference_and_prices",
        specs=[
            dg.AssetSpec(name, **described(table, _group(name), [], {"csv", "duckdb"}, months))
            for name, table in _INPUTS.items()
        ],
    )
    def reference_and_prices(
        context: dg.AssetExecutionContext, session: SessionResource
    ) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
        """Read together, so that they are held against each other before anything is written."""
        with session.running() as run:
            facts = load.load_reference_and_prices(run, context.partition_key)
        for name in _INPUTS:
            yield dg.MaterializeResult(asset_key=name, metadata={"dagster/row_count": facts[f"{name}_rows"]})

    # Usage needs no accounts; but a reference or price file that is broken stops a run before anything is loaded.
    @dg.asset(name="usage_records", **described(UsageRecords, "usage", ["accounts"], {"duckdb", "polars"}, months))
    def usage_records(session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """Loads the files of the inbox that are new; each once per content, wholly or not at all."""
        with session.running() as run:
            return dg.MaterializeResult(metadata=metadata(load.load_usage(run)))

    @dg.asset(name="duplicates", **described(Duplicates, "usage", ["usage_records"], {"duckdb", "polars"}, months))
    def duplicates(session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """Compares the new records with all that came before."""
        with session.running() as run:
            return dg.MaterializeResult(metadata=metadata(load.compare_records(run)))

    return [reference_and_prices, usage_records, duplicates]
