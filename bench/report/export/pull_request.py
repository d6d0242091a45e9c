"""A pull request's comment or a job's summary: Markdown for GitHub, the worst first, never too long (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bench import units
from bench.compare.comparison import Comparison
from bench.report.entry import Entry, newest_per_key, worst_first
from bench.report.figures import figures_line, own_numbers
from bench.report.presentation import change_interval, change_text, markdown_sign, ordered, reasons
from bench.report.status import STATES, State
from bench.report.text import markdown, markdown_code, markdown_head, markdown_row
from bench.report.work import WorkRow, work_heads, work_rows

LIMIT = 65_000
"""Bytes. GitHub takes comments of 65 536 characters; a job's summary may be longer."""
_REASON = 300
_FIGURES = 400
_NOT_READ = 10
"""Reasons why something could not be read that are given each."""


def render_markdown(
    entries: Sequence[Entry],
    comparisons: Sequence[Comparison] = (),
    *,
    unreadable: Sequence[str] = (),
    title: str = "Benchmark",
    limit: int = LIMIT,
) -> str:
    """Return counts, what could not be read, the experiments, the comparisons, and the newest result of each diagnostic
    on each host.

    Args:
        entries: results, any order.
        comparisons: what was compared with a baseline, any order.
        unreadable: sentences on what is left out, since it cannot be read; the first few are given.
        title: the heading.
        limit: the most bytes (UTF-8); what does not fit is left out from the end, which is the best, and counted.
    """
    shown = worst_first(newest_per_key(entries))
    parts = _Parts(limit)
    parts.add(f"## {markdown(title)}\n\n{_counts(shown)}\n")
    if unreadable:
        parts.add(_not_read(unreadable))
    experiments = [entry for entry in shown if entry.base is not None]
    if experiments:
        rows = [(_experiment_row(entry), entry.state) for entry in experiments]
        head = markdown_head("verdict", "diagnostic", "host", "base → head", "change", "why")
        parts.table(f"\n### Experiments\n\n{head}", rows)
    sides = {entry.record.id for entry in entries if entry.base is not None}
    against = [one for one in ordered(comparisons) if one.b.id not in sides]
    if against:
        named = {entry.record.id: entry.group for entry in entries}
        rows = [(_comparison_row(one, named.get(one.b.id)), STATES[one.status]) for one in against]
        head = markdown_head("verdict", "diagnostic", "host", ">baseline", ">now", ">change", "why")
        parts.table(f"\n### Against the baseline\n\n{head}", rows)
    counted = [(one, one.work) for one in ordered(comparisons) if one.work is not None and one.work.kind != "same"]
    if counted:
        rows = [(_work_row(one, row), STATES[one.status]) for one, work in counted for row in work_rows(work)]
        heads = work_heads(work for _, work in counted)
        parts.table(f"\n### Work that differs\n\n{markdown_head('diagnostic', *heads)}", rows)
    results = [entry for entry in shown if entry.base is None]
    if results:
        head = markdown_head("verdict", "diagnostic", "host", ">runs", ">median wall", ">under ceiling", "why")
        parts.table(f"\n### Newest results\n\n{head}", [(_entry_row(entry), entry.state) for entry in results])
    return parts.text


class _Parts:
    """Text that grows to a limit; room for the sentence that says what is missing is kept free."""

    def __init__(self, limit: int) -> None:
        self.text = ""
        self._left = limit - 600

    def add(self, part: str) -> bool:
        size = len(part.encode())
        if size > self._left:
            return False
        self.text += part
        self._left -= size
        return True

    def table(self, head: str, rows: Sequence[tuple[str, State]]) -> None:
        if not self.add(head):
            self._count(state for _, state in rows)
            return
        for at, (row, _) in enumerate(rows):
            if not self.add(row):
                self._left = 0
                self._count(state for _, state in rows[at:])
                return

    def _count(self, missing: Iterable[State]) -> None:
        counts = Counter(missing)
        listed = ", ".join(f"{counts[state]} {state.label}" for state in STATES.values() if counts[state])
        # Two such sentences at most fit into what the constructor keeps free.
        self.text += f"\n{sum(counts.values())} more rows do not fit here: {listed}.\n"


def _counts(shown: Sequence[Entry]) -> str:
    if not shown:
        return "There are no results."
    counts = Counter(entry.state for entry in shown)
    return " · ".join(
        f"{markdown_sign(state)} {counts[state]} {state.label}" for state in STATES.values() if counts[state]
    )


def _not_read(unreadable: Sequence[str]) -> str:
    more = f"- and {len(unreadable) - _NOT_READ} more\n" if len(unreadable) > _NOT_READ else ""
    listed = "".join(f"- {markdown(reason, _REASON)}\n" for reason in unreadable[:_NOT_READ])
    return f"\n⚠️ {len(unreadable)} could not be read:\n\n{listed}{more}"


def _entry_row(entry: Entry) -> str:
    record, state = entry.record, entry.state
    return markdown_row(
        f"{markdown_sign(state)} {state.label}",
        markdown_code(entry.group, 80),
        markdown_code(record.host.id, 80),
        str(len(record.measured_runs)),
        units.seconds(entry.wall_s),
        units.seconds(record.verdict.ceiling_margin_s),
        _why([f"{name} {value}" for name, value in own_numbers(entry)], reasons(entry)),
    )


def _experiment_row(entry: Entry) -> str:
    state = entry.state
    figures = figures_line(entry.comparison) if entry.comparison is not None else ""
    return markdown_row(
        f"{markdown_sign(state)} {state.label}",
        markdown_code(entry.record.diagnostic.name, 80),
        markdown_code(entry.record.host.id, 80),
        " → ".join(map(markdown_code, entry.sides)),
        markdown(entry.decision, _REASON),
        _why([figures], [reason for reason in reasons(entry) if reason != entry.decision]),
    )


def _work_row(comparison: Comparison, row: WorkRow) -> str:
    return markdown_row(markdown_code(comparison.diagnostic, 80), *(markdown(cell, _REASON) for cell in row.cells))


def _comparison_row(comparison: Comparison, group: str | None) -> str:
    state = STATES[comparison.status]
    interval = change_interval(comparison)
    work = comparison.work.said if comparison.work is not None else ""
    return markdown_row(
        f"{markdown_sign(state)} {state.label}",
        markdown_code(group or comparison.diagnostic, 80),
        markdown_code(comparison.b.host, 80),
        units.seconds(comparison.a.median_s),
        units.seconds(comparison.b.median_s),
        change_text(comparison) + (f" ({interval})" if interval else ""),
        _why([figures_line(comparison), work], [one for one in comparison.reasons if one != work]),
    )


def _why(figures: Sequence[str], said: Sequence[str]) -> str:
    """The other figures and the reasons, each cut by itself: neither pushes the other out."""
    parts = ("; ".join(one for one in figures if one), _FIGURES), ("; ".join(said), _REASON)
    return "; ".join(markdown(text, width) for text, width in parts if text)
