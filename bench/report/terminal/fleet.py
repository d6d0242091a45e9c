"""``bench fleet``: every leg by its host, the rankings, and hosts and work side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench import units
from bench.compare.ranking import Ranking
from bench.compare.work.wording import quantity_text
from bench.record.schema import Record
from bench.report.entry import Entry
from bench.report.hosts import calibration_name, calibration_text, calibrations, differing_facts
from bench.report.status import PASSED, STATES, State, state_of
from bench.report.terminal.cells import state, table, text
from bench.report.terminal.compare import ranking_view
from bench.report.terminal.narrow import Whole

COLUMNS = 4
"""How many stand side by side; of more the equal ones are put together."""


@dataclass(frozen=True, slots=True)
class LegLine:
    """One leg as a table shows it: where, what, how it ended, its record if it left one, and the sentences on it.

    ``host`` is the engine's address or the node's name; ``address`` what the node was reached at, if it has another.
    """

    host: str
    address: str
    what: str
    exit_code: int
    record: Record | None
    path: str | None
    why: tuple[str, ...]

    @property
    def host_id(self) -> str | None:
        """The id of the machine that was measured."""
        return self.record.host.id if self.record is not None and self.record.runs else None


@dataclass(frozen=True, slots=True)
class RankedCells:
    """A ranking, what it is of, and what its results are called, by their ids."""

    title: str
    ranking: Ranking
    called: Mapping[str, str]


def fleet_view(lines: Sequence[LegLine], ranked: Sequence[RankedCells]) -> RenderableType:
    """Return the fleet's one report.

    Args:
        lines: every leg, in the order of hosts.
        ranked: the rankings.
    """
    parts: list[RenderableType] = [legs_table(lines)]
    for one in ranked:
        parts += [Text(), text(one.title, "bold"), ranking_view(one.ranking, one.called)]
    hosts = host_records(lines)
    if len(hosts) > 1:
        parts += [Text(), side_by_side("hosts differ in", list(hosts), _facts(list(hosts.values())))]
    for one in ranked:
        work = work_beside(one)
        if work is not None:
            parts += [Text(), work]
    return Group(*parts)


def legs_table(lines: Sequence[LegLine]) -> Table:
    """Return a line a leg: state, what, host and its id, median and runs; below it why, if it did not pass."""
    made = table("result, host", ">runs", ">median")
    for line in lines:
        record = line.record
        entry = Entry(record) if record is not None else None
        host = f"{line.host} at {line.address}" if line.address not in ("", line.host) else line.host
        made.add_row(
            Whole.assemble(
                *(state(_state(line)), "  ", text(line.what, "bold"), "\n", text(host)),
                *(("\n", text(line.host_id, "dim")) if line.host_id else ()),
                *(Whole.assemble("\n", text(why)) for why in line.why),
            ),
            str(len(record.measured_runs)) if record is not None and record.runs else "",
            units.seconds(entry.wall_s if entry is not None else None),
        )
    return made


def _state(line: LegLine) -> State:
    if line.record is None:
        return STATES["interrupted" if line.exit_code == 130 else "not_measured"]
    found = state_of(line.record)
    return PASSED if line.exit_code == 0 and found.level == "none" else found


def host_records(lines: Sequence[LegLine]) -> dict[str, Record]:
    """Return the newest result of each host that measured anything, in the order of hosts."""
    found: dict[str, Record] = {}
    for line in lines:
        record = line.record
        if record is not None and record.runs and (line.host not in found or found[line.host].stamp < record.stamp):
            found[line.host] = record
    return found


def _facts(records: Sequence[Record]) -> dict[str, list[str]]:
    """What hosts differ in, and how fast each was."""
    facts = {"host id": [record.host.id for record in records]} | differing_facts(records)[0]
    for metric in calibrations(records):
        values = [record.calibration.before.get(metric) for record in records]
        facts[calibration_name(metric)] = [calibration_text(metric, value) for value in values]
    return facts


def work_beside(one: RankedCells) -> RenderableType | None:
    """Return the work that each result of a ranking did; ``None`` if it was counted nowhere beside the reference."""
    counted = [(row, row.work) for row in one.ranking.rows if row.work is not None]
    if not counted:
        return None
    first = counted[0][0].a
    names = [one.called.get(first.id, first.id)] + [one.called.get(row.b.id, row.b.id) for row, _ in counted]
    values: dict[str, list[str]] = {}
    for at, (_, work) in enumerate(counted):
        for quantity in work.quantities:
            cells = values.setdefault(quantity.name, [units.NOT_KNOWN] * len(names))
            cells[0] = quantity_text(quantity, quantity.a) if quantity.a is not None else cells[0]
            cells[at + 1] = quantity_text(quantity, quantity.b)
    return side_by_side(f"{one.title}: work", names, values)


def side_by_side(head: str, names: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Table:
    """Return facts a line, with a column for each of a few names; of many, each value once with the names that have it.

    Args:
        head: heads the facts.
        names: what the columns are of.
        rows: for each fact a text a name.
    """
    if len(names) <= COLUMNS:
        made = table(head, *names)
        for fact, texts in rows.items():
            made.add_row(text(fact), *map(text, texts))
        return made
    made = table(head, "", "of")
    for fact, texts in rows.items():
        for at, value in enumerate(dict.fromkeys(texts)):
            having = [name for name, found in zip(names, texts, strict=True) if found == value]
            made.add_row(text("" if at else fact), text(value), text(_named(having, len(names))))
    return made


def _named(having: Sequence[str], of: int) -> str:
    if len(having) == of:
        return f"all {of}"
    shown = ", ".join(having[:COLUMNS])
    return shown if len(having) <= COLUMNS else f"{shown} and {len(having) - COLUMNS} more"
