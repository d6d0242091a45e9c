"""``bench run selftest``: every reading beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.console import Group, RenderableType
from rich.text import Text

from bench.record.schema import Record
from bench.report.terminal.cells import table, text

_SIGNS = {"passed": ("✓ holds", "green"), "failed": ("✕ off", "bold red"), "skipped": ("– not told", "yellow")}


class Figure(Protocol):
    """One reading held against the truth, as ``bench.run.selftest`` makes it."""

    @property
    def check(self) -> str:
        """The check's name."""
        ...

    @property
    def path(self) -> str:
        """Where the figure stands in a run."""
        ...

    @property
    def outcome(self) -> str:
        """``passed``, ``failed`` or ``skipped``."""
        ...

    @property
    def reading(self) -> float | None:
        """What was read."""
        ...

    @property
    def true_text(self) -> str:
        """What is true."""
        ...

    @property
    def error_text(self) -> str:
        """How far off the reading is."""
        ...

    @property
    def bound_text(self) -> str:
        """How far off it may be."""
        ...

    @property
    def why(self) -> str | None:
        """Why nothing can be said, or what went wrong."""
        ...

    def text(self, value: float | None) -> str:
        """A value of this figure with its unit."""
        ...


def selftest_view(
    record: Record, figures: Sequence[Figure], not_made: Sequence[tuple[str, str]], origin: str
) -> RenderableType:
    """A line for each reading, then what could not be told, then the verdict."""
    made = table("=", "=reading", ">reads", ">true", ">off by", ">at most")
    check = ""
    for figure in figures:
        if figure.check != check:
            check = figure.check
            made.add_row("", text(check.replace("_", " "), "bold"))
        sign, style = _SIGNS[figure.outcome]
        made.add_row(
            Text(sign, style=style),
            text(f"  {figure.path}"),
            figure.text(figure.reading),
            figure.true_text,
            figure.error_text,
            figure.bound_text,
        )
    head = Text.assemble((record.outcome.replace("_", " "), "bold"), "  self-test of ", text(record.host.id))
    head.append_text(Text.assemble(" with the engine ", text(record.engine.name)))
    said = [f"{figure.check}, {figure.path}: {figure.why}" for figure in figures if figure.why is not None]
    said += [f"{name}: not made: {why}" for name, why in not_made]
    reasons = [Text.assemble("  ", text(line)) for line in (record.verdict.reasons[:1] + tuple(said))]
    return Group(head, made, *reasons, Text.assemble("  ", ("written to ", "dim"), text(origin)))
