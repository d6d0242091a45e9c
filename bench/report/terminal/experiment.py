"""The two sides of an experiment: what decides, and beside it every other figure with its interval."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench import units
from bench.compare.comparison import Comparison
from bench.compare.experiment import PairedChange, Trial
from bench.compare.reasons import bounds, outcome_word
from bench.report.status import STATES, state_of_trial
from bench.report.terminal.cells import STYLES, bullets, indented, state, table, text, work_tables
from bench.report.terminal.narrow import Whole

_STYLE = {"slower": "bad", "faster": "good", "same": "none", "undecided": "caution"}


def experiment_view(comparison: Comparison, trial: Trial) -> RenderableType:
    """Return the sentence that decides, a table of all figures, what else there is to know, and the work of both."""
    sentence, *others = comparison.reasons
    head = Whole.assemble(
        state(state_of_trial(comparison.status, trial.compared)), "  ", text(comparison.diagnostic, "bold")
    )
    how = f"experiment {trial.id}, seed {trial.seed}{', both sides at once' if trial.duet else ''}"
    made = figures_table(trial)
    parts: list[RenderableType] = [head, text(sentence, "bold")]
    parts += [Text(), made, text(_HOW_READ, "dim")] if trial.compared else []
    parts.append(text(how, "dim"))
    parts.append(bullets(text(one) for one in others))
    parts += work_tables(comparison.work)
    return Group(*parts)


_HOW_READ = (
    "change: the middle of the pairs' ratios, not the ratio of both medians; "
    "cpu and wall: of the whole run, its start included"
)


def decision_view(comparison: Comparison, trial: Trial) -> RenderableType:
    """Return what an experiment decided in two lines: the verdict with both medians, and the sentence."""
    decides = trial.decides
    form = _form(decides.unit)
    head = Whole.assemble(state(STATES[comparison.status]), "  ", text(comparison.diagnostic, "bold"))
    at_once = ", both sides at once" if trial.duet else ""
    head.append(f": {decides.name} {form(decides.a)} became {form(decides.b)}{at_once}")
    return Group(head, indented(text(comparison.reasons[0], "bold")))


def figures_table(trial: Trial) -> Table:
    """Return each figure of both sides with its change and the interval; the first one decides."""
    made = table("figure", ">pairs", ">base", ">head", ">change", "99 % interval", "=verdict")
    for figure in (trial.decides, *trial.informs):
        decides = figure is trial.decides
        if not decides and figure.a == figure.b == 0:
            continue  # as faults that read a disk: nothing on both sides
        form = _form(figure.unit)
        made.add_row(
            text(figure.name, "bold" if decides else ""),
            str(figure.pairs),
            form(figure.a),
            form(figure.b),
            units.change(figure.change),
            text(figure.why or bounds(figure)),
            Text("" if figure.why else outcome_word(figure), style=STYLES[_style(figure)]),
        )
    return made


def _style(figure: PairedChange) -> str:
    plain = figure.better == "none" and figure.outcome in ("slower", "faster")
    return "none" if plain else _STYLE[figure.outcome]


def _form(unit: str) -> Callable[[float | None], str]:
    if unit in ("s", "B"):
        return units.seconds if unit == "s" else units.size
    return lambda value: _number(value, unit)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return units.NOT_KNOWN
    whole = value == round(value) or abs(value) >= 1000
    shown = units.count(value) if whole and abs(value) < 1e15 else f"{value:.4g}"
    return f"{shown} {unit}".rstrip()
