"""The overview as HTML: the lines that ask for a reader, and below them those that are as expected (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench import units
from bench.compare.measures import CPU
from bench.names import stamp_time
from bench.report.entry import Entry
from bench.report.html.cells import attributes, escaped, number_order
from bench.report.html.model import anchor
from bench.report.html.overview.drawings import change_drawing, reach_of, trend_drawing
from bench.report.html.overview.lines import Line
from bench.report.presentation import decided_by, medians_text, reasons, stamp_text, state_text

Place = Callable[[Line], str | None]
"""Where a line leads: an address within the page or beside it."""
_REASONS = 3
"""Reasons of a result that is not unfolded."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Both parts as bodies of tables with the same headings, and what the drawings' edges are."""

    head: Markup
    attention: Markup
    fine: Markup
    told: int
    expected: int
    experiments: int
    note: str

    @property
    def folded(self) -> str:
        """What is folded away, in words."""
        if self.experiments:
            results = f"{units.counted(self.expected - self.experiments, 'newest result')} and " * (
                self.expected > self.experiments
            )
            return f"{results}{units.counted(self.experiments, 'experiment')} as expected"
        if not self.told:
            one = self.expected == 1
            return "The newest result is as expected" if one else f"All {self.expected} newest results are as expected"
        return f"{units.counted(self.expected, 'newest result')} as expected"


_HEADS: Mapping[str, str] = {
    "verdict": "verdict",
    "what": "diagnostic",
    "host": "host",
    "change": "change",
    "trend": "trend",
    "time": "time",
    "cpu": "CPU time",
    "peak": "peak",
    "work": "work",
    "own": "own numbers",
    "when": "newest",
}


def overview(lines: Sequence[Line], place: Place) -> Overview:
    """Return the table; a column that no line has anything for is left out.

    Args:
        lines: as :func:`bench.report.html.overview.lines.overview_lines` returns them.
        place: where each leads; one that leads nowhere is led to itself.
    """
    reach = reach_of(line.change for line in lines)
    gone = {
        "change": all(line.change is None for line in lines),
        "trend": all(line.trend is None for line in lines),
        "work": not any(line.work for line in lines),
        "own": not any(line.own for line in lines),
    }
    shown = [name for name in _HEADS if not gone.get(name, False)]
    heads = "".join(f'<th scope="col" class="c-{name}">{_HEADS[name]}</th>' for name in shown)
    parts = [
        "\n".join(_row(line, shown, place, reach) for line in lines if line.attention is wanted)
        for wanted in (True, False)
    ]
    told = sum(line.attention for line in lines)
    return Overview(
        head=Markup(f"<thead><tr>{heads}</tr></thead>"),  # noqa: S704 - our own words
        attention=Markup(parts[0]),  # noqa: S704 - each text is escaped
        fine=Markup(parts[1]),  # noqa: S704 - each text is escaped
        told=told,
        expected=len(lines) - told,
        experiments=sum(line.entry.base is not None and not line.attention for line in lines),
        note=_note(shown, reach),
    )


def _note(shown: Sequence[str], reach: float) -> str:
    said = []
    if "change" in shown:
        edge = units.percent(reach, 0)
        said.append(
            "Change of wall time, if no other figure is named, against the baseline or an experiment's base, else "
            "against the results before it: the dot is the change, the bar its 99 % interval, the edges are "
            f"{edge} less and more."
        )
    if "trend" in shown:
        said.append(
            "Trend: medians of up to 30 results, on a scale of at least a tenth of the time, the ceiling in red; a gap "
            "is where build, variables or the state of the host changed."
        )
    said.append(
        "Time and CPU time are medians of the passed runs, peak is the most anonymous memory of a run. Of an "
        "experiment time is the figure that decided, CPU time and own numbers are base → head too, and the rest is "
        "the head's."
    )
    return " ".join(said)


def _row(line: Line, shown: Sequence[str], place: Place, reach: float) -> str:
    record, state = line.entry.record, line.entry.state
    leads = place(line)
    id_ = "" if leads else f' id="{escaped(anchor("a", record.id))}"'
    cells = _cells(line, leads, reach)
    made = "".join(cells[name] for name in shown)
    level = f"level-{state.level}"
    said = escaped(state_text(state))
    head = f'<th scope="row" class="c-verdict" data-v="{state.rank}"><span class="{level}">{said}</span></th>'
    row = f"<tr{id_}{attributes(record.host.id, line.entry.group, state.code)}>{head}{made}</tr>"
    # The result unfolded has the other reasons; one that is not unfolded has no other place.
    why = line.why if leads or not line.attention else "; ".join(reasons(line.entry, _REASONS)) or line.why
    return f'{row}<tr class="why"><td colspan="{len(shown)}">{escaped(why)}</td></tr>' if why else row


def _cells(line: Line, leads: str | None, reach: float) -> dict[str, str]:
    record = line.entry.record
    name, when = escaped(record.diagnostic.name), stamp_time(record.stamp)
    what = f'<a href="{escaped(leads)}">{name}</a>' if leads else name
    if line.entry.setup:
        what = f'{what} <span class="setup">{escaped(", ".join(_setup(line.entry)))}</span>'
    change = ""
    if line.change is not None:
        change = f"{change_drawing(line.change, reach)}<span>{escaped(line.change.text)}</span>"
    return {
        "verdict": "",
        "what": _cell("what", what),
        "host": _cell("host", escaped(record.host.id)),
        "change": _cell("change", change, line.change.ratio if line.change else None),
        "trend": _cell("trend", str(trend_drawing(line.trend)) if line.trend else ""),
        "time": _time(line.entry),
        "cpu": _cpu(line),
        "peak": _figure("peak", *line.peak),
        "work": _cell("work", "<br>".join(map(escaped, line.work.split(", ") if line.work else ()))),
        "own": _cell("own", "<br>".join(f"{escaped(name)} <b>{escaped(value)}</b>" for name, value in line.own)),
        "when": _cell("when", escaped(stamp_text(record.stamp, "%Y-%m-%d", 20)), when.timestamp() if when else None),
    }


def _setup(entry: Entry) -> tuple[str, ...]:
    """How it ran; the id of an experiment stands where it is unfolded."""
    return entry.setup if entry.base is None else entry.setup[:-1]


def _time(entry: Entry) -> str:
    """The median wall time; of an experiment both medians of the figure that decides, and which one it is."""
    trial = decided_by(entry)
    if trial is None:
        return _figure("time", units.seconds(entry.wall_s), entry.wall_s)
    medians = escaped(medians_text(trial.decides)).replace(" ", "&nbsp;").replace("&nbsp;→&nbsp;", "&nbsp;→ ")
    said = f"{medians} <br>{escaped(trial.metric)}"
    return _cell("time", said, trial.decides.b)


def _cpu(line: Line) -> str:
    """The median CPU time; of an experiment both medians with the change, unless it decides and stands before."""
    trial = decided_by(line.entry)
    found = next((one for one in trial.informs if one.name == CPU), None) if trial is not None else None
    if found is None or found.a is None or found.b is None:
        return _figure("cpu", units.seconds(line.cpu_s), line.cpu_s)
    return _cell("cpu", f"{escaped(medians_text(found))}<br>{escaped(units.change(found.change))}", found.b)


def _cell(name: str, content: str, order: float | None = None) -> str:
    if not content:
        return f'<td class="c-{name} no">{units.NOT_KNOWN}</td>'
    told = "" if order is None else f' data-v="{order:.12g}"'
    return f'<td class="c-{name}"{told}>{content}</td>'


def _figure(name: str, text: str, value: float | None) -> str:
    return _cell(name, "") if value is None else f'<td class="c-{name}"{number_order(text, value)}>{escaped(text)}</td>'
