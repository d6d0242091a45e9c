"""``bench doctor``: what was looked at before a run, each line ok, warn or fail with its fix."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from bench.record.check import Check
from bench.report.terminal.cells import bullets, table, text

_SIGNS = {"ok": ("✓ ok", "green"), "warn": ("! warn", "yellow"), "fail": ("✕ fail", "bold red")}


def doctor_view(checks: Sequence[Check]) -> RenderableType:
    """Return a line per check in the order given, its fix below it; then if the host is fit, or what to mend first."""
    made = table("=", "=looked at", "found")
    for check in checks:
        sign, style = _SIGNS[check.level]
        found = text(check.detail)
        if check.fix:
            found.append_text(Text.assemble("\n→ ", text(check.fix, "cyan")))
        made.add_row(Text(sign, style=style), text(check.name), found)
    problems = [check for level in ("fail", "warn") for check in sorted(checks, key=_weight) if check.level == level]
    if not problems:
        return Group(made, Text("fit to measure", style="bold green"))
    counts = {level: sum(check.level == level for check in checks) for level in ("fail", "warn", "ok")}
    said = ", ".join(f"{number} {level}" for level, number in counts.items() if number)
    fit = "not fit to measure" if problems[0].level == "fail" else "fit to measure with care"
    first = [Text.assemble(text(one.name, "bold"), ": ", text(one.fix)) for one in problems[:3]]
    return Group(made, Text(said, style="bold"), Text(f"{fit}; mend first:", style="bold"), bullets(first))


_WEIGHTY = (
    "engine",
    "image",
    "results disk",
    "image disk",
    "load",
    "steal",
    "pressure",
    "memory",
    "swap",
    "outer limits",
)
"""What spoils a measurement most, the worst first."""


def _weight(check: Check) -> int:
    return _WEIGHTY.index(check.name) if check.name in _WEIGHTY else len(_WEIGHTY)
