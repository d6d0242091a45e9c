"""Tables of rates as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

Rows = list[list[str]]


def percent(share: float) -> str:
    """A share as percent."""
    return f"{share * 100:.1f} %"


def markdown(title: str, head: Sequence[str], rows: Rows) -> str:
    """One table."""
    lines = [f"### {title}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""])
