"""What follows a command for the person who waits: told of each run and of what its supervisor reports."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.engine.protocol import Event
    from bench.run.plan import Plan
    from bench.run.result.reading import Reading

CALIBRATING = "calibrating"
"""What is done before the first run and after the last, if the host is calibrated."""


class Observer:
    """Follows a command for the person who waits; this one reports nothing (see ``bench.cli.progress``)."""

    def run_begins(self, plan: Plan, index: int) -> None:
        """A run is about to start."""

    def event(self, event: Event) -> None:
        """The supervisor reported something."""

    def run_ended(self, reading: Reading) -> None:
        """A run has been read."""

    def doing(self, what: str) -> AbstractContextManager[object]:  # noqa: ARG002
        """Return the time in which something else than a run is done: ``what`` is a few words."""
        return nullcontext()
