"""What stands around the marks of a drawing: a line a host, a panel, axes, ceilings and timeouts (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench import units
from bench.report.html.cells import attributes, escaped
from bench.report.html.palette import GREY, RED
from bench.report.html.svg.marks import EMPTY, element, joined, percent, text
from bench.report.html.svg.scale import Scale

MOST_LINES = 100
"""Lines that a drawing has; the table beside it has them all."""
SHOWN_LINES = 40
"""Lines that are shown at a time: of more, those that a filter leaves. As in rows.js."""

Ticks = Sequence[tuple[float, str]]
"""Places on a scale with their texts."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a drawing: names above one another, marks, and what the page filters by."""

    names: tuple[str, ...]
    marks: Markup
    host: str | None = None
    group: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A value that is named: a ceiling, a timeout, a limit, no change at all."""

    value: float
    said: str
    colour: str = GREY
    dashed: bool = False


def bounds_of(ceiling_s: float | None, timeout_s: float | None) -> tuple[Bound, ...]:
    """Return the ceiling and the timeout that there are."""
    found = (("ceiling", ceiling_s, RED, False), ("timeout", timeout_s, GREY, True))
    return tuple(
        Bound(value, f"{name} {units.seconds(value)}", colour, dashed)
        for name, value, colour, dashed in found
        if value is not None
    )


def lines_chart(lines: Sequence[Line], height: int, scale: Scale, title: str, bounds: Iterable[Bound] = ()) -> Markup:
    """Return lines below one another on one horizontal axis.

    Args:
        lines: the first on top; at most :data:`MOST_LINES` are drawn.
        height: of each line, in pixels.
        scale: of the axis.
        title: what the axis is, with its unit.
        bounds: vertical lines through all.
    """
    ticks = [(scale.share(at), said) for at, said in scale.ticks(7)]
    frame = [upright(share, class_="grid") for share, _ in ticks]
    frame += [text(said, x=percent(share), y="100%", dy=18) for share, said in ticks]
    frame += [text(title, x="50%", y="100%", dy=36)]
    bounds = list(bounds)
    frame += _bounds_upright(scale, bounds)
    drawn = [_line(line, height, hidden=at >= SHOWN_LINES) for at, line in enumerate(lines[:MOST_LINES])]
    svg = element("svg", *frame, class_="frame")
    return Markup('<div class="lines up{}">{}{}</div>').format(_rows_above(scale, bounds), svg, joined(drawn))


def _rows_above(scale: Scale, bounds: Sequence[Bound]) -> int:
    named = [scale.holds(bound.value) for bound in bounds if bound.said]
    return sum(named) + (not all(named))


def lines_note(count: int) -> str:
    """Return a sentence on the lines that are not drawn; empty if all are."""
    return f" The first {MOST_LINES} of {count} are drawn; the table has them all." if count > MOST_LINES else ""


def _line(line: Line, height: int, *, hidden: bool) -> Markup:
    names = Markup("<br/>").join(Markup(escaped(name)) for name in line.names)  # noqa: S704 - escaped
    filtered = attributes(line.host, line.group, line.state)
    svg = element("svg", line.marks, height=height)
    away = Markup(" hidden") if hidden else EMPTY
    return Markup('<div class="line"{}{}><span>{}</span>{}</div>').format(filtered, away, names, svg)


def upright(share: float, **about: str | float | None) -> Markup:
    """Return a vertical line over the whole height."""
    return element("line", x1=percent(share), x2=percent(share), y2="100%", **about)


def _bounds_upright(scale: Scale, bounds: Sequence[Bound]) -> list[Markup]:
    """A line with its name above it, or a note at the edge if it lies outside. Two names stand above one another."""
    made: list[Markup] = []
    above = 0
    for bound in bounds:
        if not scale.holds(bound.value):
            continue
        share = scale.share(bound.value)
        made.append(upright(share, class_=_classes(bound)))
        if bound.said:
            side = "end" if share > 0.8 else "start" if share < 0.2 else None
            made.append(text(bound.said, x=percent(share), y=-5 - 15 * above, class_=side))
            above += 1
    outside = _outside(scale, bounds, "←", "→")
    if outside:
        made.append(text(outside, x="100%", y=-5 - 15 * above, class_="end"))
    return made


def _outside(scale: Scale, bounds: Sequence[Bound], below: str, above: str) -> str:
    """The names of what lies outside, each side with the way to it."""
    said = [
        f"{', '.join(names)} {arrow}"
        for arrow, names in (
            (below, [bound.said for bound in bounds if bound.value < scale.low]),
            (above, [bound.said for bound in bounds if bound.value > scale.high]),
        )
        if names
    ]
    return ", ".join(said)


def _classes(bound: Bound) -> str:
    return f"bound {bound.colour} dashed" if bound.dashed else f"bound {bound.colour}"


def panel(height: int, scale: Scale, marks: Markup, along: Ticks, bounds: Iterable[Bound] = ()) -> Markup:
    """Return a drawing with a vertical axis.

    Args:
        height: in pixels.
        scale: of the vertical axis.
        marks: what is drawn.
        along: shares of the width with their texts, below the drawing.
        bounds: level lines with their names, or a note at the upper edge if one lies outside.
    """
    made = []
    for value, said in scale.ticks(4 if height > 60 else 2):
        y = _down(scale, value, height)
        made.append(_level(y, class_="grid"))
        made.append(text(said, x=-8, y=y + 4, class_="end"))
    made += [text(said, x=percent(share), y=height + 18) for share, said in along]
    bounds = list(bounds)
    for bound in bounds:
        if not scale.holds(bound.value):
            continue
        y = _down(scale, bound.value, height)
        made.append(_level(y, class_=_classes(bound)))
        made.append(text(bound.said, x="100%", y=y - 4, class_="end"))
    if outside := _outside(scale, bounds, "↓", "↑"):
        made.append(text(outside, x="100%", y=-6, class_="end"))
    svg = element("svg", *made, marks, height=height)
    return Markup('<div class="panel{}">{}</div>').format(" dated" if along else "", svg)


def _down(scale: Scale, value: float, height: int) -> float:
    return height * (1.0 - scale.share(value))


def _level(y: float, **about: str | float | None) -> Markup:
    return element("line", x2="100%", y1=y, y2=y, **about)
