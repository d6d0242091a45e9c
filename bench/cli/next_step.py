"""What to do next, as one whole command: how a verb for people ends."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.output import notify

if TYPE_CHECKING:
    from bench.record.schema import Record


def suggest(*words: object) -> None:
    """Print one command of bench that can be pasted, on standard error."""
    notify(f"next: bench {shlex.join(str(word) for word in words)}")


def project_words(project: Path | None) -> tuple[str, ...]:
    """Return the option that names a project, if there is one."""
    return () if project is None else ("--project", str(project))


def after_run(record: Record, path: Path) -> None:
    """Suggest what to do once a result is there.

    Args:
        record: the result.
        path: its bundle.
    """
    if not record.runs:
        suggest("doctor")
    elif record.outcome == "failed":
        suggest("report", path)
    else:
        suggest("explain", path)
