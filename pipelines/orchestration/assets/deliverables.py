"""Assets of what leaves the house: files made of the issued documents of a month."""

from collections.abc import Sequence

import dagster as dg

from pipelines.orchestration.assets.common import described
from pipelines.orchestration.resources import SessionResource, metadata
from pipelines.stages import collect, documents, publish
from transforms.tables.documents import Collections, Documents

GROUP = "documents"


def assets(months: dg.MonthlyPartitionsDefinition) -> Sequence[dg.AssetsDefinition]:
    """The assets, partitioned by `months`."""

    @dg.asset(name="collections", **described(Collections, GROUP, ["issued"], {"polars", "duckdb"}, months))
    def collections(context: dg.AssetExecutionContext, session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """Debits and open items of what is issued and in no payment file yet."""
        with session.running() as run:
            try:
                facts = collect.collect_month(run, context.partition_key)
            except collect.NotWritten as error:
                # One payment file must not keep all documents from being made: these tell of it at their end.
                facts = {"not_written": len(error.problems)}
            return dg.MaterializeResult(metadata=metadata(facts))

    @dg.asset(name="documents", **described(Documents, GROUP, ["collections", "receipts"], {"polars", "file"}, months))
    def made(context: dg.AssetExecutionContext, session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """The files of issued bills and notes and of receipts that are not there yet; then publishes their list."""
        with session.running() as run:
            try:
                facts = documents.make_documents(run, context.partition_key)
            finally:
                publish.publish_again(run)
            return dg.MaterializeResult(metadata=metadata(facts))

    return [collections, made]
