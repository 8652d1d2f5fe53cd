"""How hypothesis searches: the same examples on every run, so that a change is judged and not luck.

`CALLBILL_EXAMPLES=400 pytest tests/property` searches anew, and further.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support import scratch

settings.register_profile("judge", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("search" if "CALLBILL_EXAMPLES" in os.environ else "judge")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory where the system has such a place: what a month syncs takes a fifth of its time on a disk."""
    with scratch() as folder:
        yield folder
