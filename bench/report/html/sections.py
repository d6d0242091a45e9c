"""Entries to the parts of a page: which diagnostics, which figures, which details (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from bench import units
from bench.compare.explain.remedy import commands
from bench.compare.measures import CALL, CPU, WALL, label
from bench.compare.work.wording import total_text
from bench.errors import DamagedData
from bench.record.schema import Run
from bench.report.entry import Entry, by_group, newest_per_key, timeline_entries, worst_first
from bench.report.figures import own_numbers, paired_text
from bench.report.html.breakdown import breakdown
from bench.report.html.distribution import distribution, runs_table
from bench.report.html.experiment.sides import experiment_figures
from bench.report.html.history import LEAST, changes_table, history
from bench.report.html.host_during import host_during
from bench.report.html.model import Cell, Detail, Figure, Group, Row, Table, anchor, columns
from bench.report.html.overview.change import Change
from bench.report.html.overview.lines import Line, is_told, other_reasons, overview_lines
from bench.report.html.timeline import timeline_figure
from bench.report.presentation import (
    ANONYMOUS,
    MINOR_FAULTS,
    build_of,
    engine_text,
    medians_text,
    reasons,
    run_columns,
    state_text,
    what_ran,
)
from bench.report.timeline import parse_samples
from bench.report.trend import stands_out, time_spent
from bench.report.warnings import merged
from bench.report.work import work_in

MOST_HISTORIES = 60
"""Hosts of one diagnostic that get a history, those with the newest results first."""
TIMELINE_POINTS = 3_000
"""Steps of all timelines on a page together: more timelines get fewer steps each, never fewer than 40."""
_OLDER = columns("verdict", "diagnostic", "host", "result", ">runs", ">median wall", ">under ceiling", "reasons")
_MOST_REASONS = 3
"""Reasons that the table of older results has of each."""


def older_table(entries: Sequence[Entry]) -> Table | None:
    """Return the results that have newer ones, the worst first; ``None`` if there are none.

    Args:
        entries: all results; the newest of each diagnostic on each host are in the overview.
    """
    newest = {id(entry) for entry in newest_per_key(entries)}
    rows = []
    for entry in worst_first(entry for entry in entries if id(entry) not in newest):
        record, state = entry.record, entry.state
        cells = (
            Cell(state_text(state), state.rank, state.level),
            Cell(entry.group),
            Cell(record.host.id),
            Cell(record.stamp),
            Cell(str(len(record.measured_runs)), len(record.measured_runs)),
            Cell(units.seconds(entry.wall_s), entry.wall_s),
            Cell(units.seconds(record.verdict.ceiling_margin_s), record.verdict.ceiling_margin_s),
            Cell("; ".join(reasons(entry, _MOST_REASONS)) if is_told(entry) else ""),
        )
        rows.append(Row(cells, record.host.id, entry.group, state.code, anchor=anchor("a", record.id)))
    return Table("Older results, the worst first", _OLDER, tuple(rows)) if rows else None


def groups(entries: Sequence[Entry], lines: Sequence[Line] | None = None) -> tuple[Group, ...]:
    """Return one part of the page for each diagnostic, in the order of the overview.

    Args:
        entries: all results.
        lines: the overview of them, if it has been worked out already.
    """
    lines = overview_lines(entries) if lines is None else lines
    detailed = timeline_entries(entries)
    steps = max(min(240, TIMELINE_POINTS // max(len(detailed), 1)), 40)
    unfolded = {id(entry) for entry in detailed}
    by_name: dict[str, list[Line]] = {}
    for line in lines:
        by_name.setdefault(line.entry.group, []).append(line)
    members = by_group(entries)
    parts = []
    for name, of in by_name.items():
        details = [detail(line.entry, steps, line) for line in of if id(line.entry) in unfolded]
        parts.append(_group(name, members[name], details, of[0]))
    return tuple(parts)


def _group(name: str, members: Sequence[Entry], details: Sequence[Detail], worst: Line) -> Group:
    by_host: dict[str, list[Entry]] = {}
    for entry in members:
        by_host.setdefault(entry.record.host.id, []).append(entry)
    hosts = sorted(by_host, key=lambda host: (_best(by_host[host]), host))
    ages = sorted(by_host, key=lambda host: by_host[host][-1].record.stamp, reverse=True)
    with_history = [host for host in ages if sum(entry.wall_s is not None for entry in by_host[host]) >= LEAST]
    drawn = sorted(with_history[:MOST_HISTORIES])
    figures: list[Figure] = []
    timed = sum(run.wall_s is not None for entry in members for run in entry.record.measured_runs)
    # One run is no spread: its figures are a line of the overview.
    drawn_sides = experiment_figures(worst.entry)
    figures += drawn_sides
    if timed > 1 and not drawn_sides:
        figures.append(distribution(name, members, hosts))
    base = worst.entry.base
    newest = [_newest_measured(by_host[host]) for host in hosts] if base is None else [base, worst.entry]
    spent = breakdown(name, newest, hosts, sides=base is not None)
    if spent is not None:
        figures.append(spent)
    left, state = len(with_history) - len(drawn), worst.entry.state
    results = sum(entry.results for entry in members)
    return Group(
        name=name,
        anchor=anchor("d", name),
        summary=f"{units.counted(results, 'result')}, {units.counted(len(by_host), 'host')}",
        verdict=Cell(state_text(state), level=state.level),
        about=_about(members[-1]),
        figures=tuple(figures),
        runs=runs_table(members) if timed == 1 else None,
        histories=tuple(history(name, host, by_host[host]) for host in drawn),
        histories_note=f"{left} more hosts have a history; the newest {len(drawn)} are drawn." if left else "",
        changes=changes_table(members) if with_history else None,
        details=tuple(details),
        details_note="" if len(details) == len(by_host) else _left_out(len(by_host) - len(details)),
    )


def detail(entry: Entry, steps: int, line: Line | None = None) -> Detail:
    """Return one result unfolded, with the timeline of its typical run if it was sampled.

    Args:
        entry: the result.
        steps: the most steps of the timeline.
        line: its line in the overview, whose reason is not given again.
    """
    record, run = entry.record, entry.typical
    figure, why = None, "No run was measured."
    if run is not None:
        text = entry.samples.get(run.index)
        why = f"No samples of run {run.index} are in this result."
        try:
            timeline = parse_samples(text, steps) if text else None
        except DamagedData as error:
            timeline, why = None, str(error)
        if timeline is not None:
            key = anchor("f-time", record.id)
            figure = timeline_figure(key, run, record.engine.limits, timeline)
        elif text and not why.startswith("samples.csv"):
            why = f"Run {run.index} ended before its second sample."
    return Detail(
        anchor=anchor("r", record.id),
        host=record.host.id,
        group=entry.group,
        state=entry.state.code,
        heading=f"{record.host.id}, {record.stamp}",
        verdict=Cell(state_text(entry.state), level=entry.state.level),
        facts=_facts(entry, line.change if line else None),
        reasons=tuple(reasons(entry) if line is None else other_reasons(line)),
        warnings=_warnings(entry),
        findings=(found := stands_out(entry)),
        commands=commands(record, [name for finding in found for name in finding.variants]),
        timeline=figure,
        no_timeline="" if figure else why,
        meanwhile=host_during(record),
    )


def _facts(entry: Entry, change: Change | None) -> tuple[tuple[str, str], ...]:
    record, run = entry.record, entry.typical
    limits = record.engine.limits
    build = build_of(record)
    facts = [
        ("runs", f"{len(entry.passed)} of {len(record.measured_runs)} passed"),
        ("slowest run under its ceiling", units.seconds(record.verdict.ceiling_margin_s)),
        ("engine", engine_text(record)),
        ("CPU limit", f"{limits.cpus:g}" if limits.cpus is not None else "none"),
        ("memory limit", units.size(limits.memory_bytes) if limits.memory_bytes is not None else "none"),
        ("torch", (build.torch if build else None) or units.NOT_KNOWN),
        ("build", ((build.fingerprint if build else None) or units.NOT_KNOWN)[:12]),
    ]
    if run is not None:
        facts += [
            ("timeout in effect", units.seconds(run.effective_timeout_s)),
            ("CPU time, user and system", _cpu_time(run)),
            ("memory peak (with page cache)", units.size(run.memory.peak_bytes)),
            *((one.name, one.text(run)) for one in run_columns([run], (ANONYMOUS, MINOR_FAULTS))),
        ]
    if change is not None:
        facts.append(("change", change.spoken))
    if entry.base is not None:
        facts.append(("base", entry.base.record.id))
        walls = " → ".join(units.seconds(side.wall_s) for side in (entry.base, entry))
        facts.append(("wall time, base → head", walls))
        trial = entry.comparison.experiment if entry.comparison is not None else None
        if trial is not None and trial.metric != WALL:
            facts.append((f"{label(trial.metric)}, base → head", medians_text(trial.decides)))
        informs = trial.informs if trial is not None else ()
        facts += [(f"{label(one.name)}, base → head", paired_text(one)) for one in informs if one.name in (CALL, CPU)]
    facts += own_numbers(entry)
    work = work_in(record)
    if work is not None:
        facts.append(("work", total_text(work)))
    if entry.origin:
        facts.append(("read from", entry.origin))
    return tuple(facts)


def _cpu_time(run: Run) -> str:
    if run.cpu.user_s is None and run.cpu.system_s is None:
        return units.seconds(run.cpu.total_s)
    return f"{units.seconds(run.cpu.user_s)} + {units.seconds(run.cpu.system_s)}"


def _warnings(entry: Entry) -> tuple[str, ...]:
    return tuple(dict.fromkeys(message for _, message in merged(entry.record.runs)))


def _about(newest: Entry) -> tuple[tuple[str, str], ...]:
    diagnostic = newest.record.diagnostic
    return (
        ("test", what_ran(newest.record) or units.NOT_KNOWN),
        ("device", diagnostic.device or units.NOT_KNOWN),
        ("ceiling", units.seconds(diagnostic.ceiling_s)),
        ("timeout", units.seconds(diagnostic.timeout_s)),
    )


def _newest_measured(entries: Sequence[Entry]) -> Entry:
    *before, newest = entries
    if not before:
        return newest
    return next((entry for entry in reversed(entries) if time_spent(entry) is not None), newest)


def _best(entries: Sequence[Entry]) -> float:
    walls = [wall for entry in entries for wall in entry.walls]
    return min(walls, default=float("inf"))


def _left_out(count: int) -> str:
    return f"{count} more results are only in the table at the top; a page unfolds the worst of the newest."
