"""Payment files whose making is killed and done again: the same files, and every document in one of them once."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.faults.conftest import small_home
from tests.faults.victims import Moment, Traces, collect, month_ends_and_issue, run
from tests.pipelines.homes import Home

STAGE = "pipelines.stages.collect"
MOMENTS = [
    Moment("after", f"{STAGE}:_collections"),
    Moment("before", f"{STAGE}:add_entry"),
    Moment("after", f"{STAGE}:add_entry"),
    Moment("after", f"{STAGE}:_fix"),
    Moment("after", f"{STAGE}:_content"),
    Moment("before", f"{STAGE}:put"),
    Moment("after", f"{STAGE}:put"),
    Moment("after", f"{STAGE}:_note_file"),
    Moment("before", "pipelines.stages.publish:put"),
    Moment("after", "pipelines.stages.publish:put"),
]
SETTINGS = """
[billing]
first_month = "2026-04"
[issue]
suspense_percent = 100
[seller]
name = "Seller"
iban = "FR7630006000011234567890189"
creditor_id = "DE98ZZZ09999999999"
vat_number = "FR44732829320"
"""
FILES = ["documents/2026-04/direct-debits-2026-04-1.xml", "documents/2026-04/open-items-2026-04-1.csv"]


def issued_home() -> Iterator[Home]:
    """A home whose month is issued, with an account that is debited and others that are not."""
    for home in small_home():
        home.settings(SETTINGS)
        head, *rows = (home.path / "reference/accounts.csv").read_text("utf-8").splitlines()
        mandate = "DE89370400440532013000,M1,2026-01-01"
        lines = [f"{head},iban,mandate_reference,mandate_signed_on"]
        lines += [f"{row},{mandate if 'direct_debit' in row else ',,'}" for row in rows]
        home.reference("accounts", "\n".join(lines) + "\n")
        assert run(home, task=month_ends_and_issue) == 0
        yield home


@pytest.fixture
def issued() -> Iterator[Home]:
    """Such a home, without payment files."""
    yield from issued_home()


@pytest.fixture(scope="module")
def undisturbed() -> Iterator[Traces]:
    """What the making of payment files leaves behind that nothing befell."""
    for home in issued_home():
        assert run(home, task=collect) == 0
        found = Traces.of(home)
        assert [name for name in found.files if name.startswith("documents/")] == FILES
        yield found


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_killed_at(moment: Moment, issued: Home, undisturbed: Traces) -> None:
    assert run(issued, moment, task=collect) == -signal.SIGKILL
    for name in FILES:
        if (issued.path / name).exists():
            assert (issued.path / name).read_bytes() == undisturbed.content[name]
    assert run(issued, task=collect) == 0
    assert Traces.of(issued) == undisturbed
