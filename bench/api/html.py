"""A table for a notebook: self-contained, and every text in it escaped, since results come from anywhere (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from bench.report.text import plain

WIDEST = 300
"""Characters of one cell, at most."""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> str:
    """Return an HTML table without scripts, styles or addresses.

    Args:
        heads: the columns' names.
        rows: the cells, a text each.
        note: a line below it.
    """
    body = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows)
    head = "".join(f'<th scope="col">{_cell(name)}</th>' for name in heads)
    below = f"<p>{_cell(note)}</p>" if note else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def _cell(text: str) -> str:
    return escape(plain(text, WIDEST))
