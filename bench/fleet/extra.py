"""The libraries of the extra ``fleet``, read only if a fleet runs on a cluster, and their settings."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bench.errors import UsageError

QUIET = {
    "distributed.scheduler.allowed-failures": 0,  # a leg whose worker was lost is not silently run again
    "distributed.worker.profile.enabled": False,  # else each worker looks at its threads a hundred times a second
    "distributed.admin.system-monitor.interval": "10s",
    "logging": {"distributed": "critical", "distributed.worker": "critical", "tornado": "critical"},
}
"""Settings of a scheduler and of workers that are the fleet's own."""


def library(name: str) -> Any:
    """Return a package of the extra.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = (error.name or name).partition(".")[0].replace("_", "-")
        fix = "pip install 'bench-reproducer[fleet]'"
        raise UsageError("--on needs Dask", f"{package} is not installed", fix) from None
