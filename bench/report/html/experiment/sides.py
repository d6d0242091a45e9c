"""Both sides of an experiment as drawings: each run by the figure that decided, and the change of each pair (pure)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench import units
from bench.compare.experiment import PairedChange, Trial
from bench.compare.measures import label, measures
from bench.compare.reasons import bounds, change_with_bounds, outcome_word
from bench.record.schema import Experiment, Record
from bench.report.entry import Entry
from bench.report.html.distribution import box
from bench.report.html.model import Cell, Figure, Row, Table, anchor, columns
from bench.report.html.palette import BLUE, GREY, RED
from bench.report.html.svg.frame import Bound, Line, lines_chart
from bench.report.html.svg.marks import EMPTY, element, joined, percent
from bench.report.html.svg.scale import FARTHEST, Scale, from_zero, span
from bench.report.presentation import medians_text

_HEIGHT, _BOX = 34, 18
_BOXED = 4
"""Runs of a side from which the middle half of them is a box."""
_GOLDEN = 0.618034
"""As in :mod:`bench.report.html.distribution`: neighbours lie apart."""
_WORDS = 28
_COLOURS = {"slower": RED, "faster": BLUE}


@dataclass(frozen=True, slots=True)
class _Pair:
    number: int
    base: float | None
    head: float | None
    first: str

    @property
    def change(self) -> float | None:
        """In percent; ``None`` if there is no ratio, or one that no axis holds."""
        if not self.base or not self.head or self.base < 0 or self.head < 0:
            return None
        change = 100 * (self.head / self.base - 1)
        return change if change < FARTHEST else None


def experiment_figures(entry: Entry) -> list[Figure]:
    """Return the drawings of an experiment; none if its sides cannot be judged or no run has the figure.

    Args:
        entry: the head, with its base.
    """
    trial = entry.comparison.experiment if entry.comparison is not None else None
    if entry.base is None or trial is None:
        return []
    pairs = _pairs(entry.base.record, entry.record, trial.metric)
    if not any(one.base is not None or one.head is not None for one in pairs):
        return []
    made = [_both(entry, trial, pairs)]
    return [*made, _changes(entry, trial, pairs)] if any(one.change is not None for one in pairs) else made


def _pairs(base: Record, head: Record, metric: str) -> list[_Pair]:
    """The value of each side in each pair; ``None`` for a run that did not pass or has none."""
    of_base, of_head = (_by_pair(record, metric) for record in (base, head))
    firsts = _firsts(head)
    numbers = sorted(of_base.keys() | of_head.keys())
    return [_Pair(number, of_base.get(number), of_head.get(number), firsts.get(number, "")) for number in numbers]


def _by_pair(record: Record, metric: str) -> Mapping[int, float | None]:
    told, known = record.experiment, measures(record).get(metric)
    if not isinstance(told, Experiment) or known is None:
        return {}
    found = zip(told.pair, known.values, record.runs, strict=False)
    judged = ((pair, value, run) for pair, value, run in found if run.warmup is not True)
    return {pair: value if run.outcome == "passed" and _finite(value) else None for pair, value, run in judged}


def _firsts(head: Record) -> Mapping[int, str]:
    told = head.experiment
    if not isinstance(told, Experiment):
        return {}
    return {pair: "base" if order else "head" for pair, order in zip(told.pair, told.order, strict=False)}


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _both(entry: Entry, trial: Trial, pairs: Sequence[_Pair]) -> Figure:
    unit, name = trial.decides.unit, label(trial.metric)
    sides = {
        "base": [(one.number, one.base) for one in pairs if one.base is not None],
        "head": [(one.number, one.head) for one in pairs if one.head is not None],
    }
    values = [value for found in sides.values() for _, value in found]
    scale = span(values, ()) if min(values) >= 0 else from_zero(values)
    host = entry.record.host.id
    lines = [
        Line((side, _short(words)), _strip(sides[side], scale, unit), host)
        for side, words in zip(sides, entry.sides, strict=True)
    ]
    heads = columns(">pair", ">base", ">head", ">change", "first")
    rows = [
        Row(
            (
                Cell(str(one.number), one.number),
                Cell(units.figure(one.base, unit), one.base),
                Cell(units.figure(one.head, unit), one.head),
                Cell(units.change(one.change / 100) if one.change is not None else units.NOT_KNOWN, one.change),
                Cell(one.first),
            ),
            host,
        )
        for one in pairs
    ]
    return Figure(
        key=anchor("f-sides", entry.record.id),
        title=f"Both sides: {_called(trial)}",
        alt=f"{name}, {medians_text(trial.decides)}, in {units.counted(len(pairs), 'pair')}.",
        body=lines_chart(lines, _HEIGHT, scale, f"{name}, {unit}" if unit else name),
        table=Table(f"Each pair: {name}", heads, tuple(rows)),
        note=f"Each dot is one run by its {name}, the figure that decides; each box the middle half of a side's runs.",
        group=entry.group,
    )


def _called(trial: Trial) -> str:
    """The figure by its name on a command line, and what it is if that does not tell."""
    name = label(trial.metric)
    return name if name == trial.metric else f"{trial.metric}, the {name}"


def _short(words: str) -> str:
    return words if len(words) <= _WORDS else f"{words[: _WORDS - 1]}…"


def _strip(found: Sequence[tuple[int, float]], scale: Scale, unit: str) -> Markup:
    values = [value for _, value in found]
    drawn = box(values, scale, unit)[0] if len(values) >= _BOXED else EMPTY
    return joined(
        [drawn, _dots([(value, f"{units.figure(value, unit)}, pair {pair}") for pair, value in found], scale)]
    )


def _dots(found: Sequence[tuple[float, str]], scale: Scale) -> Markup:
    marks = [
        element(
            "circle",
            title=said,
            cx=percent(scale.share(value)),
            cy=round(_HEIGHT / 2 + ((at * _GOLDEN) % 1.0 - 0.5) * (_BOX - 4)),
            r=3,
        )
        for at, (value, said) in enumerate(found)
    ]
    return element("g", *marks, class_=f"dots {BLUE}")


def _changes(entry: Entry, trial: Trial, pairs: Sequence[_Pair]) -> Figure:
    decides, name, host = trial.decides, label(trial.metric), entry.record.host.id
    each = [
        (one.change, f"pair {one.number}: {units.change(one.change / 100)}") for one in pairs if one.change is not None
    ]
    ends = [100 * end for end in (decides.low, decides.high, decides.change) if end is not None]
    scale = from_zero([*(value for value, _ in each), *ends])
    lines = [Line(("each pair",), _dots(each, scale), host)]
    if decides.change is not None:
        lines.append(Line((outcome_word(decides),), _interval(decides, scale), host))
    return Figure(
        key=anchor("f-pairs", entry.record.id),
        title=f"Change of {name}, pair by pair",
        alt=f"{units.counted(len(each), 'pair')}, {change_with_bounds(decides.change, decides.low, decides.high)}.",
        body=lines_chart(lines, _HEIGHT, scale, f"change of {name}, %", [Bound(0.0, "", dashed=True)]),
        table=_figures(trial, host),
        note="Below: the change over all pairs with its 99 % interval. The table has the other figures too.",
        group=entry.group,
    )


def _interval(decides: PairedChange, scale: Scale) -> Markup:
    """The middle as a dot, and the interval as a line; an end that the pairs do not bound is at the edge."""
    y, colour = _HEIGHT / 2, _COLOURS.get(decides.outcome, GREY)
    left, right = (
        edge if end is None else scale.share(100 * end) for end, edge in ((decides.low, 0.0), (decides.high, 1.0))
    )
    line = element("line", x1=percent(left), x2=percent(right), y1=y, y2=y)
    ends = [element("line", x1=percent(end), x2=percent(end), y1=y - 5, y2=y + 5) for end in (left, right)]
    middle = element("circle", cx=percent(scale.share(100 * (decides.change or 0.0))), cy=y, r=4)
    said = change_with_bounds(decides.change, decides.low, decides.high)
    return joined(
        [element("g", line, *ends, title=said, class_=f"whisker {GREY}"), element("g", middle, class_=f"dots {colour}")]
    )


def _figures(trial: Trial, host: str) -> Table:
    heads = columns("figure", ">pairs", ">base", ">head", ">change", "99 % interval", "verdict")
    rows = [
        Row(
            (
                Cell(label(one.name)),
                Cell(str(one.pairs), one.pairs),
                Cell(units.figure(one.a, one.unit), one.a),
                Cell(units.figure(one.b, one.unit), one.b),
                Cell(units.change(one.change), one.change),
                Cell(one.why or bounds(one)),
                Cell("" if one.why else outcome_word(one)),
            ),
            host,
        )
        for one in (trial.decides, *trial.informs)
        if one is trial.decides or not one.a == one.b == 0
    ]
    return Table("Every figure, the one that decides first", heads, tuple(rows))
