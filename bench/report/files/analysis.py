"""``analysis/<diagnostic>_time.txt``: timing, margins and memory as plain text, a failure's signature first (pure)."""

from __future__ import annotations

from bench import units
from bench.names import ANALYSIS
from bench.record.schema import Record, Run
from bench.report.files.texts import ended, signature
from bench.report.presentation import MEMORY, TIMING, margin_text
from bench.report.text import plain

_WIDTH = 50


def analysis_name(record: Record) -> str:
    """Return the file's name in the bundle."""
    return f"analysis/{record.diagnostic.name}{ANALYSIS}"


def analysis_time_txt(record: Record) -> str:
    """Return the text of the file; one block a run."""
    lines = []
    failure = signature(record)
    if failure:
        lines += [plain(failure, keep_lines=True), ""]
    lines += [plain(record.id), f"outcome: {record.outcome}", f"verdict: {record.verdict.status}"]
    for run in record.runs:
        lines += ["", *_block(record, run)]
    if not record.runs:
        lines.append("no run")
    return "\n".join(lines) + "\n"


def _block(record: Record, run: Run) -> list[str]:
    rows = [(one.line, one.text(run)) for one in (*TIMING, *MEMORY)]
    ceiling = record.diagnostic.ceiling_s
    timeout = run.effective_timeout_s if run.effective_timeout_s is not None else record.diagnostic.timeout_s
    rows += [("ceiling", units.seconds(ceiling)), ("margin to the ceiling", margin_text(ceiling, run.wall_s))]
    rows += [("timeout", units.seconds(timeout)), ("margin to the timeout", margin_text(timeout, run.wall_s))]
    return [f"run {run.index}: {ended(run)}", *(f"  {name:<{_WIDTH}} {value}" for name, value in rows)]
