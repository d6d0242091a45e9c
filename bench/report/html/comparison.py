"""What was compared: a line per pair with its interval, and the terms of a difference (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from bench import units
from bench.compare.comparison import Comparison
from bench.compare.explain.difference import DeltaExplanation
from bench.report.entry import Entry
from bench.report.html.model import Cell, Figure, Row, Table, anchor, columns
from bench.report.html.palette import BLUE, GREY, RED, TEAL
from bench.report.html.plot import axis, label, layout, rounded
from bench.report.status import STATES, spoken
from bench.report.text import plain

_NO_RESULTS: Mapping[str, Entry] = MappingProxyType({})
_NO_GROUPS: Mapping[str, str] = MappingProxyType({})
MOST = 60
"""Comparisons that are drawn, the worst first; the table has them all."""


def ordered(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The worst first."""
    return sorted(comparisons, key=lambda one: (STATES[one.status].rank, one.diagnostic, one.b.host, one.b.stamp))


def comparison_table(comparisons: Sequence[Comparison], groups: Mapping[str, str] = _NO_GROUPS) -> Table:
    """Every comparison with its numbers and its reasons.

    Args:
        comparisons: the lines.
        groups: the group of each result by its id, as the page filters by it.
    """
    heads = columns(
        "verdict",
        "diagnostic",
        "reference",
        "result",
        ">reference median",
        ">median",
        ">change",
        ">99 % interval",
        "why",
    )
    rows = []
    for one in ordered(comparisons):
        state = STATES[one.status]
        interval = units.NOT_KNOWN
        if one.ratio_low is not None and one.ratio_high is not None:
            interval = f"{units.signed_percent(one.ratio_low - 1)} to {units.signed_percent(one.ratio_high - 1)}"
        cells = (
            Cell(f"{state.glyph} {state.label}", state.rank, state.level),
            Cell(one.diagnostic),
            Cell(_side(one.a.host, one.a.stamp, one.a.variant)),
            Cell(_side(one.b.host, one.b.stamp, one.b.variant)),
            Cell(units.seconds(one.a.median_s), one.a.median_s),
            Cell(units.seconds(one.b.median_s), one.b.median_s),
            Cell(units.signed_percent(one.ratio - 1 if one.ratio is not None else None), one.ratio),
            Cell(interval, one.ratio_low),
            Cell("; ".join(one.reasons)),
        )
        rows.append(Row(cells, one.b.host, _group(one, groups), one.status))
    return Table("Comparisons, the worst first", heads, tuple(rows))


def intervals(comparisons: Sequence[Comparison], groups: Mapping[str, str] = _NO_GROUPS) -> Figure | None:
    """The change of wall time of each pair with its interval, and the line of no change.

    Args:
        comparisons: the pairs.
        groups: as in :func:`comparison_table`.
    """
    drawn = [one for one in ordered(comparisons) if one.ratio is not None][:MOST]
    if not drawn:
        return None
    # Two lines, a break of ours between them: a phone has no room for what both say in one.
    names = [f"{at + 1}. {label(_what(one))}<br>{label(one.b.host)}" for at, one in enumerate(drawn)]
    middles = [100 * ((one.ratio or 1.0) - 1) for one in drawn]
    data: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "x": rounded(middles),
        "y": names,
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": rounded([_gap(one.ratio_high, one.ratio, 1) for one in drawn]),
            "arrayminus": rounded([_gap(one.ratio_low, one.ratio, -1) for one in drawn]),
            "thickness": 1.6,
            "width": 5,
            "color": GREY,
        },
        "marker": {"size": 9, "color": [_colour(one) for one in drawn]},
        "hovertext": [_hover(one) for one in drawn],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "meta": {
            "host": [plain(one.b.host) for one in drawn],
            "diagnostic": [plain(_group(one, groups)) for one in drawn],
            "state": [one.status for one in drawn],
        },
    }
    spec = {
        "data": [data],
        "layout": layout(
            xaxis=axis("change of wall time, %"),
            yaxis=axis(
                type="category", autorange="reversed", showgrid=False, categoryorder="array", categoryarray=names
            ),
            shapes=[
                {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
                | {"line": {"color": GREY, "width": 1.2, "dash": "dash"}}
            ],
            hovermode="closest",
        ),
    }
    said = "; ".join(f"{one.diagnostic} on {one.b.host} {_hover(one)}" for one in drawn[:6])
    return Figure(
        key="f-comparisons",
        title="Change of wall time",
        alt=f"{len(drawn)} comparisons. {said}.",
        spec=spec,
        table=comparison_table(comparisons, groups),
        height=100,
        per_row=40,
        note="Each dot is the ratio of wall times as a change (left is faster), each line its 99 % interval; a dot "
        "without a line had too few runs.",
    )


def difference_figure(difference: DeltaExplanation, results: Mapping[str, Entry] = _NO_RESULTS) -> Figure:
    """The terms of one difference in wall time: to the right what took longer, to the left what took less.

    Args:
        difference: the terms.
        results: the page's results by id; the figure is filtered as the one is that is explained.
    """
    explained = results.get(difference.b.id)
    terms = [term for term in difference.terms if term.seconds] or list(difference.terms)
    names = [spoken(term.name) for term in terms]
    data = {
        "type": "bar",
        "orientation": "h",
        "x": rounded([term.seconds for term in terms]),
        "y": names,
        "marker": {"color": [RED if term.seconds > 0 else TEAL for term in terms]},
        "hovertext": [label(f"{units.seconds(term.seconds)}: {term.meaning}") for term in terms],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    a, b = difference.a, difference.b
    spec = {
        "data": [data],
        "layout": layout(
            bargap=0.42,
            xaxis=axis("difference of wall time, s"),
            yaxis=axis(type="category", autorange="reversed", showgrid=False),
            hovermode="closest",
        ),
    }
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
        spec=spec,
        table=Table(
            "The terms add up to the difference", columns("term", ">before", ">after", ">difference", "tied to"), rows
        ),
        height=90 + 34 * len(terms),
        note=f"From {plain(a.id)} to {plain(b.id)}.",
        host=explained.record.host.id if explained else None,
        group=explained.group if explained else difference.b.diagnostic,
        state=explained.state.code if explained else None,
    )


def _group(one: Comparison, groups: Mapping[str, str]) -> str:
    """The group of the result that was judged, or of its reference; where neither is on the page, the diagnostic."""
    return groups.get(one.b.id) or groups.get(one.a.id) or one.diagnostic


def _what(one: Comparison) -> str:
    return f"{one.diagnostic} {one.b.variant}" if one.b.variant else one.diagnostic


def _gap(end: float | None, middle: float | None, sign: int) -> float:
    return 0.0 if end is None or middle is None else max(100 * sign * (end - middle), 0.0)


def _colour(one: Comparison) -> str:
    return {"bad": RED, "good": BLUE}.get(STATES[one.status].level, GREY)


def _hover(one: Comparison) -> str:
    change = units.signed_percent(one.ratio - 1 if one.ratio is not None else None)
    return label(f"{change}, {STATES[one.status].label}")


def _side(host: str, stamp: str, variant: str | None) -> str:
    return f"{host} {stamp} {variant}" if variant else f"{host} {stamp}"
