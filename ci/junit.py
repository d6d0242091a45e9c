"""The legs as JUnit XML: a case for each leg, by its own name, as the gate judges it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.export.junit import Case, render_cases
from bench.report.status import STATES, State
from ci.summary import Row


def render_legs(rows: Sequence[Row]) -> str:
    """A suite for each runner; a leg that measured nothing is a case that was skipped."""
    return render_cases([_case(row) for row in rows])


def _case(row: Row) -> Case:
    lines = [line for line in (row.why, f"baseline: {row.baseline}" if row.baseline else "") if line]
    figures = (("verdict", row.status), ("outcome", row.outcome), ("host", row.host or None), ("ratio", row.ratio))
    return Case(row.runner, row.leg, _state(row), tuple(lines), row.wall_s, figures=figures)


def _state(row: Row) -> State:
    """How a leg's run ended where it did not pass, else what the gate judges by."""
    return STATES[row.status if row.outcome in {"passed", "not_measured"} else row.outcome]
