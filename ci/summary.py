"""The legs as Markdown: every leg has a row, the worst first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench import units
from bench.compare.reasons import NO_INTERVAL
from bench.report.presentation import markdown_sign
from bench.report.status import STATES
from bench.report.text import markdown, markdown_head, markdown_row

LONGEST_WHY = 400
LIMIT = 60_000
"""Bytes of the table: GitHub takes comments of 65 536 characters."""
_PAIRED = ("leg", "verdict", ">change", ">99 % interval", ">pairs", "why")
MARKER = "<!-- bench-matrix -->"
"""What a comment begins with, unseen, so that the next pipeline finds its own among those of others."""


@dataclass(frozen=True, slots=True)
class Paired:
    """What pairs of base and head show of the figure that decides; changes are ratios minus 1, and may be unbounded."""

    figure: str
    change: float | None
    low: float | None
    high: float | None
    pairs: int


@dataclass(frozen=True, slots=True)
class Row:
    """One leg. ``status`` is the graver of its own verdict and the comparison's; ``ratio`` is now over baseline.

    ``paired`` is there if base and head were measured in pairs.
    """

    leg: str
    runner: str
    status: str
    why: str
    outcome: str = "not_measured"
    host: str = ""
    wall_s: float | None = None
    baseline: str = ""
    ratio: float | None = None
    paired: Paired | None = None

    def against(self, text: str) -> Row:
        """The same row, with what there is to say of a baseline."""
        return replace(self, baseline=text)

    def compared(self, status: str, reasons: Sequence[str], ratio: float | None) -> Row:
        """The same row after a comparison, whose status stands where it says that code got slower or faster."""
        chosen = status if status in {"code_regressed", "code_improved", "same"} else self.status
        why = "; ".join(reasons) if chosen == status else self.why
        return replace(self, status=chosen, why=why, baseline=status, ratio=ratio)

    def document(self) -> dict[str, Any]:
        """The row as plain data."""
        return asdict(self)


def render_summary(rows: Sequence[Row], results: str) -> str:
    """The job's summary: the legs, then what ``bench report`` says of the results."""
    return f"{render_comment(rows)}\n{results}"


def render_note(rows: Sequence[Row]) -> str:
    """The comment on a pull request."""
    return f"{MARKER}\n{render_comment(rows)}"


def render_comment(rows: Sequence[Row], limit: int = LIMIT) -> str:
    """A short table, for a pull request and for the log.

    Args:
        rows: the legs, any order.
        limit: the most bytes (UTF-8); rows that do not fit are left out from the end, which is the best, and counted.
    """
    ordered = sorted(rows, key=lambda row: (STATES[row.status].rank if row.status in STATES else len(STATES), row.leg))
    in_pairs = any(row.paired for row in rows)
    columns = _PAIRED if in_pairs else ("leg", "verdict", ">median wall", "against the default branch", "why")
    text = f"## {_headline(rows)}\n\n{markdown_head(*columns)}"
    for at, row in enumerate(ordered):
        line = _line_of_pairs(row) if in_pairs else _line(row)
        if len((text + line).encode()) > limit - 100:  # room for the last sentence
            return f"{text}\n{len(ordered) - at} more legs do not fit here.\n"
        text += line
    return text


def _headline(rows: Sequence[Row]) -> str:
    failing = sum(row.status in {"over_ceiling", "code_regressed"} for row in rows)
    nothing = sum(row.status == "not_measured" for row in rows)
    measured = len(rows) - nothing
    text = f"{measured} of {len(rows)} legs measured"
    if failing:
        text += f", {failing} over the ceiling or slower"
    return text + (f", {nothing} measured nothing" if nothing else "")


def _line(row: Row) -> str:
    wall = "–" if row.wall_s is None else f"{row.wall_s:.2f} s"
    change = "" if row.ratio is None else f" ({row.ratio - 1:+.1%})"
    against = f"{row.baseline.replace('_', ' ')}{change}" or "–"
    return markdown_row(markdown(row.leg), _verdict(row), wall, markdown(against), _why(row))


def _line_of_pairs(row: Row) -> str:
    paired = row.paired
    if paired is None:
        return markdown_row(markdown(row.leg), _verdict(row), "–", "–", "–", _why(row))
    change = "–" if paired.change is None else f"{markdown(paired.figure)} {units.change(paired.change)}"
    ends = units.interval(paired.low, paired.high) or NO_INTERVAL
    return markdown_row(markdown(row.leg), _verdict(row), change, ends, str(paired.pairs), _why(row))


def _verdict(row: Row) -> str:
    status = row.status.replace("_", " ")
    if row.paired is not None and row.status == "insufficient_runs":
        status = "undecided"
    verdict = status if row.outcome in {"passed", "not_measured"} else f"{status} ({row.outcome.replace('_', ' ')})"
    return f"{markdown_sign(STATES[row.status])} {verdict}"


def _why(row: Row) -> str:
    return markdown(" ".join(row.why.split()), LONGEST_WHY)
