"""``bench query``: rows of any columns, as a table if they fit and one below the other if they do not (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.report.terminal.cells import table, text
from bench.report.terminal.narrow import GAP
from bench.units import NOT_KNOWN

LONGEST_WORD = 70
"""Columns that a word keeps; a longer one is folded."""
LEAST_TEXT = 16
"""Columns that a text keeps before it is folded; a table that is narrower still is hard to read."""


def query_view(names: Sequence[str], rows: Sequence[Sequence[object]], width: int) -> RenderableType:
    """Return what a query yields, for people: numbers to the right, to about six digits; ``--json`` has them exactly.

    Args:
        names: of the columns.
        rows: values in the order of ``names``.
        width: columns of the terminal.
    """
    shown = [[_cell(value) for value in row] for row in rows]
    figures = [_are_figures([row[at] for row in rows]) for at in range(len(names))]
    least = [
        max(text(name).cell_len, *(_least(row[at], figures[at]) for row in shown), 0) for at, name in enumerate(names)
    ]
    if sum(least) + GAP * (len(names) - 1) <= width:
        return _table(names, shown, figures, least)
    if not rows:
        return Text.assemble("no row; columns ", text(", ".join(names)))
    room = min(max(text(name).cell_len for name in names), max(width * 3 // 5, 1))
    return Group(*(part for at, row in enumerate(shown) for part in _record(at, names, row, room)))


def number(value: float) -> str:
    """Return a number to six digits or so, and all before its point: ``844.94``, ``1065734110``, ``3.1e-07``."""
    return f"{value:.0f}" if 1e6 <= abs(value) < 1e15 else f"{value:.6g}"


def _cell(value: object) -> Text:
    if value is None:
        return Text(NOT_KNOWN, style="dim")
    return text(number(float(value)) if isinstance(value, float | Decimal) else value)


def _are_figures(values: Sequence[object]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(
        isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in known
    )


def _least(cell: Text, figures: bool) -> int:
    if figures:
        return cell.cell_len
    whole = max((len(word) for word in cell.plain.split()), default=0)  # an id is to be pasted
    return max(min(cell.cell_len, LEAST_TEXT), min(whole, LONGEST_WORD))


def _table(
    names: Sequence[str], rows: Sequence[Sequence[Text]], figures: Sequence[bool], widths: Sequence[int]
) -> Table:
    made = table()
    for name, right, least in zip(names, figures, widths, strict=True):
        if right:
            made.add_column(text(name), justify="right", no_wrap=True)
        else:
            made.add_column(text(name), overflow="fold", min_width=least)
    for row in rows:
        made.add_row(*row)
    return made


def _record(at: int, names: Sequence[str], row: Sequence[Text], room: int) -> tuple[RenderableType, ...]:
    """One row as lines of names, in ``room`` columns, and values."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(style="dim", overflow="fold", width=room + 2)
    made.add_column(overflow="fold")
    for name, cell in zip(names, row, strict=True):
        made.add_row(text(name), cell)
    return (Text(f"row {at + 1}", style="bold"), made, Text())
