"""What is known of a source beside its files: the settings of a switch or a provider, as its reader needs them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Source:
    """The settings of a source (docs/inputs.md, `[source.<format>]`).

    `time_zone`: of local times. `country`: ISO 3166-1, of numbers written the national way. `inbound`: names of
    contexts, trunks or profiles whose calls come in from outside; without any, a call to a number of numbers.csv
    comes in. `extension_digits`: numbers of up to so many digits are extensions, and calls to them no usage; 0: none are.
    `template`: the columns of a file whose columns are a matter of the switch's configuration. `table`: the TOML file of
    format `table`, read.
    """

    time_zone: str = "UTC"
    country: str = ""
    inbound: tuple[str, ...] = ()
    extension_digits: int = 0
    template: tuple[str, ...] = ()
    table: dict[str, Any] = field(default_factory=dict)

    def as_text(self) -> str:
        """JSON that `from_text` reads again: kept with each loaded file, so that it can be read the same way later."""
        return json.dumps(asdict(self), sort_keys=True, default=str)

    @staticmethod
    def from_text(text: str) -> Source:
        """The source that `as_text` wrote."""
        values = json.loads(text)
        return Source(**{**values, "inbound": tuple(values["inbound"]), "template": tuple(values["template"])})
