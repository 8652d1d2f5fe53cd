"""What Dagster sees of callbill."""

import dagster as dg

from pipelines.orchestration.assets import common, deliverables, month
from pipelines.orchestration.assets.outbox import send
from pipelines.orchestration.resources import SessionResource
from pipelines.orchestration.schedules import inbox_sensor, month_end_schedule, send_schedule
from pipelines.settings import Installation


def definitions(installation: Installation, until: str | None = None) -> dg.Definitions:
    """The assets, jobs, schedule and sensor of an installation; months up to `until` where it lies ahead."""
    billing = installation.settings.billing
    months = common.monthly(billing, until)
    everything, issued = dg.AssetSelection.all(), dg.AssetSelection.assets("issued")
    leave = dg.AssetSelection.groups(deliverables.GROUP)
    settings = installation.settings
    whole: dg.AssetSelection = everything - issued - leave
    said = "load, rate, bill, control, publish"
    if settings.issue.at_month_end:
        whole, said = everything - leave, f"{said}, issue"
        if settings.documents.at_month_end:
            whole, said = everything, f"{said}, make the documents"
    month_end = dg.define_asset_job("month_end", selection=whole, description=f"The whole month: {said}.")
    issue = dg.define_asset_job(
        "issue",
        selection=issued,
        description="Numbers the bills of a month whose controls passed, and closes the month.",
    )
    documents = dg.define_asset_job(
        "make_documents",
        selection=leave,
        description="Bills, notes and receipts of a month as files, and its payment files.",
    )
    return dg.Definitions(
        assets=[*month.assets(months), *deliverables.assets(months)],
        jobs=[month_end, issue, documents, send],
        schedules=[month_end_schedule(month_end, billing), send_schedule(send, installation.settings.mail)],
        sensors=[inbox_sensor(month_end)],
        resources={"session": SessionResource()},
        # One process a run: the stages share one connection, and a second process could not open the database.
        executor=dg.in_process_executor,
    )


@dg.definitions
def callbill() -> dg.Definitions:
    """The installation that $CALLBILL_HOME names, for Dagster's own processes."""
    return definitions(Installation.find())
