"""Assets of what leaves the house: files made of the issued documents of a month."""

from collections.abc import Sequence

import dagster as dg

from pipelines.assets.common import described
from pipelines.resources import SessionResource, metadata
from pipelines.stages import collect, publish
from transforms.tables.documents import Collections

GROUP = "documents"


def assets(months: dg.MonthlyPartitionsDefinition) -> Sequence[dg.AssetsDefinition]:
    """The assets, partitioned by `months`."""

    @dg.asset(name="collections", **described(Collections, GROUP, ["issued"], {"polars", "duckdb"}, months))
    def collections(context: dg.AssetExecutionContext, session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """Debits and open items of what is issued and in no payment file yet."""
        with session.running() as run:
            facts = collect.collect_month(run, context.partition_key)
            publish.publish_again(run)
            return dg.MaterializeResult(metadata=metadata(facts))

    return [collections]
