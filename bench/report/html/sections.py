"""Entries to the parts of a page: which diagnostics, which figures, which details (pure)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bench import units
from bench.compare.explain.remedy import commands
from bench.compare.work.wording import total_text
from bench.errors import DamagedData
from bench.record.schema import Run
from bench.report.entry import Entry, by_group, newest_per_key, timeline_entries, worst_first
from bench.report.figures import own_numbers
from bench.report.html.breakdown import breakdown
from bench.report.html.distribution import distribution
from bench.report.html.history import LEAST, history
from bench.report.html.host_during import host_during
from bench.report.html.model import Cell, Detail, Figure, Group, Row, Table, anchor, columns
from bench.report.html.timeline import timeline_figure
from bench.report.presentation import (
    ANONYMOUS,
    MINOR_FAULTS,
    build_of,
    engine_text,
    reasons,
    run_columns,
    signatures,
    state_text,
    what_ran,
)
from bench.report.timeline import parse_samples
from bench.report.trend import stands_out, time_spent
from bench.report.warnings import merged
from bench.report.work import work_in

MOST_HISTORIES = 60
"""Hosts of one diagnostic that get a history, those with the newest results first."""
TIMELINE_POINTS = 4_000
"""Steps of all timelines on a page together: more timelines get fewer steps each, never fewer than 40."""
_MOST_REASONS = 3
"""Reasons that a table of results shows of each."""
_COLUMNS = columns("verdict", "diagnostic", "host", "result", ">runs", ">median wall", ">under ceiling", "reasons")


def verdict_table(entries: Sequence[Entry], caption: str, unfolded: Collection[str] | None = None) -> Table:
    """Return results, the worst first, with their reasons.

    Args:
        entries: the lines.
        caption: what they are.
        unfolded: ids of the results that the page unfolds: a line leads there, else to its line among all results.
            ``None`` makes the table of all results, whose lines are what is led to.
    """
    rows = []
    for entry in worst_first(entries):
        record, state = entry.record, entry.state
        rows.append(
            Row(
                (
                    Cell(state_text(state), state.rank, state.level),
                    Cell(entry.group, href=anchor("d", entry.group)),
                    Cell(record.host.id),
                    Cell(record.stamp, href=_place(record.id, unfolded)),
                    Cell(str(len(record.judged)), len(record.judged)),
                    Cell(units.seconds(entry.wall_s), entry.wall_s),
                    Cell(units.seconds(record.verdict.ceiling_margin_s), record.verdict.ceiling_margin_s),
                    Cell("; ".join(reasons(entry, _MOST_REASONS))),
                ),
                record.host.id,
                entry.group,
                state.code,
                anchor=anchor("a", record.id) if unfolded is None else None,
            )
        )
    return Table(caption, _COLUMNS, tuple(rows))


def _place(id_: str, unfolded: Collection[str] | None) -> str | None:
    return None if unfolded is None else anchor("r" if id_ in unfolded else "a", id_)


def groups(entries: Sequence[Entry]) -> tuple[Group, ...]:
    """Return one part of the page for each diagnostic, those with the worst newest result first."""
    detailed = timeline_entries(entries)
    steps = max(min(240, TIMELINE_POINTS // max(len(detailed), 1)), 40)
    worst = {entry.group: at for at, entry in reversed(list(enumerate(worst_first(newest_per_key(entries)))))}
    parts = []
    for name, members in sorted(by_group(entries).items(), key=lambda item: worst[item[0]]):
        parts.append(_group(name, members, [entry for entry in detailed if entry.group == name], steps))
    return tuple(parts)


def _group(name: str, members: Sequence[Entry], detailed: Sequence[Entry], steps: int) -> Group:
    by_host: dict[str, list[Entry]] = {}
    for entry in members:
        by_host.setdefault(entry.record.host.id, []).append(entry)
    hosts = sorted(by_host, key=lambda host: (_best(by_host[host]), host))
    ages = sorted(by_host, key=lambda host: by_host[host][-1].record.stamp, reverse=True)
    with_history = [host for host in ages if sum(entry.wall_s is not None for entry in by_host[host]) >= LEAST]
    drawn = sorted(with_history[:MOST_HISTORIES])
    figures: list[Figure] = []
    if any(run.wall_s is not None for entry in members for run in entry.record.judged):
        figures.append(distribution(name, members, hosts))
    spent = breakdown(name, [_newest_measured(by_host[host]) for host in hosts], hosts)
    if spent is not None:
        figures.append(spent)
    left = len(with_history) - len(drawn)
    return Group(
        name=name,
        diagnostic=members[-1].record.diagnostic.name,
        anchor=anchor("d", name),
        about=_about(members[-1]),
        figures=tuple(figures),
        histories=tuple(history(name, host, by_host[host]) for host in drawn),
        histories_note=f"{left} more hosts have a history; the newest {len(drawn)} are drawn." if left else "",
        details=tuple(detail(entry, steps) for entry in detailed),
        details_note="" if len(detailed) == len(by_host) else _left_out(len(by_host) - len(detailed)),
    )


def detail(entry: Entry, steps: int) -> Detail:
    """Return one result unfolded, with the timeline of its typical run if it was sampled."""
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
        facts=_facts(entry),
        warnings=_warnings(entry),
        findings=(found := stands_out(entry)),
        commands=commands(record, [name for finding in found for name in finding.variants]),
        timeline=figure,
        no_timeline="" if figure else why,
        meanwhile=host_during(record),
    )


def _facts(entry: Entry) -> tuple[tuple[str, str], ...]:
    record, run = entry.record, entry.typical
    limits = record.engine.limits
    build = build_of(record)
    facts = [
        ("verdict", entry.state.label),
        ("runs", f"{len(entry.passed)} of {len(record.judged)} passed"),
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
    messages = (message for _, message in merged(entry.record.runs))
    return tuple(dict.fromkeys([*signatures(entry.record), *messages]))


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
    return f"{count} more results are only in the table of all results; a page unfolds the worst of the newest."
