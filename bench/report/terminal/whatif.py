"""``bench whatif``: what each variant changes, and one line saying what to set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from bench import units
from bench.compare.verdict import Comparison
from bench.report.status import STATES
from bench.report.terminal.cells import bullets, state, table, text
from bench.report.terminal.compare import bounds_text, ratio_bar, ratio_text, reach_of


@dataclass(frozen=True, slots=True)
class VariantLine:
    """One variant: what it is, and its comparison with the reference, or why there is none.

    ``comparison`` is ``None`` for the reference itself and for what could not be measured, which has a ``problem``.
    ``passed`` says whether the diagnostic's own test passed in every run.
    """

    name: str
    about: str
    median_s: float | None
    passed: bool
    comparison: Comparison | None = None
    problem: str | None = None


def whatif_view(diagnostic: str, lines: Sequence[VariantLine], advice: str) -> RenderableType:
    """Ratios to the first variant with their intervals, and ``advice`` as the last line."""
    comparisons = [line.comparison for line in lines if line.comparison is not None]
    reach = reach_of(comparisons)
    made = table("variant", ">median", ">ratio", "=99 % interval", f"=−{reach:.0%} … +{reach:.0%}", "test", "=verdict")
    unmeasured = []
    for line in lines:
        comparison = line.comparison
        if line.problem is not None:
            unmeasured.append(Text.assemble(text(line.name), ": ", text(line.problem)))
            continue
        made.add_row(
            text(line.name),
            units.seconds(line.median_s),
            ratio_text(comparison.ratio) if comparison else "1.000",
            bounds_text(comparison) if comparison else "the reference",
            ratio_bar(comparison, reach, 7) if comparison else Text(),
            Text("passed", style="green") if line.passed else Text("failed", style="bold red"),
            _verdict(comparison),
        )
    head = Text.assemble(text(diagnostic, "bold"), ": wall time against the first variant")
    left_out: list[RenderableType] = []
    if unmeasured:
        left_out = [Text("not measured:", style="dim"), bullets(unmeasured)]
    return Group(head, made, *left_out, text(advice, "bold"))


def _verdict(comparison: Comparison | None) -> Text:
    """A variant that is faster is no improved code: the words say what happened to the time."""
    if comparison is None:
        return Text()
    words = {"code_regressed": ("slower", "red"), "code_improved": ("faster", "green"), "same": ("no change", "")}
    if comparison.status in words:
        word, style = words[comparison.status]
        return Text(word, style=style)
    return state(STATES[comparison.status])
