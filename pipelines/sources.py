"""What the settings, and a file beside the file, say of a source: from HOME to a `Source`."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from pipelines.inbox import InboxFile
from pipelines.settings import Installation
from transforms.mediation.source import Source


def source_of(installation: Installation, file: InboxFile) -> Source:
    """The source of a file of the inbox."""
    folder = PurePosixPath(file.name).parent.relative_to(installation.inbox.name)
    found = installation.settings.source(folder.as_posix())
    return Source(
        time_zone=found.time_zone,
        country=found.country,
        inbound=found.inbound,
        extension_digits=found.extension_digits,
        template=tuple(re.findall(r"\$\{([^}]*)\}", found.template)),
    )
