"""``bench run selftest``: every reading beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.console import Group, RenderableType
from rich.text import Text

from bench import units
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
    def truth(self) -> float | None:
        """What is true, at least."""
        ...

    @property
    def most(self) -> float | None:
        """What is true, at most."""
        ...

    @property
    def error(self) -> float | None:
        """How far off, as a ratio."""
        ...

    @property
    def within(self) -> float | None:
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
    made = table("=", "=check", "=reading", ">reads", ">true", ">off by", ">may be")
    for figure in figures:
        sign, style = _SIGNS[figure.outcome]
        true = figure.text(figure.truth) if figure.most == figure.truth else f"{_between(figure)}"
        made.add_row(
            Text(sign, style=style),
            text(figure.check),
            text(figure.path),
            figure.text(figure.reading),
            true,
            units.signed_percent(figure.error, 2),
            units.percent(figure.within, 0),
        )
    head = Text.assemble((record.outcome.replace("_", " "), "bold"), "  self-test of ", text(record.host.id))
    head.append_text(Text.assemble(" with the engine ", text(record.engine.name)))
    said = [f"{figure.check}, {figure.path}: {figure.why}" for figure in figures if figure.why is not None]
    said += [f"{name}: not made: {why}" for name, why in not_made]
    reasons = [Text.assemble("  ", text(line)) for line in (record.verdict.reasons[:1] + tuple(said))]
    return Group(head, made, *reasons, Text.assemble("  ", ("written to ", "dim"), text(origin)))


def _between(figure: Figure) -> str:
    return f"{figure.text(figure.truth)} to {figure.text(figure.most)}"
