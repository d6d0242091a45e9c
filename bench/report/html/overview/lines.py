"""What a line of the overview holds: the newest result of a diagnostic on a host, its change and its trend (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench import units
from bench.compare.work.wording import NOTHING_COUNTED, total_text
from bench.record.schema import Run
from bench.report.entry import Entry, worst_first
from bench.report.figures import own_numbers
from bench.report.html.overview.change import Change, change_of
from bench.report.presentation import reasons
from bench.report.trend import Band, bands, breaks
from bench.report.work import work_in

TREND = 30
"""Results of a trend, the newest."""
_OWN = 2
"""A test's own numbers that a line has; its result unfolded has them all."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Median wall times in seconds, the oldest first. ``breaks`` are the places of those not like the one before."""

    walls: tuple[float, ...]
    breaks: frozenset[int] = frozenset()
    ceiling_s: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``attention`` tells those that a reader came for from those that are as expected; ``why`` is its first
    reason, for which the result unfolded has no second place (:func:`other_reasons`).
    """

    entry: Entry
    change: Change | None
    trend: Trend | None
    attention: bool
    why: str
    cpu_s: float | None
    peak: tuple[str, float | None]
    own: tuple[tuple[str, str], ...]
    work: str = ""


def overview_lines(entries: Sequence[Entry]) -> list[Line]:
    """Return a line for the newest result of each diagnostic on each host, the worst first."""
    by_key: dict[tuple[str, str], list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.record.stamp):
        by_key.setdefault(entry.key, []).append(entry)
    lines = {id(members[-1]): _line(members) for members in by_key.values()}
    ordered = [lines[id(entry)] for entry in worst_first(members[-1] for members in by_key.values())]
    return sorted(ordered, key=lambda line: not line.attention)


def is_told(entry: Entry) -> bool:
    """Return whether the state alone asks for a reader: it did not pass, or is no better than doubtful."""
    return entry.state.level in ("bad", "caution") or entry.record.outcome != "passed" or bool(entry.undecided)


def other_reasons(line: Line) -> list[str]:
    """Return the reasons that the overview does not have: all of a result that is as expected, but of an experiment."""
    return [reason for reason in reasons(line.entry) if reason != line.why]


def _line(members: Sequence[Entry]) -> Line:
    entry = members[-1]
    measured = [one for one in members if one.wall_s is not None][-TREND - 1 :]
    newest = bool(measured) and measured[-1] is entry
    broken = breaks(measured) if len(measured) > 1 else [()] * len(measured)
    places = frozenset(at for at, names in enumerate(broken) if names)
    outside = _outside(measured) if newest else None
    told, experiment = is_told(entry), entry.base is not None
    change = change_of(entry, measured[max(places, default=0) : -1] if newest else ())
    said = [] if experiment else reasons(entry, 1)[:1] if told else _moved(change, outside)
    return Line(
        entry=entry,
        change=change,
        trend=None if experiment else _trend(measured, places, entry.record.diagnostic.ceiling_s),
        attention=told or bool(said),
        why=entry.decision or " ".join(said),
        cpu_s=_median([cpu for run in entry.passed if (cpu := cpu_seconds(run)) is not None]),
        peak=_peak(entry),
        own=_own(entry),
        work=_work(entry),
    )


def _moved(change: Change | None, outside: Band | None) -> list[str]:
    """Why a result needs a look that is well by its own verdict; empty if it is as those before it."""
    if change is not None and change.shown:
        return [f"wall time {change.spoken}"]
    if outside is not None:
        return [f"outside what the results before it led to expect: {units.between(outside.low_s, outside.high_s)}"]
    return []


def _trend(measured: Sequence[Entry], places: frozenset[int], ceiling_s: float | None) -> Trend | None:
    """A line needs two points."""
    shown = measured[-TREND:]
    if len(shown) < 2:
        return None
    first = len(measured) - len(shown)
    walls = tuple(entry.wall_s or 0.0 for entry in shown)
    return Trend(walls, frozenset(at - first for at in places if at > first), ceiling_s)


def _outside(measured: Sequence[Entry]) -> Band | None:
    """The band that the newest result lies outside of."""
    if len(measured) < 2:
        return None
    band, wall_s = bands(measured)[-1], measured[-1].wall_s or 0.0
    if band is None or units.too_wide(band.low_s, band.high_s) or band.low_s <= wall_s <= band.high_s:
        return None
    return band


def cpu_seconds(run: Run) -> float | None:
    """Return a run's CPU time; the sum of user and system if the group's own total is not known."""
    cpu = run.cpu
    if cpu.total_s is not None:
        return cpu.total_s
    return cpu.user_s + cpu.system_s if cpu.user_s is not None and cpu.system_s is not None else None


def _peak(entry: Entry) -> tuple[str, float | None]:
    """The peak of memory over the runs, and which one it is if not that of anonymous memory."""
    runs = entry.record.measured_runs
    kinds = (
        ("", [run.memory.anon_peak_bytes for run in runs if run.outcome != "oom_killed"]),
        (" RSS", [run.memory.max_rss_bytes for run in runs if run.outcome != "oom_killed"]),
        (" + cache", [run.memory.peak_bytes for run in runs]),
    )
    for said, values in kinds:
        known = [value for value in values if value is not None]
        if known:
            return f"{units.size(max(known))}{said}", max(known)
    return units.NOT_KNOWN, None


def _work(entry: Entry) -> str:
    """What was counted; empty if that is nothing."""
    work = work_in(entry.record)
    said = total_text(work) if work is not None else ""
    return "" if said == NOTHING_COUNTED else said


def _own(entry: Entry) -> tuple[tuple[str, str], ...]:
    found = own_numbers(entry)
    more = len(found) - _OWN
    return (*found[:_OWN], *([("and", f"{more} more")] if more > 0 else []))


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None
