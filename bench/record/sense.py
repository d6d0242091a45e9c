"""Whether a record's values can be true together: what no type says (pure)."""

from __future__ import annotations

import math

from bench.catalog.model import SELFTEST
from bench.record.schema import Record


def contradictions(record: Record) -> list[str]:
    """What cannot be, each with its path: a wall time that is none, an outcome that the runs do not bear out."""
    found = [
        f"runs[{at}].wall_s: {run.wall_s:g} is no time that a run can take"
        for at, run in enumerate(record.runs)
        if run.wall_s is not None and not (math.isfinite(run.wall_s) and run.wall_s > 0)
    ]
    said = _outcome(record)
    return [*found, said] if said is not None else found


def _outcome(record: Record) -> str | None:
    """A self-test's outcome is that of its readings: a run of it may be killed as it should be."""
    if record.diagnostic.name == SELFTEST:
        return None
    ended = [run.outcome for run in record.runs]
    if record.outcome in ("failed", "timed_out", "oom_killed") and record.outcome not in ended:
        return f"outcome: {record.outcome}, and no run ended so"
    if record.outcome == "passed" and (not ended or set(ended) != {"passed"}):
        return "outcome: passed, and not every run did" if ended else "outcome: passed, and there is no run"
    if record.outcome == "not_measured" and set(ended) == {"passed"}:
        return "outcome: not_measured, and every run passed"
    return None
