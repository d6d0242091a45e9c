"""``bench doctor``: what was looked at before a run, each line ok, warn or fail with its fix."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from bench.record.check import Check
from bench.report.terminal.cells import table, text

_SIGNS = {"ok": ("✓ ok", "green"), "warn": ("! warn", "yellow"), "fail": ("✕ fail", "bold red")}


def doctor_view(checks: Sequence[Check]) -> RenderableType:
    """Return a line per check in the order given, its fix below it, and a count at the end."""
    made = table("=", "=looked at", "found")
    for check in checks:
        sign, style = _SIGNS[check.level]
        found = text(check.detail)
        if check.fix:
            found.append_text(Text.assemble("\n→ ", text(check.fix, "cyan")))
        made.add_row(Text(sign, style=style), text(check.name), found)
    counts = {level: sum(check.level == level for check in checks) for level in ("fail", "warn", "ok")}
    said = ", ".join(f"{number} {level}" for level, number in counts.items() if number)
    return Group(made, Text(said, style="bold"))
