"""`callbill ui`: becomes Dagster's servers on loopback, behind the guard."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

from pipelines.errors import LockHeld
from pipelines.orchestration.instance import dagster_instance, end_dead_runs, prepare_environment
from pipelines.settings import Installation
from pipelines.storage.atomic_files import put_content
from pipelines.storage.warehouse import WarehouseLock

WORKSPACE = """\
# Written by callbill ui, also for Dagster's own commands: -w takes this file.
load_from:
  - python_module:
      module_name: pipelines.definitions
      location_name: callbill
"""
"""What Dagster loads, wherever callbill lies. It has no option for the name of what is loaded by module, and under that name
it keeps which schedules are on, and counts runs."""


def serve_ui(installation: Installation, port: int) -> NoReturn:
    """Becomes `dagster dev` on loopback, its web server behind the guard: signals reach it, and its exit status is the
    command's."""
    installation.home.mkdir(parents=True, exist_ok=True)
    prepare_environment(installation)
    instance = dagster_instance(installation)
    lock = WarehouseLock(installation.home)
    with suppress(LockHeld):
        lock.acquire(wait_seconds=0)
        end_dead_runs(instance, of_dagster=True)
        lock.release()
    instance.dispose()
    workspace = installation.dagster_home / "workspace.yaml"
    put_content(WORKSPACE.encode(), workspace)
    # `dagster dev` warns of its successor `dg`, which is no part of the installation.
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    # Dagster's processes import from the folder they are started in, whatever happens to lie there: here, nothing.
    os.chdir(installation.dagster_home)
    dagster = [sys.executable, "-m", "pipelines.orchestration.serving"]
    os.execv(sys.executable, [*dagster, "dev", "-w", str(workspace), "-h", "127.0.0.1", "-p", str(port)])
