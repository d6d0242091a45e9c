"""A pull request's comment or a job's summary: Markdown for GitHub, the worst first, never too long (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bench import units
from bench.compare.comparison import Comparison
from bench.report.entry import Entry, newest_per_key, worst_first
from bench.report.status import STATES, State
from bench.report.text import markdown, markdown_code

LIMIT = 65_000
"""Bytes. GitHub takes comments of 65 536 characters; a job's summary may be longer."""
_SIGNS = {"bad": "❌", "caution": "⚠️", "good": "✅", "none": "⬜"}
_REASON = 300
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
    """Counts, what could not be read, then the comparisons, then the newest result of each diagnostic on each host.

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
    if comparisons:
        named = {entry.record.id: entry.group for entry in entries}
        ordered = sorted(comparisons, key=lambda one: (STATES[one.status].rank, one.diagnostic, one.b.host))
        head = "\n### Against the baseline\n\n| verdict | diagnostic | host | baseline | now | change | why |\n"
        rows = [(_comparison_row(one, named.get(one.b.id)), STATES[one.status]) for one in ordered]
        parts.table(head + "|:--|:--|:--|--:|--:|--:|:--|\n", rows)
    if shown:
        head = "\n### Newest results\n\n| verdict | diagnostic | host | runs | median wall | under ceiling | why |\n"
        parts.table(head + "|:--|:--|:--|--:|--:|--:|:--|\n", [(_entry_row(entry), entry.state) for entry in shown])
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
            self._say(state for _, state in rows)
            return
        for at, (row, _) in enumerate(rows):
            if not self.add(row):
                self._left = 0
                self._say(state for _, state in rows[at:])
                return

    def _say(self, missing: Iterable[State]) -> None:
        counts = Counter(missing)
        listed = ", ".join(f"{counts[state]} {state.label}" for state in STATES.values() if counts[state])
        # Two such sentences at most fit into what the constructor keeps free.
        self.text += f"\n{sum(counts.values())} more rows do not fit here: {listed}.\n"


def _counts(shown: Sequence[Entry]) -> str:
    if not shown:
        return "There are no results."
    counts = Counter(entry.state for entry in shown)
    return " · ".join(f"{_sign(state)} {counts[state]} {state.label}" for state in STATES.values() if counts[state])


def _not_read(reasons: Sequence[str]) -> str:
    more = f"- and {len(reasons) - _NOT_READ} more\n" if len(reasons) > _NOT_READ else ""
    listed = "".join(f"- {markdown(reason, _REASON)}\n" for reason in reasons[:_NOT_READ])
    return f"\n⚠️ {len(reasons)} could not be read:\n\n{listed}{more}"


def _entry_row(entry: Entry) -> str:
    record, state = entry.record, entry.state
    signatures = [run.signature for run in record.runs if run.signature]
    reasons = "; ".join(dict.fromkeys([*entry.reasons, *signatures]))
    return _row(
        f"{_sign(state)} {state.label}",
        markdown_code(entry.group, 80),
        markdown_code(record.host.id, 80),
        str(len(record.runs)),
        units.seconds(entry.wall_s),
        units.seconds(record.verdict.ceiling_margin_s),
        markdown(reasons, _REASON),
    )


def _comparison_row(comparison: Comparison, group: str | None) -> str:
    state = STATES[comparison.status]
    change = units.NOT_KNOWN if comparison.ratio is None else units.signed_percent(comparison.ratio - 1)
    if comparison.ratio_low is not None and comparison.ratio_high is not None:
        low, high = (units.signed_percent(end - 1) for end in (comparison.ratio_low, comparison.ratio_high))
        change += f" ({low} to {high})"
    return _row(
        f"{_sign(state)} {state.label}",
        markdown_code(group or comparison.diagnostic, 80),
        markdown_code(comparison.b.host, 80),
        units.seconds(comparison.a.median_s),
        units.seconds(comparison.b.median_s),
        change,
        markdown("; ".join(comparison.reasons), _REASON),
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _sign(state: State) -> str:
    return _SIGNS[state.level]
