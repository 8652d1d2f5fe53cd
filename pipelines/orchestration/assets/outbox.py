"""The job that sends e-mails. It is no asset: what it leaves behind is in other people's mailboxes."""

import dagster as dg

from pipelines.orchestration.resources import SessionResource, metadata
from pipelines.stages.documents import make_receipt_documents
from pipelines.stages.send_due import send_due


@dg.op(description="Sends the e-mails of the outbox that are due, each once.", out=dg.Out(dg.Nothing))
def send_emails(context: dg.OpExecutionContext, session: SessionResource) -> None:
    """The op of the job `send`."""
    with session.running() as run:
        done = send_due(run, make=make_receipt_documents)
        if done.stopped:
            run.progress.warn(done.stopped)
        facts = {name: value for name, value in done.facts().items() if value is not None}
        context.add_output_metadata(metadata(facts))


@dg.job(description="Sends the e-mails about receipts, bills and notes over the server of [mail].")
def send() -> None:
    """The job."""
    send_emails()
