"""What all drawings share: text taken literally, the quiet layout, marked lines, numbers cut to what shows (pure)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from bench import units
from bench.report.html.palette import GREY, RED
from bench.report.text import plain

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'
"""As in the style sheet: plotly measures text before the page's style reaches it."""


def label(text: object, width: int | None = None) -> str:
    """Text for a drawing: plotly reads a few HTML tags and entities in every label, so they are escaped."""
    return plain(text, width).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def rounded(values: Iterable[float | None], digits: int = 4) -> list[float | None]:
    """Numbers to ``digits`` significant digits; what is not finite becomes ``None``, which is drawn as a gap."""
    return [None if value is None or not math.isfinite(value) else float(f"{value:.{digits}g}") for value in values]


def layout(**changes: Any) -> dict[str, Any]:
    """A layout without ornament. Text and grid get their colours from the style sheet, so themes need no redraw."""
    base: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13},
        "margin": {"l": 8, "r": 12, "t": 26, "b": 8},
        "showlegend": False,
        "hoverlabel": {"bgcolor": "#22272e", "bordercolor": "#22272e", "font": {"color": "#f0f3f6", "size": 13}},
        "dragmode": False,
        "barcornerradius": 2,
    }
    return base | changes


def axis(title: str = "", **changes: Any) -> dict[str, Any]:
    """An axis with a faint grid and no zero line."""
    return {
        "title": {"text": title, "standoff": 8, "font": {"size": 12}},
        "automargin": True,
        "zeroline": False,
        "ticks": "",
        "fixedrange": True,
    } | changes


def hosts_axis() -> dict[str, Any]:
    """One line per host, the first on top."""
    return axis(type="category", autorange="reversed", showgrid=False, ticklabelstandoff=6)


def span(values: Sequence[float], bounds: Sequence[float | None]) -> tuple[float, float]:
    """A range that shows all values, and each bound that is not so far off that the values would become a line.

    A bound farther away than one and a half times the values' reach stays outside; :func:`bounds_marks` then says so at
    the edge.
    """
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    reach = max(high - low, 0.12 * abs(high), 1e-9)
    for bound in bounds:
        if bound is not None and high < bound <= high + 1.5 * reach:
            high = bound
    pad = 0.06 * max(high - low, reach)
    return max(low - pad, 0.0), high + pad


def bound_marks(
    shown: tuple[float, float], ceiling_s: float | None, timeout_s: float | None, *, vertical: bool
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Shapes and annotations for the ceiling and the timeout: a line, or a note at the edge where it lies outside."""
    shapes: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    outside: list[str] = []
    for name, bound, colour, dash in (("ceiling", ceiling_s, RED, "solid"), ("timeout", timeout_s, GREY, "dash")):
        if bound is None:
            continue
        text = f"{name} {units.seconds(bound)}"
        line = {"line": {"color": colour, "width": 1.5, "dash": dash}, "layer": "below", "type": "line"}
        if not shown[0] <= bound <= shown[1]:
            outside.append(text)
        elif vertical:
            shapes.append(line | {"x0": bound, "x1": bound, "y0": 0, "y1": 1, "yref": "paper"})
            share = (bound - shown[0]) / (shown[1] - shown[0])
            side = "right" if share > 0.8 else "left" if share < 0.2 else "center"
            # Two names above one another: bounds may lie close together.
            above = {"y": 1, "yref": "paper", "yanchor": "bottom", "yshift": 15 if notes else 0}
            notes.append(above | {"x": bound, "xanchor": side, "text": text})
        else:
            shapes.append(line | {"y0": bound, "y1": bound, "x0": 0, "x1": 1, "xref": "paper"})
            notes.append({"x": 1, "xref": "paper", "y": bound, "xanchor": "right", "yanchor": "bottom", "text": text})
    if outside:
        arrow = "→" if vertical else "↑"
        corner = {"x": 1, "xref": "paper", "xanchor": "right", "y": 1, "yref": "paper", "yanchor": "bottom"}
        notes.append(corner | {"text": f"{', '.join(outside)} {arrow}", "yshift": 15 if vertical and shapes else 0})
    return shapes, [note | {"showarrow": False, "font": {"size": 12}} for note in notes]
