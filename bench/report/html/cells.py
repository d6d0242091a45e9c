"""A table as HTML, in one pass: a page has half a million cells, too many for a template's calls (pure)."""

from __future__ import annotations

import html
import re
from functools import lru_cache

from markupsafe import Markup

from bench.report.html.model import Cell, Row, Table
from bench.report.text import plain

_NUMBER = re.compile(r"([+-]?\d[\d ]*(?:\.\d+)?(?:e[+-]?\d+)?) ?(\D\S*)?", re.ASCII)
_UNITS = {"ms": 1e-3, "µs": 1e-6, "%": 0.01, "MHz": 1e6, "GHz": 1e9} | {
    unit: 1024.0**power for power, unit in enumerate(("B", "KiB", "MiB", "GiB", "TiB"))
}
"""As in page.js."""
_NEAR = 0.006
"""What a text of three digits may differ by from its number."""


@lru_cache(maxsize=8192)
def escaped(text: str) -> str:
    """Return text for an element or a quoted attribute. All text of a table goes through here; the rest is ours."""
    return html.escape(plain(text))


def attributes(host: str | None = None, group: str | None = None, state: str | None = None) -> Markup:
    """Return the attributes that the page filters by.

    Args:
        host: the host's id, if the element is of one.
        group: the group of results, likewise.
        state: the code of a state, likewise.
    """
    named = (("host", host), ("diagnostic", group), ("state", state))
    made = "".join(f' data-{name}="{escaped(value)}"' for name, value in named if value is not None)
    return Markup(made)  # noqa: S704 - escaped above


def rows_html(table: Table) -> Markup:
    """Return the lines of a table's body, the first cell of each its heading."""
    return Markup("\n".join(_row(row, len(table.columns)) for row in table.rows))  # noqa: S704 - each text is escaped


def shape(table: Table) -> str:
    """Return the classes of a table: ``n2`` if its second column has figures, ``told`` if its last is text.

    The style sheet aligns figures without a class on each cell; the last column's text may be long.
    """
    figures = [f"n{at}" for at, column in enumerate(table.columns, 1) if column.figures]
    last = [] if table.columns and table.columns[-1].figures else ["told"]
    return " ".join([*figures, *last])


def _row(row: Row, columns: int) -> str:
    if len(row.cells) != columns:
        raise ValueError(f"a line has {len(row.cells)} cells and its table {columns} columns")
    id_ = f' id="{escaped(row.anchor)}"' if row.anchor else ""
    cells = [f"<td{_order(cell)}>{_content(cell)}</td>" for cell in row.cells[1:]]
    head = f'<th scope="row"{_order(row.cells[0])}>{_content(row.cells[0])}</th>'
    return f"<tr{id_}{attributes(row.host, row.group, row.state)}>{head}{''.join(cells)}</tr>"


def _order(cell: Cell) -> str:
    """What orders a cell, unless its text does so as well: half of a page would be numbers twice."""
    order = cell.order
    if order is None:
        return ""
    if isinstance(order, str):
        return f' data-v="{escaped(order)}"'
    return number_order(cell.text, order)


def number_order(text: str, order: float | None) -> str:
    """Return the attribute that orders a figure's cell; empty if its text tells its number, or none is known."""
    if order is None:
        return ""
    told = number_of(text)
    if told is not None and abs(told - order) <= _NEAR * abs(order):
        return ""
    return f' data-v="{order:.7g}"'


@lru_cache(maxsize=8192)
def number_of(text: str) -> float | None:
    """Return the number that a text begins with, in the base of its unit: as ``orderOf`` of page.js reads it."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    return float(found[1].replace(" ", "")) * _UNITS.get(found[2], 1.0)


def _content(cell: Cell) -> str:
    text = escaped(cell.text)
    if cell.href:
        return f'<a href="#{escaped(cell.href)}">{text}</a>'
    return f'<span class="level-{escaped(cell.level)}">{text}</span>' if cell.level else text
