"""``analysis/<diagnostic>_time.txt``: timing, margins and memory as plain text, a failure's signature first (pure)."""

from __future__ import annotations

from bench import units
from bench.names import ANALYSIS
from bench.record.schema import Record, Run
from bench.record.text import clean
from bench.report.files.summary import MEMORY, TIMING
from bench.report.files.texts import ended, signature

_WIDTH = 50


def analysis_name(record: Record) -> str:
    """The file's name in the bundle."""
    return f"analysis/{record.diagnostic.name}{ANALYSIS}"


def analysis_time_txt(record: Record) -> str:
    """The text of the file; one block a run."""
    lines = []
    failure = signature(record)
    if failure:
        lines += [clean(failure, keep_lines=True), ""]
    lines += [clean(record.id), f"outcome: {record.outcome}", f"verdict: {record.verdict.status}"]
    for run in record.runs:
        lines += ["", *_block(record, run)]
    if not record.runs:
        lines.append("no run")
    return "\n".join(lines) + "\n"


def _block(record: Record, run: Run) -> list[str]:
    rows = [(name, form(read(run))) for name, read, form in (*TIMING, *MEMORY)]
    ceiling = record.diagnostic.ceiling_s
    timeout = run.effective_timeout_s if run.effective_timeout_s is not None else record.diagnostic.timeout_s
    rows += [("ceiling", units.seconds(ceiling)), ("margin to the ceiling", _margin(ceiling, run.wall_s))]
    rows += [("timeout", units.seconds(timeout)), ("margin to the timeout", _margin(timeout, run.wall_s))]
    return [f"run {run.index}: {ended(run)}", *(f"  {name:<{_WIDTH}} {value}" for name, value in rows)]


def _margin(bound: float | None, wall_s: float | None) -> str:
    return units.NOT_KNOWN if bound is None or wall_s is None else f"{bound - wall_s:+.2f} s"
