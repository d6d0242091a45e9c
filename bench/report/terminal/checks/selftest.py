"""``bench run selftest``: every reading beside the truth."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from bench.record.check import Held
from bench.record.schema import Record
from bench.report.terminal.cells import indented, table, text, written_line

_SIGNS = {"passed": ("✓", "green"), "failed": ("✕", "bold red"), "skipped": ("–", "yellow")}


def selftest_view(
    record: Record, figures: Sequence[Held], not_made: Sequence[tuple[str, str]], origin: str
) -> RenderableType:
    """Return a line for each reading (✓ holds, ✕ off, – not told), then why what could not be told was not.

    Args:
        record: the self-test's result.
        figures: its readings, those of one check together.
        not_made: checks that this engine cannot make, and why.
        origin: where the bundle is.
    """
    made = table("reading", ">reads", ">true", ">off by", ">at most")
    check = ""
    for figure in figures:
        if figure.check != check:
            check = figure.check
            made.add_row(text(check.replace("_", " "), "bold"))
        sign, style = _SIGNS[figure.outcome]
        made.add_row(
            Text.assemble((sign, style), " ", text(figure.path)),
            figure.text(figure.reading),
            figure.true_text,
            figure.error_text,
            figure.bound_text,
        )
    head = Text.assemble((record.outcome.replace("_", " "), "bold"), "  self-test of ", text(record.host.id))
    head.append_text(Text.assemble(" with the engine ", text(record.engine.name)))
    said = [f"{figure.check}, {figure.path}: {figure.why}" for figure in figures if figure.why is not None]
    said += [f"{name}: not made: {why}" for name, why in not_made]
    reasons = [indented(text(line)) for line in (record.verdict.reasons[:1] + tuple(said))]
    return Group(head, made, *reasons, written_line(origin))
