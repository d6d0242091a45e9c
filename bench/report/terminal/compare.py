"""``bench compare``: two results side by side, or several ranked against a reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench import units
from bench.compare.comparison import Comparison, Side
from bench.compare.measures import label
from bench.compare.ranking import Ranking
from bench.report.figures import HEADS, contradiction, figure_cells, figures_line, own_first
from bench.report.presentation import other_reasons, ratio_interval, ratio_text, side_name
from bench.report.status import STATES
from bench.report.terminal.cells import bullets, interval, state, table, text, work_tables
from bench.report.terminal.experiment import experiment_view
from bench.report.text import plain

WORD_STYLES = {"worse": "bold red", "better": "green", "more": "yellow", "less": "yellow", "same": ""}


def comparison_view(comparison: Comparison) -> RenderableType:
    """Return the status first, then both sides, the ratio with its interval, what differs, and the reasons."""
    if comparison.experiment is not None:
        return experiment_view(comparison, comparison.experiment)
    parts: list[RenderableType] = [
        Text.assemble(state(STATES[comparison.status]), "  ", text(comparison.diagnostic, "bold")),
        _sides(comparison),
    ]
    ratio = _ratio_line(comparison)
    if ratio is not None:
        parts += [Text(), ratio]
    if comparison.differences:
        parts += [Text(), _differences(comparison), Text()]
    if comparison.figures:
        parts += [_figures_table(comparison), Text()]
    against = contradiction(comparison)
    parts.append(bullets(text(reason) for reason in [*other_reasons(comparison), *([against] if against else [])]))
    parts += work_tables(comparison.work)
    return Group(*parts)


def ranking_view(
    ranking: Ranking | Sequence[Comparison], called: Mapping[str, str] = MappingProxyType({})
) -> RenderableType:
    """Return several results against one reference, the fastest first; what could not be compared is named below.

    Args:
        ranking: with its note and what was left out; or plain comparisons with the same reference, at least one.
        called: what results are called, by their ids; else by their stamps.
    """
    rows = ranking.rows if isinstance(ranking, Ranking) else sorted(ranking, key=_fastest)
    first = rows[0]
    made = table("result, host", ">runs", ">median", ">ratio", "=99 % interval", "=verdict")
    made.add_row(_two_lines(first.a, called), *_figures(first.a), "1.000", "the reference", "")
    for row in rows:
        figures = (*_figures(row.b), ratio_text(row.ratio), ratio_interval(row))
        made.add_row(_two_lines(row.b, called), *figures, state(STATES[row.status]))
    direction = "above 1 is slower" if first.metric == "wall" else f"{first.better} is better"
    head = Text.assemble(text(first.diagnostic, "bold"), f": ratios of {plain(label(first.metric))}, {direction}")
    notes = _notes(rows, called)
    below = [bullets(notes)] if notes else []
    if not isinstance(ranking, Ranking):
        return Group(head, made, *below)
    left_out = [Text.assemble(text(called.get(name, name)), ": ", text(why)) for name, why in ranking.left_out.items()]
    return Group(head, made, *below, text(ranking.note, "dim"), bullets(left_out))


def _notes(rows: Sequence[Comparison], called: Mapping[str, str]) -> list[Text]:
    """A line for each row that has more to say, by its name; by its host too if two rows have the same name."""
    names = Counter(_name(row.b, called) for row in rows)
    notes = []
    for row in rows:
        name, said = _name(row.b, called), _beside(row)
        where = f" on {row.b.host}" if names[name] > 1 else ""
        notes += [text(f"{name}{where}: {said}")] if said else []
    return notes


def _beside(row: Comparison) -> str:
    """What a row has no room for: the names of what differs, and what a verdict would need, or why there is none."""
    parts = []
    for accepted, words in ((False, "not the same: "), (True, "accepted: ")):
        names = [one.name for one in row.differences if one.accepted is accepted]
        parts += [words + ", ".join(names)] if names else []
    if row.runs_needed is not None and row.status == "insufficient_runs":
        parts.append(f"needs {row.runs_needed} runs on each side")
    elif row.status in ("insufficient_runs", "host_noisy", "not_measured", "over_ceiling"):
        # The figures of the row are in its columns.
        parts += other_reasons(row, "wall time ", "the smallest change ", "these runs can only show ")
    if row.work is not None and row.work.said not in parts:
        parts.append(row.work.said)
    beside = figures_line(row)
    return "; ".join([*parts, beside] if beside else parts)


def _fastest(row: Comparison) -> tuple[bool, float]:
    return row.ratio is None, row.ratio or 0.0


def _two_lines(side: Side, called: Mapping[str, str]) -> Text:
    return Text.assemble(text(_name(side, called)), "\n", text(side.host, "dim"))


def _name(side: Side, called: Mapping[str, str]) -> str:
    return called.get(side.id) or side_name(side)


def _figures(side: Side) -> tuple[str, str]:
    return _runs(side), units.seconds(side.median_s)


def _runs(side: Side) -> str:
    """The runs whose times are compared, and of how many if some did not pass."""
    lost = sum(side.not_passed.values())
    return f"{side.runs} of {side.runs + lost}" if lost else str(side.runs)


def ratio_bar(comparison: Comparison, reach: float, half: int) -> Text:
    """Return the interval of the ratio drawn around no change; empty if there is none.

    Args:
        comparison: what was compared.
        reach: the axis is from ``-reach`` to ``reach``.
        half: columns of a half of it.
    """
    low, middle, high = comparison.ratio_low, comparison.ratio, comparison.ratio_high
    if low is None or middle is None or high is None:
        return Text()
    drawn = interval(low - 1, middle - 1, high - 1, reach, half)
    if comparison.better == "higher":
        drawn.style = {"red": "green", "green": "red"}.get(str(drawn.style), drawn.style)
    return drawn


def reach_of(comparisons: Sequence[Comparison]) -> float:
    """Return an axis that holds the intervals, at least 5 % and at most 100 % to either side."""
    ends = [abs(end - 1) for one in comparisons for end in (one.ratio_low, one.ratio_high) if end is not None]
    return min(max([0.05, *ends]), 1.0)


def _sides(comparison: Comparison) -> Table:
    made = table("=", "result", "host", ">runs", ">median wall", ">CPU time")
    for name, side in (("reference", comparison.a), ("result", comparison.b)):
        made.add_row(
            Text(name, style="dim"),
            text(side_name(side)),
            text(side.host),
            _runs(side),
            units.seconds(side.median_s),
            units.seconds(side.median_cpu_s),
        )
    return made


def _ratio_line(comparison: Comparison) -> Text | None:
    reach = reach_of([comparison])
    drawn = ratio_bar(comparison, reach, 20)
    return Text.assemble(f"−{reach:.0%} ", drawn, f" +{reach:.0%}") if drawn else None


def _figures_table(comparison: Comparison) -> Table:
    """What became of the other figures, which inform; each by its own direction."""
    heads = [head for head in HEADS if head != "better"]  # the last column says which way is which
    made = table(*heads)
    for one in own_first(comparison.figures):
        name, _, *cells, word = figure_cells(one)
        made.add_row(text(name), *map(text, cells), text(word, WORD_STYLES.get(word, "dim")))
    return made


def _differences(comparison: Comparison) -> Table:
    made = table("what differs", "reference", "result", "which means")
    for difference in comparison.differences:
        decides = difference.forces is not None and not difference.accepted
        meaning = text(difference.meaning)
        if difference.accepted:
            meaning.append(" (accepted)", style="dim")
        made.add_row(
            text(difference.name, "yellow" if decides else ""),
            text(difference.a if difference.a is not None else "none", width=40),
            text(difference.b if difference.b is not None else "none", width=40),
            meaning,
        )
    return made
