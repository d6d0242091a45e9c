"""``bench whatif``: what each variant changes, and one line saying what to set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.text import Text

from bench import units
from bench.compare.comparison import Comparison
from bench.compare.sample import failed
from bench.report.presentation import ratio_interval, ratio_text
from bench.report.status import STATES
from bench.report.terminal.cells import bullets, state, table, text
from bench.report.terminal.compare import ratio_bar, reach_of


@dataclass(frozen=True, slots=True)
class VariantLine:
    """One variant: what it is, and its comparison with the reference, or why there is none.

    ``comparison`` is ``None`` for the reference itself and for what could not be measured. A ``problem`` says why that
    was, or why there are no more than these ``runs``. ``passed`` says whether the diagnostic's own test passed in every
    run; ``not_passed`` counts the others by outcome.
    """

    name: str
    about: str
    median_s: float | None
    passed: bool
    comparison: Comparison | None = None
    problem: str | None = None
    runs: int = 0
    not_passed: dict[str, int] = field(default_factory=dict)


def whatif_view(diagnostic: str, lines: Sequence[VariantLine], advice: str) -> RenderableType:
    """Return a table of ratios to the first variant with their intervals, and the advice as the last line.

    Args:
        diagnostic: its name.
        lines: the variants, the reference first.
        advice: what to set.
    """
    comparisons = [line.comparison for line in lines if line.comparison is not None]
    reach = reach_of(comparisons)
    made = table("variant", ">median", ">ratio", "=99 % interval", f"=−{reach:.0%} … +{reach:.0%}", "=test", "verdict")
    unmeasured, lost = [], []
    for line in lines:
        comparison = line.comparison
        if line.problem is not None and not line.runs:
            unmeasured.append(Text.assemble(text(line.name), ": ", text(line.problem)))
            continue
        if line.problem is not None:
            after = f" after {units.counted(line.runs, 'run')}: "
            lost.append(Text.assemble(text(line.name), after, text(line.problem)))
        made.add_row(
            text(line.name),
            units.seconds(line.median_s),
            ratio_text(comparison.ratio) if comparison else "1.000",
            ratio_interval(comparison) if comparison else "the reference",
            ratio_bar(comparison, reach, 5) if comparison else Text(),
            _test(line),
            _verdict(comparison),
        )
    head = Text.assemble(text(diagnostic, "bold"), ": wall time against the first variant")
    left_out: list[RenderableType] = []
    for title, problems in (("not measured:", unmeasured), ("lost:", lost)):
        left_out += [Text(title, style="dim"), bullets(problems)] if problems else []
    return Group(head, made, *left_out, text(advice, "bold"))


def _test(line: VariantLine) -> Text:
    """How the diagnostic's own test ended; of how many runs if not of all. What was interrupted did not fail."""
    if line.passed:
        return Text("passed", style="green")
    failures = failed(line.not_passed)
    if line.not_passed and not failures:
        return Text(STATES[next(iter(line.not_passed))].label, style="yellow")
    share = f" {failures}/{line.runs}" if 0 < failures < line.runs else ""
    return Text(f"failed{share}", style="bold red")


def _verdict(comparison: Comparison | None) -> Text:
    """A variant that is faster is no improved code: the words say what happened to the time."""
    if comparison is None:
        return Text()
    words = {"code_regressed": ("slower", "red"), "code_improved": ("faster", "green"), "same": ("no change", "")}
    if comparison.status in words:
        word, style = words[comparison.status]
        return Text(word, style=style)
    return state(STATES[comparison.status])
