"""How `callbill check` says its notes: a sentence, how many things it is about, and the first of them."""

from __future__ import annotations

from collections.abc import Sequence

EXAMPLES = 5


def grouped(said: str, examples: Sequence[str]) -> list[str]:
    """A sentence about `examples` with their number and the first of them; none where there are none."""
    if not examples:
        return []
    more = f" and {len(examples) - EXAMPLES} more" if len(examples) > EXAMPLES else ""
    return [f"{said} ({len(examples)}): {', '.join(examples[:EXAMPLES])}{more}"]
