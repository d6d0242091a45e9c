"""``bench whatif``: what each variant changes, and one line saying what to set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench import units
from bench.compare.beside.rounds import Agreed
from bench.compare.comparison import Comparison
from bench.compare.sample import failed
from bench.record.schema import Run
from bench.report.figures import HEADS, contradiction, figure_cells, told
from bench.report.presentation import MINOR_FAULTS, Reading, ratio_interval, ratio_text
from bench.report.status import STATES
from bench.report.terminal.cells import bullets, state, table, text
from bench.report.terminal.compare import WORD_STYLES, ratio_bar, reach_of
from bench.report.terminal.narrow import Whole


@dataclass(frozen=True, slots=True)
class VariantLine:
    """One variant: what it is, and its comparison with the reference, or why there is none.

    ``comparison`` is ``None`` for the reference itself and for what could not be measured. A ``problem`` is why that
    was, or why there are no more than these ``runs``. ``passed`` says whether the diagnostic's own test passed in every
    run; ``not_passed`` counts the others by outcome. ``figures`` are medians of what it used beside wall time;
    ``agreed`` is what all rounds say of it.
    """

    name: str
    about: str
    median_s: float | None
    passed: bool
    comparison: Comparison | None = None
    problem: str | None = None
    runs: int = 0
    not_passed: dict[str, int] = field(default_factory=dict)
    figures: dict[str, float | None] = field(default_factory=dict)
    agreed: tuple[Agreed, ...] = ()


def whatif_view(diagnostic: str, lines: Sequence[VariantLine], advice: str) -> RenderableType:
    """Return a table of ratios to the first variant with their intervals, and the advice as the last line.

    Args:
        diagnostic: its name.
        lines: the variants, the reference first.
        advice: what to set.
    """
    comparisons = [line.comparison for line in lines if line.comparison is not None]
    reach = reach_of(comparisons)
    made = table("variant", ">median", ">ratio", "99 % interval", f"=−{reach:.0%} … +{reach:.0%}", "=test", "verdict")
    unmeasured, lost = [], []
    for line in lines:
        comparison = line.comparison
        if line.problem is not None and not line.runs:
            unmeasured.append(Whole.assemble(text(line.name), ": ", text(line.problem)))
            continue
        if line.problem is not None:
            after = f" after {units.counted(line.runs, 'run')}: "
            lost.append(Whole.assemble(text(line.name), after, text(line.problem)))
        made.add_row(
            text(line.name),
            units.seconds(line.median_s),
            ratio_text(comparison.ratio) if comparison else "1.000",
            ratio_interval(comparison) if comparison else "the reference",
            ratio_bar(comparison, reach, 5) if comparison else Text(),
            _test(line),
            _verdict(comparison),
        )
    head = Whole.assemble(text(diagnostic, "bold"), ": wall time against the first variant")
    left_out: list[RenderableType] = []
    for title, problems in (("not measured:", unmeasured), ("lost:", lost)):
        left_out += [Text(title, style="dim"), bullets(problems)] if problems else []
    against = [(line.name, contradiction(line.comparison)) for line in lines if line.comparison is not None]
    against += [(line.name, line.comparison.work.said) for line in lines if line.comparison and line.comparison.work]
    notes = [Whole.assemble(text(name), ": ", text(why)) for name, why in against if why]
    said = [bullets(notes)] if notes else []
    figures = _figures(lines)
    beside: list[RenderableType] = [figures, Text()] if figures.row_count else []
    return Group(head, made, Text(), _used(lines), *beside, *said, *left_out, text(advice, "bold"))


def _figures(lines: Sequence[VariantLine]) -> Table:
    """What became of the tests' own numbers, of the time in their calls and of CPU time, and of what else changed."""
    made = table("variant", *(head for head in HEADS if head != "better"))
    for line in lines:
        for one in told(line.comparison.figures) if line.comparison is not None else ():
            name, _, *cells, word = figure_cells(one)
            made.add_row(text(line.name), text(name), *map(text, cells), text(word, WORD_STYLES.get(word, "dim")))
    return made


def _used(lines: Sequence[VariantLine]) -> Table:
    """What each variant used beside wall time, and what all rounds agree on."""
    made = table("variant", *(f">{one.name}" for one in USED), "all rounds agree")
    for line in lines:
        if line.figures and line.runs:
            figures = (one.form(line.figures[one.name]) for one in USED)
            made.add_row(text(line.name), *figures, text("; ".join(one.text for one in line.agreed)))
    return made


def used(runs: Sequence[Run]) -> dict[str, float | None]:
    """Return the medians of what runs used beside wall time, by the column's name."""
    values = {one.name: [value for run in runs if (value := one.read(run)) is not None] for one in USED}
    return {name: median(found) if found else None for name, found in values.items()}


USED = (
    Reading("CPU time", lambda run: run.cpu.total_s),
    Reading("kernel", lambda run: run.cpu.system_s),
    MINOR_FAULTS,
    Reading("peak", lambda run: run.memory.peak_bytes, units.size),
)


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
