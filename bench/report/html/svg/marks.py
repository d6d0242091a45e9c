"""The one place that writes SVG: every text and attribute of a drawing is escaped here (pure).

Places along the page are percentages and heights are pixels, so that a drawing fits a phone, a desktop and paper as it
is, and its text is never stretched. Colours are classes, which the style sheet has for both themes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from markupsafe import Markup

from bench.report.html.cells import escaped
from bench.report.timeline import Series

EMPTY = Markup("")
FINE = 2
"""Units of a path's grid in a pixel of its height."""
_CROSS, _DIAMOND = "M-4-4 4 4M-4 4 4-4", "M0-6 6 0 0 6-6 0z"
_SIGNS = {"cross": _CROSS, "diamond": _DIAMOND}
_FITS = (300, 500, 700, 900, 1100)
"""Widths of a drawing in pixels from which a text in it may be shown; the style sheet has a class for each."""


def element(name: str, /, *inner: Markup, title: str | float | None = None, **attributes: str | float | None) -> Markup:
    """Return an element with what is in it.

    Args:
        name: as in ``circle``.
        inner: what is made here, too.
        title: what a reader sees who points at it; any text.
        attributes: any text or number; ``class_`` is ``class`` and ``text_anchor`` ``text-anchor``. ``None`` leaves one
            out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not inner and not title:
        return Markup(f"<{name}{given}/>")  # noqa: S704 - each text is escaped
    said = f"<title>{escaped(str(title))}</title>" if title else ""
    return Markup(f"<{name}{given}>{said}{''.join(inner)}</{name}>")  # noqa: S704 - each text is escaped


def _value(value: str | float) -> str:
    return escaped(value) if isinstance(value, str) else f"{round(value, 2):.7g}"


def text(said: str, /, **attributes: str | float | None) -> Markup:
    """Return a text; it stays on one line."""
    return element("text", Markup(escaped(said)), **attributes)  # noqa: S704 - escaped


def joined(parts: Iterable[Markup]) -> Markup:
    """Return all parts in a row."""
    return EMPTY.join(parts)


def percent(share: float) -> str:
    """Return a place along the drawing: ``12.34%`` for 0.12341."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def bar(start: float, end: float, title: str | None = None, **attributes: str | float | None) -> Markup:
    """Return a bar between two shares of the width.

    Args:
        start: one end, from 0 to 1.
        end: the other.
        title: what a reader sees who points at it.
        attributes: as of :func:`element`; ``y`` and ``height`` are in pixels.
    """
    left, right = sorted((start, end))
    return element("rect", title=title, x=percent(left), width=percent(right - left), **attributes)


def sign(kind: str, share: float, y: float, title: str, **attributes: str | float | None) -> Markup:
    """Return a sign at a place.

    Args:
        kind: ``dot``, ``cross`` or ``diamond``.
        share: its place along the width, from 0 to 1.
        y: its place down, in pixels.
        title: what a reader sees who points at it.
        attributes: as of :func:`element`.
    """
    if kind == "dot":
        return element("circle", title=title, cx=percent(share), cy=y, r=4, **attributes)
    # A path has no percentages: the element around it has its place.
    path = element("path", d=_SIGNS[kind])
    shape = element("g", path, title=title, class_=kind)
    return element("svg", shape, x=percent(share), y=y, overflow="visible", **attributes)


def fit_class(said: str, share: float) -> str | None:
    """Return the class that shows a text in a bar only if it fits; ``None`` if it never does.

    Args:
        said: the text.
        share: the bar's share of the drawing's width.
    """
    wide = sum(7 if character.isascii() else 13 for character in said) + 6
    return next((f"fits{least}" for least in _FITS if share * least >= wide), None)


def stretched(width: float, height: int, *inner: Markup) -> Markup:
    """Return paths of a grid over the whole drawing, :data:`FINE` units a pixel from its upper edge down; nothing
    without a path.

    Args:
        width: units of the grid along the drawing.
        height: of the drawing, in pixels.
        inner: the paths.
    """
    if not inner:
        return EMPTY
    box = f"0 0 {width:.6g} {height * FINE}"
    return element("svg", *inner, viewBox=box, preserveAspectRatio="none")


def grid_heights(values: Series, top: float, height: int) -> list[int | None]:
    """Return each value's place down a path's grid; ``None`` if it is not known.

    Args:
        values: from 0 on.
        top: the value at the upper edge.
        height: of the drawing, in pixels.
    """
    known = np.isfinite(values)
    places = np.rint(height * FINE * (1.0 - np.where(known, values, 0.0) / top)).astype(int)
    return [place if here else None for place, here in zip(places.tolist(), known.tolist(), strict=True)]


def line_path(heights: Sequence[int | None]) -> str:
    """Return a line through the middle of each step; a step that is not known is a gap, and one alone a point."""
    parts: list[str] = []
    level, before = 0, None
    for at, place in enumerate([*heights, None]):
        if place is None or before is None:
            parts += [f"h{level}"] if level else []
            parts += [f"M{at}.5 {place}h0"] if place is not None else []
            level = 0
        elif place == before:
            level += 1
        else:
            # One letter l serves for all pairs until another comes.
            start = f"h{level}l" if level else " " if parts[-1][-2:] != "h0" else "l"
            parts.append(f"{start}1{' ' if place > before else ''}{place - before}")
            level = 0
        before = place
    return "".join(parts)


def steps_path(heights: Sequence[int | None], ground: int) -> str:
    """Return the area of steps over a level ``ground``; a step that is not known is empty."""
    parts: list[str] = []
    run, before = 0, ground
    for place in [*heights, None]:
        here = ground if place is None else place
        if here != before:
            parts += [f"h{run}"] if run else []
            parts.append(f"v{here - before}")
            run, before = 0, here
        run += 1
    return f"M0 {ground}{''.join(parts)}z"
