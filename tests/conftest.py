"""How hypothesis searches: the same examples on every run, so that a change is judged and not luck.

`CALLBILL_EXAMPLES=400 pytest tests/property` searches anew, and further.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("judge", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("search" if "CALLBILL_EXAMPLES" in os.environ else "judge")
