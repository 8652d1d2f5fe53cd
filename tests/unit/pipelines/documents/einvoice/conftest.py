"""The one validator of a test process: its stylesheets take seconds to compile."""

from __future__ import annotations

import pytest

from pipelines.documents.einvoice.validation import Validator


@pytest.fixture(scope="session")
def validator() -> Validator:
    return Validator()
