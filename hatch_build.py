"""What is built has besides the packages: the commit it was built from, and in a wheel the example tariff."""

from __future__ import annotations

import runpy
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Additions(BuildHookInterface[Any]):
    """Hatchling's hook of a build; an editable install gets nothing, for the checkout has it all."""

    _folder: tempfile.TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the files to the wheel or source archive at hand."""
        if version == "editable":
            return
        root = Path(self.root)
        module = runpy.run_path(str(root / "pipelines" / "version.py"))
        name, commit = module["COMMIT_FILE"], module["commit"]()
        # A source archive brings its own.
        if commit and not (root / "pipelines" / name).exists():
            self._folder = tempfile.TemporaryDirectory()
            written = Path(self._folder.name, name)
            written.write_text(f"{commit}\n", encoding="ascii")
            build_data["force_include"][str(written)] = f"pipelines/{name}"
        if self.target_name == "wheel":
            build_data["force_include"][str(root / "price_tables")] = "pipelines/example/price_tables"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Takes away what was only written to be packed."""
        if self._folder is not None:
            self._folder.cleanup()
