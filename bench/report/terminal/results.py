"""One result after a run, and many results one a line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from statistics import median

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench import units
from bench.compare.sample import DISTURBANCES
from bench.compare.work.wording import total_text
from bench.record.schema import Run
from bench.report.entry import Entry, worst_first
from bench.report.figures import own_numbers
from bench.report.presentation import ANONYMOUS, run_columns, time_text, warmup_mark
from bench.report.status import state_of_run
from bench.report.terminal.cells import bar, indented, state, table, text, written_line
from bench.report.terminal.narrow import Whole
from bench.report.text import plain
from bench.report.warnings import merged
from bench.report.work import work_in

BAR = 8


def results_table(entries: Sequence[Entry]) -> Table:
    """Return many results, the worst first: state, diagnostic, host, runs, median wall time and room under the ceiling.

    Names stand one below the other, since a terminal of 60 columns holds no two beside figures; under the median stands
    what it takes of the ceiling.
    """
    made = table("result, host, stamp", ">median", ">margin")
    for entry in worst_first(entries):
        record = entry.record
        runs = units.counted(len(record.measured_runs), "run")
        made.add_row(
            Whole.assemble(
                *(state(entry.state), "  ", text(entry.group, "bold"), "\n", text(record.host.id), "\n"),
                (f"{plain(record.stamp)}, {runs}", "dim"),
                *([Whole.assemble("\n", text(entry.decision))] if entry.decision else []),
                *(Whole.assemble("\n", text(line, "dim")) for line in _numbers(entry, _SHOWN)),
            ),
            Whole.assemble(time_text(entry).replace(" → ", " →\n"), "\n", _of_ceiling(entry)),
            units.seconds(record.verdict.ceiling_margin_s),
        )
    return made


_SHOWN = 3
"""The tests' own numbers that stand under a result."""


def _numbers(entry: Entry, most: int | None = None) -> list[str]:
    """The tests' own numbers, one a line; of more than ``most`` the first, and how many there are besides."""
    found = [f"{name} {value}" for name, value in own_numbers(entry)]
    if most is None or len(found) <= most:
        return found
    return [*found[:most], f"and {units.counted(len(found) - most, 'more number')}"]


def _of_ceiling(entry: Entry) -> Text:
    """The part of the ceiling that the median takes, drawn; nothing without either."""
    ceiling = entry.record.diagnostic.ceiling_s
    if entry.wall_s is None or not ceiling or ceiling < 0:
        return Text()
    drawn = bar(entry.wall_s / ceiling, BAR, "red" if entry.wall_s > ceiling else "cyan")
    return Whole.assemble(drawn, ("·" * (BAR - drawn.cell_len), "dim"))


def result_summary(entry: Entry, told: Collection[str] = ()) -> RenderableType:
    """Return what ``bench run`` shows at its end: verdict, time with its spread, why; then each run and the bundle.

    Args:
        entry: the result.
        told: what is reported beside it, and need not be repeated.
    """
    record = entry.record
    head = Whole.assemble(state(entry.state), "  ", text(record.diagnostic.name, "bold"), " on ", text(record.host.id))
    parts: list[RenderableType] = [head]
    if (line := time_line(entry)) is not None:
        parts.append(Whole.assemble("  ", line))
    reasons = [reason for reason in record.verdict.reasons if not any(one in reason for one in told)]
    if told and not record.runs:  # why nothing ran is told beside it
        reasons = [reason for reason in reasons if not reason.startswith("no run passed")]
    parts += [indented(text(reason)) for reason in reasons]
    if record.runs:
        parts.append(_runs_table(record.runs))
    parts += [Whole.assemble("  ", text(line)) for line in _numbers(entry)]
    work = work_in(record)
    if work is not None:
        parts.append(Whole.assemble("  ", ("work: ", "dim"), text(total_text(work))))
    for code, message in merged(record.runs):
        parts.append(indented(Whole.assemble(text(code, "yellow"), ": ", text(message))))
    if entry.origin:
        parts.append(written_line(entry.origin))
    return Group(*parts)


def first_summary(entry: Entry) -> RenderableType:
    """Return a result that nothing was compared with, in two lines: the verdict, and the time with its spread.

    What merely disturbed the machine is said beside the time; any other warning has a line of its own.
    """
    record = entry.record
    where = ", without a container" if record.engine.name == "local" else ""
    head = Whole.assemble(state(entry.state), "  ", text(record.diagnostic.name, "bold"), " on ", text(record.host.id))
    head.append_text(text(f"{where}: {'; '.join(record.verdict.reasons)}" if record.verdict.reasons else where))
    warnings = merged(record.runs)
    busy = " on a busy machine" if any(code in DISTURBANCES for code, _ in warnings) else ""
    # What an environment is was said before it was made.
    told = DISTURBANCES | {"environment"}
    others = (indented(text(f"{code}: {message}")) for code, message in warnings if code not in told)
    return Group(head, indented(text(time_line(entry, busy) or "")), *others)


def time_line(entry: Entry, busy: str = "") -> str | None:
    """Return the time of the runs that passed with their spread; None without any.

    Args:
        entry: the result.
        busy: what is to be said of the machine.
    """
    walls = entry.walls
    if not walls:
        return None
    if len(walls) == 1:
        return f"{units.seconds(walls[0])} in one run{busy}; its spread takes --repeat 5"
    spread = units.between(min(walls), max(walls), "to")
    return f"{units.seconds(median(walls))}, the median of {len(walls)} runs{busy} ({spread})"


def _runs_table(runs: Sequence[Run]) -> Table:
    # In eighty columns there is no room for the whole word.
    shown = run_columns(runs)
    made = table(">run", "outcome", *(">anon peak" if one is ANONYMOUS else f">{one.name}" for one in shown))
    for run in runs:
        ended = Whole.assemble(state(state_of_run(run.outcome)), (warmup_mark(run), "dim"))
        made.add_row(str(run.index), ended, *(one.text(run) for one in shown))
    return made
