"""When Dagster acts by itself: the month end, e-mails, and new files in the inbox."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pipelines.inputs.inbox import find_files
from pipelines.settings import Billing, Installation, Mail
from transforms.mediation.formats import all_formats


def month_before(moment: datetime) -> str:
    """The month that has ended at `moment`, in the time zone of `moment`."""
    return f"{moment.replace(day=1) - timedelta(days=1):%Y-%m}"


def month_end_schedule(job: UnresolvedAssetJobDefinition, billing: Billing) -> dg.ScheduleDefinition:
    """Runs the month that has ended, on the day and hour of the settings, in the billing time zone."""

    @dg.schedule(
        name="month_end_schedule",
        job=job,
        cron_schedule=f"0 {billing.month_end_hour} {billing.month_end_day} * *",
        execution_timezone=billing.time_zone,
        description="Bills the month that has ended ([billing] month_end_day and month_end_hour of callbill.toml).",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        month = month_before(context.scheduled_execution_time.astimezone(ZoneInfo(billing.time_zone)))
        return dg.RunRequest(run_key=month, partition_key=month)

    return schedule


def send_schedule(job: dg.JobDefinition, mail: Mail) -> dg.ScheduleDefinition:
    """Sends every quarter of an hour, where [mail] has a host. Skips while a run of before waits or works still."""

    @dg.schedule(
        name="send_schedule",
        job=job,
        cron_schedule="*/15 * * * *",
        execution_timezone="UTC",
        description="Sends the e-mails of the outbox that are due; off while [mail] host of callbill.toml is not set.",
        default_status=dg.DefaultScheduleStatus.RUNNING if mail.host else dg.DefaultScheduleStatus.STOPPED,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        unfinished = dg.RunsFilter(job_name=job.name, statuses=_UNFINISHED)
        if context.instance.get_runs(filters=unfinished, limit=1):
            return dg.SkipReason("a run that sends e-mails is not over yet")
        return dg.RunRequest()

    return schedule


_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def inbox_sensor(job: UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """Runs the month that has ended when files have come into the inbox. Off until somebody starts it."""

    @dg.sensor(
        name="new_usage_files", job=job, minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.STOPPED
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        installation = Installation.find()
        files, _ = find_files(installation, all_formats())
        newest = max((file.signature()[1] for file in files), default=0)
        if newest <= int(context.cursor or 0):
            return dg.SkipReason("no new files in the inbox")
        month = month_before(datetime.now(installation.settings.zone))
        request = dg.RunRequest(run_key=f"{month}-{newest}", partition_key=month)
        return dg.SensorResult(run_requests=[request], cursor=str(newest))

    return sensor
