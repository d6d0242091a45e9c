"""The small text files of a bundle (pure): what ran, in which environment, how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.record.redact import allowed_environ
from bench.record.schema import Record, Run


def env_txt(environ: Mapping[str, str], extra: Sequence[str] = ()) -> str:
    """Return the recorded part of an environment, a ``NAME=value`` a line, line breaks in a value escaped.

    Args:
        environ: the whole environment of the measured process; the allow-list is applied here.
        extra: names that the user or the catalog set.
    """
    kept = allowed_environ(environ, extra)
    return "".join(f"{name}={_one_line(value)}\n" for name, value in kept.items())


def exit_code_txt(run: Run) -> str:
    """Return the exit status alone on the first line, as a shell has it; ``unknown`` if nobody saw it end.

    A process ended by signal N has 128 + N, and a second line that names the signal.
    """
    if run.exit_code is not None:
        return f"{run.exit_code}\n"
    return f"{128 + run.signal}\nsignal {run.signal}\n" if run.signal is not None else "unknown\n"


def signature(record: Record) -> str | None:
    """Return how a result failed, as its first failing run says it; ``None`` if nothing failed."""
    if record.outcome == "passed":  # one of a self-test's may be lost without harm
        return None
    for run in record.measured_runs or record.runs:
        if run.outcome != "passed":
            said = run.signature or ended(run)
            return said if len(record.runs) == 1 else f"run {run.index}: {said}"
    reasons = "; ".join(record.verdict.reasons)
    return f"{record.outcome.replace('_', ' ')}: {reasons}" if reasons else record.outcome.replace("_", " ")


def ended(run: Run) -> str:
    """Return how a run ended, in words."""
    how = run.outcome.replace("_", " ")
    if run.signal is not None:
        return f"{how}, ended by signal {run.signal}"
    return how if run.exit_code is None else f"{how}, exit code {run.exit_code}"


def _one_line(text: str) -> str:
    return (
        text.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n") if "\n" in text or "\r" in text else text
    )
