"""The two small drawings of a line: a change with its interval, and the trend of the times (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from markupsafe import Markup

from bench import units
from bench.report.html.overview.change import Change
from bench.report.html.overview.lines import Trend
from bench.report.html.palette import BLUE, GREY, RED
from bench.report.html.svg.frame import upright
from bench.report.html.svg.marks import FINE, element, percent, stretched
from bench.report.html.svg.scale import Scale, span

_HEIGHT = 22
_WIDE = 200
"""Units of a trend's grid along the drawing."""
_LEAST = 0.1
_REACHES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
"""Edges of the changes' scale, as ratios minus 1: what is beyond the last lies on it, and its text tells it."""


def reach_of(changes: Iterable[Change | None]) -> float:
    """Return how far the scale of all changes goes to both sides, so that they can be held beside one another."""
    ends = [abs(end - 1) for one in changes if one for end in (one.low, one.ratio, one.high) if end is not None]
    most = max((end for end in ends if isfinite(end)), default=0.0)
    return next((reach for reach in _REACHES if reach >= most), _REACHES[-1])


def change_drawing(change: Change, reach: float) -> Markup:
    """Return the interval as a bar and the change as a dot, on a line of no change in the middle.

    Args:
        change: what is drawn.
        reach: the edges, as :func:`reach_of` returns them.
    """
    scale, y = Scale(-reach, reach), _HEIGHT / 2
    parts = [upright(0.5, class_="zero")]
    colour = GREY
    if change.low is not None and change.high is not None:
        more, less = (BLUE, RED) if change.higher else (RED, BLUE)
        colour = more if change.low > 1 else less if change.high < 1 else GREY
        left, right = (scale.share(end - 1) for end in (change.low, change.high))
        width = max(right - left, 0.02)
        parts.append(element("rect", x=percent(left), width=percent(width), y=y - 5, height=10, class_="range"))
    parts.append(element("circle", cx=percent(scale.share(change.ratio - 1)), cy=y, r=2.5))
    return _mini(f"{change.spoken}.", colour, parts)


def trend_drawing(trend: Trend) -> Markup:
    """Return the times as a line, with gaps where like was no longer like, and the ceiling if it is near."""
    low, high = min(trend.walls), max(trend.walls)
    # Noise of a percent is no mountain: the drawing is at least a tenth of the time high.
    room = max(_LEAST * high - (high - low), 0.0) / 2
    scale = span((low - room, high + room), (trend.ceiling_s,))
    last = len(trend.walls) - 1
    places = [(at / last, 2 + (_HEIGHT - 4) * (1 - scale.share(wall))) for at, wall in enumerate(trend.walls)]
    path = "".join(
        f"{'M' if at == 0 or at in trend.breaks else 'L'}{_WIDE * x:.0f} {FINE * y:.0f}"
        + ("h0" if at in trend.breaks else "")
        for at, (x, y) in enumerate(places)
    )
    parts = []
    if trend.ceiling_s is not None and scale.holds(trend.ceiling_s):
        y = 2 + (_HEIGHT - 4) * (1 - scale.share(trend.ceiling_s))
        parts.append(element("line", x2="100%", y1=y, y2=y, class_="ceiling"))
    parts.append(stretched(_WIDE, _HEIGHT, element("path", d=path)))
    parts.append(element("circle", cx="100%", cy=round(places[-1][1], 1), r=2.5))
    said = f"{len(trend.walls)} results, {units.seconds(low)} to {units.seconds(high)}"
    return _mini(said, BLUE, parts)


def _mini(said: str, colour: str, parts: list[Markup]) -> Markup:
    label = said if len(said) > 20 else f"{said}, the newest last"
    return element("svg", *parts, title=said, role="img", aria_label=label, height=_HEIGHT, class_=f"mini {colour}")
