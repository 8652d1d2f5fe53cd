"""What the settings, and a file beside the file, say of a source: from HOME to a `Source`."""

from __future__ import annotations

import re

from pipelines.inbox import InboxFile
from pipelines.settings import Installation
from transforms.mediation.source import Source


def source_of(installation: Installation, file: InboxFile) -> Source:
    """The source of a file, by the folder of the inbox that it was loaded from."""
    folder = file.name.removeprefix("inbox/").rpartition("/")[0]
    found = installation.settings.source(folder)
    return Source(
        time_zone=found.time_zone,
        country=found.country,
        inbound=found.inbound,
        extension_digits=found.extension_digits,
        template=tuple(re.findall(r"\$\{([^}]*)\}", found.template)),
    )
