"""What a search for the commit that made a test slower came to: a sentence, and a table of its steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from bench import units
from bench.compare.bisection import Answer, Step
from bench.compare.reasons import NO_INTERVAL, change_with_bounds
from bench.report.terminal.cells import STYLES, table, text

SHORT = 12
"""Digits of a commit that people read."""
_NAMED = 10
"""So many commits are named one by one."""
_STYLE: dict[Answer, str] = {"good": "good", "bad": "bad", "undecided": "caution", "skipped": "none"}


def search_sentence(first: Step | None, left: Sequence[str], metric: str, good: str) -> str:
    """Return what a search came to in one sentence.

    Args:
        first: the commit that it found.
        left: all that may be it.
        metric: the figure that decides.
        good: the commit that they were held against.
    """
    if first is not None:
        change = f"{metric} {change_with_bounds(first.change, first.low, first.high)}"
        work = f"; {first.work}" if first.work else ""
        return f'{first.commit[:SHORT]} made it slower: "{first.subject}", {change} against {good[:SHORT]}{work}'
    named = ", ".join(commit[:SHORT] for commit in left[:_NAMED])
    more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
    return f"the commit that made it slower is one of {len(left)}: {named}{more}"


def steps_table(steps: Iterable[Step]) -> Table:
    """Return each commit that was tried, with its change against the good end."""
    made = table("commit", "subject", ">pairs", ">change", "interval", "=answer")
    for step in steps:
        made.add_row(
            text(step.commit[:SHORT]),
            text(step.subject),
            str(step.pairs),
            units.change(step.change),
            text(step.why or units.interval(step.low, step.high) or NO_INTERVAL),
            Text(step.answer, style=STYLES[_STYLE[step.answer]]),
        )
    return made
