"""A table as HTML, in one pass: a page has half a million cells, too many for a template's calls (pure)."""

from __future__ import annotations

import html
from functools import lru_cache

from markupsafe import Markup

from bench.report.html.model import Cell, Row, Table
from bench.report.text import plain


@lru_cache(maxsize=8192)
def escaped(text: str) -> str:
    """Text for an element or a quoted attribute. All text of a table goes through here; the rest is ours."""
    return html.escape(plain(text))


def attributes(host: str | None = None, group: str | None = None, state: str | None = None) -> Markup:
    """What the page filters by."""
    named = (("host", host), ("diagnostic", group), ("state", state))
    made = "".join(f' data-{name}="{escaped(value)}"' for name, value in named if value is not None)
    return Markup(made)  # noqa: S704 - escaped above


def rows_html(table: Table) -> Markup:
    """The lines of a table's body, the first cell of each its heading."""
    figures = [' class="n"' if column.figures else "" for column in table.columns]
    return Markup("\n".join(_row(row, figures) for row in table.rows))  # noqa: S704 - each text is escaped


def _row(row: Row, figures: list[str]) -> str:
    id_ = f' id="{escaped(row.anchor)}"' if row.anchor else ""
    cells = [
        f"<td{_order(cell, shape)}>{_content(cell)}</td>"
        for cell, shape in zip(row.cells[1:], figures[1:], strict=True)
    ]
    head = f'<th scope="row"{_order(row.cells[0], figures[0])}>{_content(row.cells[0])}</th>'
    return f"<tr{id_}{attributes(row.host, row.group, row.state)}>{head}{''.join(cells)}</tr>"


def _order(cell: Cell, shape: str) -> str:
    order = cell.order
    if order is None:
        return shape
    return f'{shape} data-v="{order:.7g}"' if isinstance(order, (int, float)) else f'{shape} data-v="{escaped(order)}"'


def _content(cell: Cell) -> str:
    text = escaped(cell.text)
    if cell.href:
        return f'<a href="#{escaped(cell.href)}">{text}</a>'
    return f'<span class="level-{escaped(cell.level)}">{text}</span>' if cell.level else text
