"""The assets of a month: one, or one set, for each stage of the month end, and what issues the month."""

from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl

from pipelines.controls.month import CONTROLS
from pipelines.orchestration.assets.common import OWNERS, described
from pipelines.orchestration.resources import SessionResource, metadata
from pipelines.stages import control, issue, publish
from pipelines.stages.month_end import MONTH_END, Stage
from pipelines.storage import catalogue

Result = dg.MaterializeResult | dg.AssetCheckResult  # type: ignore[type-arg]


def assets(months: dg.MonthlyPartitionsDefinition) -> Sequence[dg.AssetsDefinition]:
    """The assets, partitioned by `months`: each holds what was known when its month was last run."""
    special = {"controls": _controls, "published": _published}
    return [*(special.get(stage.name, _tables)(stage, months) for stage in MONTH_END), _issued(months)]


def _tables(stage: Stage, months: dg.MonthlyPartitionsDefinition) -> dg.AssetsDefinition:
    """What a stage makes: its facts stand at its table, of several tables only how many rows each has."""

    @dg.multi_asset(name=stage.name, description=stage.says, specs=_specs(stage, months))
    def made(context: dg.AssetExecutionContext, session: SessionResource) -> Iterator[Result]:
        with session.running() as run:
            facts = stage.run(run, context.partition_key)
        if len(stage.makes) == 1:
            yield dg.MaterializeResult(metadata=metadata(facts))
            return
        for name in stage.makes:
            yield dg.MaterializeResult(asset_key=name, metadata={"dagster/row_count": facts[f"{name}_rows"]})

    return made


def _specs(stage: Stage, months: dg.MonthlyPartitionsDefinition) -> list[dg.AssetSpec]:
    """The stage's tables as assets; reference files are a group of their own beside the prices that are read with them."""
    return [
        dg.AssetSpec(name, **described(table, _group(name, stage), stage.inputs, stage.kinds, months))
        for name, table in stage.makes.items()
    ]


def _group(name: str, stage: Stage) -> str:
    return "reference" if name in catalogue.REFERENCE else stage.group


def _controls(stage: Stage, months: dg.MonthlyPartitionsDefinition) -> dg.AssetsDefinition:
    """Each control is a check; one that fails blocks the publication."""

    @dg.multi_asset(
        name=stage.name,
        description=stage.says,
        specs=_specs(stage, months),
        check_specs=[
            dg.AssetCheckSpec(item.name, asset=stage.name, description=item.says, blocking=item.blocking)
            for item in CONTROLS
        ],
    )
    def controls(context: dg.AssetExecutionContext, session: SessionResource) -> Iterator[Result]:
        with session.running() as run:
            frame: pl.DataFrame = stage.run(run, context.partition_key)
        yield dg.MaterializeResult(metadata={"dagster/row_count": frame.height})
        for item in CONTROLS:
            rows = frame.filter(control=item.name)
            findings = "; ".join(filter(None, rows["findings"].unique(maintain_order=True)))
            shown = {
                "month": context.partition_key,
                **control.shown(rows),
                **({"findings": findings} if findings else {}),
            }
            yield dg.AssetCheckResult(check_name=item.name, passed=bool(rows["passed"].all()), metadata=shown)
        with session.running() as run:
            control.require_passed(run, context.partition_key)

    return controls


def _published(stage: Stage, months: dg.MonthlyPartitionsDefinition) -> dg.AssetsDefinition:
    """Only when every control passed."""

    @dg.asset(
        name=stage.name,
        deps=list(stage.inputs),
        description=stage.says,
        group_name=stage.group,
        owners=OWNERS,
        kinds=set(stage.kinds),
        partitions_def=months,
    )
    def published(context: dg.AssetExecutionContext, session: SessionResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with session.running() as run:
            control.require_passed(run, context.partition_key)
            return dg.MaterializeResult(metadata=metadata(stage.run(run, context.partition_key)))

    return published


def _issued(months: dg.MonthlyPartitionsDefinition) -> dg.AssetsDefinition:
    """Issues what is not parked, in one transaction, and publishes it."""

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
        with session.running() as run:
            facts = issue.issue_month(run, context.partition_key)
            publish.publish(run, context.partition_key)
            return dg.MaterializeResult(metadata=metadata(facts))

    return issued
