"""Where the project's own files lie: in a checkout and in an installed package alike."""

from __future__ import annotations

from pathlib import Path

import bench
from bench.engine.images.context import assets

_PACKAGE = Path(bench.__file__).resolve().parent


def package_folder() -> Path:
    """The folder of the package ``bench``."""
    return _PACKAGE


def diagnostics_folder() -> Path:
    """The shipped diagnostics."""
    return _PACKAGE / "diagnostics"


def agent_folder() -> Path:
    """The supervisor."""
    return _PACKAGE / "agent"


def project_root() -> Path:
    """The folder that holds the Dockerfiles and ``requirements/``: the checkout, or the wheel's copy of them.

    Raises:
        UsageError: this installation has neither.
    """
    return assets(_PACKAGE)
