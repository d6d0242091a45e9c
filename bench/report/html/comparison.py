"""What was compared: a line per pair with its interval, and the terms of a difference (pure)."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from markupsafe import Markup

from bench import units
from bench.compare.comparison import Comparison
from bench.compare.explain.difference import DeltaExplanation, DeltaTerm
from bench.compare.measures import WALL, label
from bench.report.entry import Entry
from bench.report.figures import HEADS, figure_cells, own_first
from bench.report.html.model import Cell, Figure, Row, Table, anchor, columns
from bench.report.html.palette import BLUE, GREY, RED, TEAL
from bench.report.html.svg.frame import Bound, Line, lines_chart
from bench.report.html.svg.marks import EMPTY, bar, element, joined, percent, sign
from bench.report.html.svg.scale import Scale, from_zero
from bench.report.presentation import change_interval, change_text, ordered, side_name, state_text
from bench.report.status import STATES, spoken
from bench.report.text import plain
from bench.report.work import work_heads, work_rows

_NO_RESULTS: Mapping[str, Entry] = MappingProxyType({})
_NO_GROUPS: Mapping[str, str] = MappingProxyType({})
_TALL, _LOW = 40, 26
"""Heights of a line in pixels: of a pair, which has two names, and of a term."""
MOST = 60
"""Comparisons that are drawn, the worst first; the table has them all."""


def comparison_table(
    comparisons: Sequence[Comparison], groups: Mapping[str, str] = _NO_GROUPS, told: Collection[str] = ()
) -> Table:
    """Return every comparison with its numbers, and its reasons unless the page has them elsewhere.

    Args:
        comparisons: the lines.
        groups: the group of each result by its id, as the page filters by it.
        told: ids of results whose reasons the page has elsewhere.
    """
    with_reasons = any(one.b.id not in told for one in comparisons)
    heads = columns(
        "verdict",
        "diagnostic",
        "reference",
        "result",
        ">reference median",
        ">median",
        ">change",
        ">99 % interval",
        *(["why"] if with_reasons else []),
    )
    rows = []
    for one in ordered(comparisons):
        state = STATES[one.status]
        cells = (
            Cell(state_text(state), state.rank, state.level),
            Cell(one.diagnostic),
            Cell(f"{one.a.host} {side_name(one.a)}"),
            Cell(f"{one.b.host} {side_name(one.b)}"),
            *_medians(one),
            Cell(change_text(one), one.ratio),
            Cell(change_interval(one) or units.NOT_KNOWN, one.ratio_low),
            *([Cell("" if one.b.id in told else "; ".join(one.reasons))] if with_reasons else []),
        )
        rows.append(Row(cells, one.b.host, _group(one, groups), one.status))
    return Table("Comparisons, the worst first", heads, tuple(rows))


def figures_table(comparisons: Sequence[Comparison], groups: Mapping[str, str] = _NO_GROUPS) -> Table | None:
    """Return every other figure of each comparison, the tests' own first; ``None`` if there is none.

    Args:
        comparisons: what was compared.
        groups: as in :func:`comparison_table`.
    """
    rows = []
    for one in ordered(comparisons):
        for figure in own_first(one.figures):
            cells = (Cell(f"{one.diagnostic}, {side_name(one.b)}"), Cell(one.b.host), *map(Cell, figure_cells(figure)))
            rows.append(Row(cells, one.b.host, _group(one, groups), one.status))
    heads = columns("result", "host", *HEADS)
    return Table("Figures beside the one that decides, the tests' own first", heads, tuple(rows)) if rows else None


def work_comparison(comparisons: Sequence[Comparison], groups: Mapping[str, str] = _NO_GROUPS) -> Table | None:
    """Return what was counted on both sides of each comparison; ``None`` if nothing was.

    Args:
        comparisons: the pairs.
        groups: as in :func:`comparison_table`.
    """
    told = [one for one in ordered(comparisons)[:MOST] if one.work is not None]
    heads = columns("diagnostic", "result", *work_heads(one.work for one in told if one.work is not None))
    rows = [
        Row(
            tuple(map(Cell, (one.diagnostic, f"{one.b.host} {side_name(one.b)}", *row.cells))),
            one.b.host,
            _group(one, groups),
            one.status,
        )
        for one in told
        if one.work is not None
        for row in work_rows(one.work)
    ]
    return Table("Work, counted in runs that are not timed", heads, tuple(rows)) if rows else None


def intervals(
    comparisons: Sequence[Comparison], groups: Mapping[str, str] = _NO_GROUPS, told: Collection[str] = ()
) -> Figure | None:
    """Return the change of wall time of each pair with its interval, and the line of no change.

    Args:
        comparisons: the pairs.
        groups: as in :func:`comparison_table`.
        told: likewise.
    """
    drawn = [one for one in ordered(comparisons) if one.ratio is not None][:MOST]
    if not drawn:
        return None
    scale = from_zero([end for one in drawn for end in _ends(one) if end is not None])
    lines = [
        Line(
            (f"{at + 1}. {_what(one)}", one.b.host), _interval(one, scale), one.b.host, _group(one, groups), one.status
        )
        for at, one in enumerate(drawn)
    ]
    named = {label(one.metric) for one in drawn}
    what = named.pop() if len(named) == 1 else "the figure that decides"
    said = "; ".join(f"{one.diagnostic} on {one.b.host} {_hover(one)}" for one in drawn[:6])
    return Figure(
        key="f-comparisons",
        title=f"Change of {what}",
        alt=f"{len(drawn)} comparisons. {said}.",
        body=lines_chart(lines, _TALL, scale, f"change of {what}, %", [Bound(0.0, "", dashed=True)]),
        table=comparison_table(comparisons, groups, told),
        note=f"Each dot is the ratio of {what} as a change (left is less), each line its 99 % interval; a dot "
        "without a line had too few runs.",
    )


def difference_figure(difference: DeltaExplanation, results: Mapping[str, Entry] = _NO_RESULTS) -> Figure:
    """Return the terms of one difference in wall time: to the right what took longer, to the left what took less.

    Args:
        difference: the terms.
        results: the page's results by id; the figure is filtered as the one is that is explained.
    """
    explained = results.get(difference.b.id)
    terms = [term for term in difference.terms if term.seconds] or list(difference.terms)
    scale = from_zero([term.seconds for term in terms])
    lines = [Line((spoken(term.name),), _term(term, scale)) for term in terms]
    a, b = difference.a, difference.b
    rows = tuple(
        Row(
            (
                Cell(spoken(term.name)),
                Cell(units.seconds(term.a_s), term.a_s),
                Cell(units.seconds(term.b_s), term.b_s),
                Cell(units.seconds(term.seconds), term.seconds),
                Cell("; ".join(term.ties) or "nothing that was recorded"),
            )
        )
        for term in difference.terms
    )
    return Figure(
        key=anchor("f-why", f"{a.id} {b.id}"),
        title=f"Why {units.seconds(a.budget.wall_s)} became {units.seconds(b.budget.wall_s)}",
        alt="; ".join(f"{spoken(term.name)} {units.seconds(term.seconds)}" for term in terms),
        body=lines_chart(lines, _LOW, scale, "difference of wall time, s", [Bound(0.0, "")]),
        table=Table(
            "The terms add up to the difference", columns("term", ">before", ">after", ">difference", "tied to"), rows
        ),
        note=f"From {plain(a.id)} to {plain(b.id)}.",
        host=explained.record.host.id if explained else None,
        group=explained.group if explained else difference.b.diagnostic,
        state=explained.state.code if explained else None,
    )


def _medians(one: Comparison) -> tuple[Cell, Cell]:
    """Both medians: of wall time, of an experiment those of the figure that decides."""
    trial = one.experiment
    if trial is None:
        return Cell(units.seconds(one.a.median_s), one.a.median_s), Cell(units.seconds(one.b.median_s), one.b.median_s)
    a, b = (Cell(units.figure(value, trial.decides.unit), value) for value in (trial.decides.a, trial.decides.b))
    return a, b


def _group(one: Comparison, groups: Mapping[str, str]) -> str:
    """The group of the result, or of its reference; if neither is on the page, the diagnostic."""
    return groups.get(one.b.id) or groups.get(one.a.id) or one.diagnostic


def _what(one: Comparison) -> str:
    named = f"{one.diagnostic} {one.b.variant}" if one.b.variant else one.diagnostic
    return named if one.metric == WALL else f"{named}, {label(one.metric)}"


def _ends(one: Comparison) -> tuple[float | None, ...]:
    """The change and the ends of its interval, in percent."""
    ratios = (one.ratio_low, one.ratio, one.ratio_high)
    return tuple(100 * (ratio - 1) if ratio is not None and math.isfinite(ratio) else None for ratio in ratios)


def _interval(one: Comparison, scale: Scale) -> Markup:
    """A dot, and its interval as a line with ends; one that the pairs do not bound is at the edge."""
    low, middle, high = _ends(one)
    y = _TALL / 2
    interval = EMPTY
    if low is not None or high is not None:
        shares = (edge if end is None else scale.share(end) for end, edge in ((low, 0.0), (high, 1.0)))
        ends = [percent(share) for share in shares]
        drawn = [element("line", x1=ends[0], x2=ends[1], y1=y, y2=y)]
        drawn += [element("line", x1=end, x2=end, y1=y - 5, y2=y + 5) for end in ends]
        interval = element("g", *drawn, class_=f"whisker {GREY}")
    return joined([interval, sign("dot", scale.share(middle or 0.0), y, _hover(one), class_=f"mark {_colour(one)}")])


def _term(term: DeltaTerm, scale: Scale) -> Markup:
    said = f"{units.seconds(term.seconds)}: {term.meaning}"
    colour = RED if term.seconds > 0 else TEAL
    start, end = scale.share(0.0), scale.share(term.seconds)
    return bar(start, end, said, y=3, height=_LOW - 6, class_=f"bar {colour}")


def _colour(one: Comparison) -> str:
    return {"bad": RED, "good": BLUE}.get(STATES[one.status].level, GREY)


def _hover(one: Comparison) -> str:
    return f"{change_text(one)}, {STATES[one.status].label}"
