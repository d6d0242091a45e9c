"""``summary.md``: a record for people (pure). All text of the record is escaped: a bundle may come from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import msgspec

from bench import units
from bench.compare.work.wording import total_text
from bench.record.schema import Record, Run, VerdictBaseline
from bench.record.unavailable import NO_LOSS
from bench.report.figures import HEADS, figure_cells, own_first
from bench.report.files.texts import ended, signature
from bench.report.presentation import (
    ANONYMOUS,
    MEMORY,
    RESIDENT,
    TIMING,
    Reading,
    build_of,
    engine_text,
    margin_text,
    run_columns,
    warmup_mark,
    what_ran,
)
from bench.report.text import markdown, markdown_block, markdown_code, markdown_table
from bench.report.warnings import merged
from bench.report.work import operator_rows, sums_text, work_in


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of a profile: its name, its own time in seconds, and how often it was called."""

    name: str
    self_s: float
    calls: int | None = None


def render_summary(
    record: Record,
    *,
    findings: Sequence[str] = (),
    operators: Sequence[Operator] = (),
) -> str:
    """Return the summary of a record, in Markdown.

    Args:
        record: the result.
        findings: what an explanation found, as plain sentences.
        operators: a profile's operators; the ten most expensive are shown.
    """
    parts = [
        _head(record),
        _section("Tests that did not pass", _failed(record.runs)),
        _section("Timing", _readings(record.measured_runs, TIMING)),
        _section("Against ceiling, timeout and baseline", _margins(record)),
        _section("Other figures against the baseline", _beside(record.verdict.baseline)),
        _section("Memory, faults and context switches", _readings(record.measured_runs, MEMORY)),
        _section("Metrics", _metrics(record.measured_runs)),
        _section("Work", _work(record)),
        _section("Findings", [f"- {markdown(finding)}" for finding in findings]),
        _section("Runs", _runs(record.runs)),
        _section("Warnings", _warnings(record.runs)),
        _section("Most expensive operators", _operators(operators)),
        _section("Not available", _unavailable(record.unavailable)),
    ]
    return bounded("\n".join(part for part in parts if part))


MOST_BYTES = 16_000
"""Of a summary: a person reads it, and a job's page shows it."""
_CUT = "\n(The rest does not fit here; record.json holds it all.)\n"
_MOST_TESTS = 40
_NOT_FAILED = frozenset({"passed", "skipped", "xfailed", "xpassed"})


def bounded(text: str, most: int = MOST_BYTES) -> str:
    """Return a text of lines, cut after a whole one if it is longer than so many bytes, and says so."""
    raw = text.encode()
    if len(raw) <= most:
        return text
    kept = raw[: most - len(_CUT.encode())].decode(errors="ignore")
    return kept[: kept.rfind("\n") + 1] + _CUT


def _failed(runs: Sequence[Run]) -> list[str]:
    """The tests that did not pass, by name, with how they ended and in which runs."""
    found: dict[tuple[str, str], list[int]] = {}
    for run in runs:
        for test in run.tests:
            if test.outcome not in _NOT_FAILED:
                found.setdefault((test.node, test.outcome), []).append(run.index)
    several = len(runs) > 1
    lines = [
        f"- {markdown_code(node, 200)}: {markdown(outcome)}"
        + (f" (runs {', '.join(map(str, at[:10]))})" if several else "")
        for (node, outcome), at in found.items()
    ]
    more = [f"- and {len(lines) - _MOST_TESTS} more"] if len(lines) > _MOST_TESTS else []
    return [*lines[:_MOST_TESTS], *more]


def _head(record: Record) -> str:
    failure, verdict = signature(record), record.verdict
    lines = [markdown_block(failure), ""] if failure else []
    lines += [f"# {markdown(record.diagnostic.name)}: {record.outcome.replace('_', ' ')}", ""]
    lines.append(f"Verdict: **{verdict.status.replace('_', ' ')}**")
    lines += [f"- {markdown(reason)}" for reason in verdict.reasons]
    lines += ["", *_table(("", ""), _facts(record))]
    if record.profiler:
        lines += ["", "This run was profiled; its times are not compared with others."]
    return "\n".join(lines) + "\n"


def _facts(record: Record) -> list[tuple[str, str]]:
    host, diagnostic, limits = record.host, record.diagnostic, record.engine.limits
    built = build_of(record)
    given = {
        "CPUs": limits.cpus,
        "CPU set": limits.cpuset,
        "memory": None if limits.memory_bytes is None else units.size(limits.memory_bytes),
        "pids": limits.pids,
        "threads": limits.threads,
    }
    facts = {
        "result": record.id,
        "command" if diagnostic.node is None else "test": what_ran(record),
        "device, profile": ", ".join(part for part in (diagnostic.device, diagnostic.profile) if part),
        "host": host.id,
        "processor": host.class_.cpu_model,
        "kernel": host.class_.kernel,
        "GPU": host.class_.gpu,
        "engine": engine_text(record),
        "limits": ", ".join(f"{name} {value}" for name, value in given.items() if value is not None) or "none",
        "image": record.image.name if record.image else None,
        "Python, torch": ", ".join(part for part in (built.python, built.torch) if part) if built else None,
        "fingerprint": built.fingerprint if built else None,
        "variant": record.variant,
        "reproduces": record.reproduces,
    }
    return [(name, markdown(str(value))) for name, value in facts.items() if value]


def _readings(runs: Sequence[Run], rows: Sequence[Reading]) -> list[str]:
    if not runs:
        return []
    if len(runs) == 1:
        return _table(("", "value"), [(one.line, one.text(runs[0])) for one in rows])
    cells = []
    for one in rows:
        values = [value for run in runs if (value := one.read(run)) is not None]
        of = (median(values), min(values), max(values)) if values else (None, None, None)
        cells.append((one.line, *(one.form(value) for value in of), f"{len(values)} of {len(runs)}"))
    return _table(("", "median", "least", "most", "runs"), cells)


def _margins(record: Record) -> list[str]:
    walls = [run.wall_s for run in record.measured_runs if run.wall_s is not None]
    worst = max(walls, default=None)
    timeouts = [run.effective_timeout_s for run in record.measured_runs if run.effective_timeout_s is not None]
    timeout = min(timeouts, default=record.diagnostic.timeout_s)
    rows = [_margin("ceiling", record.diagnostic.ceiling_s, worst), _margin("timeout", timeout, worst)]
    mine = median(walls) if walls else None
    return _table(("", "value", "margin or difference"), [*rows, *_baseline(record.verdict.baseline, mine)])


def _beside(baseline: VerdictBaseline) -> list[str]:
    """What became of the figures beside the wall time, against the baseline."""
    figures = baseline.figures or ()
    return _table(HEADS, [[markdown(cell) for cell in figure_cells(one)] for one in own_first(figures)])


def _baseline(baseline: VerdictBaseline, wall_s: float | None) -> list[tuple[str, str, str]]:
    """Rows for what a verdict reports of its baseline."""
    if baseline == VerdictBaseline():
        return [("baseline", units.NOT_KNOWN, "none given")]
    if baseline.id is msgspec.UNSET:
        return [("baseline", units.NOT_KNOWN, "it holds nothing to compare with")]
    other = baseline.median_s or None
    delta = ""
    if other and wall_s is not None:
        delta = f"{wall_s - other:+.2f} s ({units.change(wall_s / other - 1)})"
    rows = [(f"baseline {markdown(baseline.id or '')}".rstrip(), units.seconds(other), delta)]
    low, high = baseline.ratio_low or None, baseline.ratio_high or None
    if low is not None and high is not None:
        rows.append(("99 % interval of the ratio", f"{low:.4f} to {high:.4f}", ""))
    low, high = baseline.predicted_low_s or None, baseline.predicted_high_s or None
    if low is not None and high is not None:
        belongs = "belongs to it" if baseline.belongs is True else "does not belong to it"
        rows.append(("predicted by the history", units.between(low, high), belongs))
    return rows


def _margin(name: str, bound: float | None, wall_s: float | None) -> tuple[str, str, str]:
    share = ""
    if bound and wall_s is not None:
        over = wall_s > 2 * bound
        share = f" ({units.times(wall_s / bound) if over else units.signed_percent((bound - wall_s) / bound)})"
    return name, units.seconds(bound), margin_text(bound, wall_s) + share


def _metrics(runs: Sequence[Run]) -> list[str]:
    rows = []
    for name in sorted({name for run in runs for name in run.metrics}):
        metrics = [run.metrics[name] for run in runs if name in run.metrics]
        values = [metric.value for metric in metrics if metric.value is not None]
        middle = units.NOT_KNOWN if not values else f"{median(values):.6g}"
        better = metrics[0].better if metrics[0].better != "none" else ""
        rows.append((markdown(name), middle, markdown(metrics[0].unit), better, str(len(values))))
    return _table(("metric", "median", "unit", "better", "runs"), rows) if rows else []


def _work(record: Record) -> list[str]:
    work = work_in(record)
    if work is None:
        return []
    sums = sums_text(work)
    lines = [f"- {markdown(total_text(work))}, counted in a run that is not timed"]
    lines += [f"- {markdown(sums)}"] if sums else []
    rows = [tuple(map(markdown, row)) for row in operator_rows(work)]
    return [*lines, "", *_table(("operator", "calls", "called most by"), rows)] if rows else lines


def _runs(runs: Sequence[Run]) -> list[str]:
    if len(runs) < 2:
        return []
    readings = run_columns(runs, (*TIMING[:6], ANONYMOUS, RESIDENT))
    rows = [
        (str(run.index), markdown(ended(run)) + warmup_mark(run), *(one.text(run) for one in readings)) for run in runs
    ]
    return _table(("run", "outcome", *(one.name for one in readings)), rows)


def _warnings(runs: Sequence[Run]) -> list[str]:
    return [f"- {markdown(code)}: {markdown(message)}" for code, message in merged(runs)]


def _operators(operators: Sequence[Operator]) -> list[str]:
    dearest = sorted(operators, key=lambda operator: operator.self_s, reverse=True)[:10]
    rows = [
        (markdown(operator.name), units.seconds(operator.self_s), units.count(operator.calls)) for operator in dearest
    ]
    return _table(("operator", "own time", "calls"), rows) if rows else []


def _unavailable(reasons: Mapping[str, str]) -> list[str]:
    paths: dict[str, list[str]] = {}
    for path in sorted(path for path, reason in reasons.items() if reason not in NO_LOSS):
        paths.setdefault(reasons[path], []).append(path)
    return [f"- {markdown(reason)}: {', '.join(map(markdown, named))}" for reason, named in paths.items()]


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join((f"## {title}", "", *lines, "")) if lines else ""


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return markdown_table(names, rows).splitlines()
