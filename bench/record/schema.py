"""What a record holds: the one machine-readable truth of a bundle.

SI base units with the unit in the name (``_s``, ``_bytes``, ``_hz``, ``_c``), unrounded. A value that could not be
had is ``None`` and :attr:`Record.unavailable` says why by path (``runs[0].memory.swap_peak_bytes``); never 0.
"""

from __future__ import annotations

import msgspec

from bench.record.parts.asked import Diagnostic, Source
from bench.record.parts.place import Calibration, Engine, Environment, Host, HostClass, HostState, Image, Limits, Outer
from bench.record.parts.run import (
    ContextSwitches,
    Cpu,
    Faults,
    Io,
    Memory,
    Metric,
    Run,
    Session,
    TestResult,
    ThreadsUsed,
    Warning_,
)
from bench.record.parts.verdict import Compared, Experiment, Verdict, VerdictBaseline
from bench.record.parts.words import SINCE_1_1, Better, Outcome, Side, Status, Word

__all__ = [
    "SCHEMA",
    "SIGNED",
    "SINCE_1_1",
    "Better",
    "Calibration",
    "Compared",
    "ContextSwitches",
    "Cpu",
    "Diagnostic",
    "Engine",
    "Environment",
    "Experiment",
    "Faults",
    "Host",
    "HostClass",
    "HostState",
    "Image",
    "Io",
    "Limits",
    "Memory",
    "Metric",
    "Outcome",
    "Outer",
    "Record",
    "Run",
    "Session",
    "Side",
    "Source",
    "Status",
    "TestResult",
    "ThreadsUsed",
    "Verdict",
    "VerdictBaseline",
    "Warning_",
    "Word",
]

SCHEMA = "bench.record/1"
SIGNED = frozenset({"temperature_c", "ceiling_margin_s", "value", "reference", "exit_code", "nice"})
"""Numbers that may be less than 0: an exit status is one of Windows', too."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One result: a diagnostic, run once or more on one host.

    ``runs_asked`` is how many runs were asked for, if the record says it; the files of a run have its number if
    that is more than one. A result that is no side of an experiment has no key ``experiment``.
    """

    schema: str = SCHEMA
    id: str
    stamp: str
    outcome: Outcome
    unavailable: dict[str, str] = {}
    diagnostic: Diagnostic
    image: Image | None = None
    environment: Environment | None = None
    engine: Engine
    host: Host
    calibration: Calibration = Calibration()
    runs: tuple[Run, ...] = ()
    runs_asked: int | None = None
    verdict: Verdict
    variant: str | None = None
    profiler: bool = False
    reproduces: str | None = None
    tool: dict[str, str] = {}
    environ: dict[str, str] = {}
    experiment: Experiment | msgspec.UnsetType = msgspec.UNSET

    @property
    def measured_runs(self) -> tuple[Run, ...]:
        """The runs that count: all but those that only warmed up."""
        return tuple(run for run in self.runs if run.warmup is not True)
