"""``perf stat -j`` and ``-x``: the counters of one command, which the output does not name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from bench.importer.tools.document import parse_document
from bench.importer.tools.fields import Unreadable, figure_of
from bench.importer.tools.model import TIME, Content, Series, ToolBenchmark, ToolFile, ToolRun, series, summary
from bench.importer.tools.units import to_si
from bench.record.schema import Better

_COMMA = re.compile(r"(?<=: )(-?\d+),(\d+)(?=[,}])")
_VALUE = re.compile(r"-?\d+(?:[.,]\d+)?")
_NOT = re.compile(r"<not (?:counted|supported)>")
_EVENT = re.compile(r"[A-Za-z][\w.:/=-]*")
_SEPARATORS = ";,\t|:"
NO_TIME = "perf stat -j and -x print no elapsed time; '-e duration_time' among the events gives it"
MEAN = "with -r perf prints the mean of the runs, and no single one"


@dataclass(frozen=True, slots=True)
class _Count:
    """One line: an event, what it counted, and in which interval; ``why`` there is no count."""

    event: str
    value: float | None
    unit: str
    interval: str | None = None
    why: str | None = None
    repeated: bool = False


def is_perf_stat(text: str) -> bool:
    """Return whether a text is perf stat's, as JSON lines or as separated values."""
    first = next(_lines(text[:65536]), None)
    return first is not None and is_count(first[1])


def is_count(line: str) -> bool:
    """Return whether a single line is one of perf stat's."""
    if line.startswith("{"):
        return '"counter-value"' in line and '"event"' in line
    return _separator(line) is not None


def parse_perf_stat(content: Content) -> ToolFile:
    """Read the counters. What was not counted is null, though perf calls it counted for 100 % of the time."""
    counts = [_count(line, number) for number, line in _lines(content.text)]
    if not counts:
        raise Unreadable("holds no counter", 1)
    events: dict[str, list[_Count]] = {}
    for count in counts:
        events.setdefault(count.event, []).append(count)
    metrics = {TIME if name == "duration_time" else name: _series(found) for name, found in events.items()}
    totals = {name: _total(found) for name, found in events.items()}
    wall = totals.get("duration_time")
    intervals = len({count.interval for count in counts}) > 1
    if wall is not None and (intervals or not wall):
        wall = wall or None
        metrics[TIME] = summary(wall, "s")
    repeated = any(count.repeated for count in counts)
    run = ToolRun(
        metrics,
        outcome="passed",
        inferred="perf stat does not write how the command ended; read as passed",
        user_s=totals.get("user_time"),
        system_s=totals.get("system_time"),
        cpu_s=totals.get("task-clock"),
        facts={"samples": MEAN} if repeated else {},
        missing={"wall_s": NO_TIME} if wall is None else {},
    )
    name = PurePosixPath(content.name).name.partition(".")[0] or "perf-stat"
    made = ToolBenchmark(name, (run,), content.text, ".txt", timed="the elapsed time of the command")
    return ToolFile("perf stat", None, (made,))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def _count(line: str, number: int) -> _Count:
    return _from_json(line, number) if line.startswith("{") else _from_fields(line, number)


def _from_json(line: str, number: int) -> _Count:
    """One JSON line, whose numbers have a comma for a point if the locale had."""
    try:
        found: Any = parse_document(line)
    except ValueError:
        try:
            found = parse_document(_COMMA.sub(r"\1.\2", line))
        except ValueError:
            found = None
    if not isinstance(found, dict):
        raise Unreadable("cut off or not a line of perf stat -j", number)
    event, value = found.get("event"), found.get("counter-value")
    if not isinstance(event, str) or not isinstance(value, str):
        if "metric-value" in found:
            raise Unreadable("a metric without a counter is not read; name plain events", number)
        raise Unreadable("has no event and counter-value", number)
    if {"cpu", "core", "die", "socket", "node", "thread", "aggregate-number"} & found.keys():
        raise Unreadable("counts by CPU or thread are not read; run perf stat without -A and --per-…", number)
    interval = found.get("interval")
    made = _made(event, value, str(found.get("unit") or ""), number)
    return replace(made, interval=None if interval is None else str(interval), repeated="variance" in found)


def _from_fields(line: str, number: int) -> _Count:
    """One line of ``-x``: perhaps the interval's end, then value, unit, event; with -r the variance follows."""
    separator = _separator(line)
    if separator is None:
        raise Unreadable("cut off or not a line of perf stat -x", number)
    fields, interval = _aligned(line, separator)
    value, unit, event, *rest = fields
    return replace(_made(event, value, unit, number), interval=interval, repeated=bool(rest) and rest[0].endswith("%"))


def _separator(line: str) -> str | None:
    """What stands between the fields: with it the third or fourth field is an event, and the first a count."""
    for separator in _SEPARATORS:
        try:
            fields, _ = _aligned(line, separator)
        except Unreadable:
            continue
        value, unit, event, *rest = fields
        times = rest[1:] if rest and rest[0].endswith("%") else rest
        counted = _VALUE.fullmatch(value) or _NOT.fullmatch(value)
        ran = len(times) > 1 and times[0].isdigit() and _VALUE.fullmatch(times[1])
        if counted and ran and not _VALUE.fullmatch(unit) and _EVENT.fullmatch(event):
            return separator
    return None


def _aligned(line: str, separator: str) -> tuple[list[str], str | None]:
    """The fields from the count on, and the interval's end if one stands before it.

    If the decimal comma is the separator too, the count takes two fields.
    """
    fields = [field.strip() for field in line.split(separator)]
    interval = None
    if len(fields) > 4 and re.fullmatch(r"\d+[.,]\d{9}", fields[0]):
        interval, fields = fields[0], fields[1:]
    if separator == "," and len(fields) > 5 and all(re.fullmatch(r"\d+", field) for field in fields[:2]):
        fields = [f"{fields[0]}.{fields[1]}", *fields[2:]]
    if len(fields) < 4:
        raise Unreadable("too few fields")
    return fields, interval


def _made(event: str, value: str, unit: str, number: int) -> _Count:
    if (reason := _NOT.fullmatch(value)) is not None:
        return _Count(event, None, to_si(0.0, unit)[1], why=f"perf stat: {reason[0].strip('<>')}")
    if _VALUE.fullmatch(value) is None:
        raise Unreadable(f"{value!r:.40} is no count", number)
    converted, si = to_si(figure_of(value, number), unit)
    return _Count(event, converted, si)


def _series(counts: Sequence[_Count]) -> Series:
    """The counter's value; of several intervals each count, and their median."""
    known = [count.value for count in counts if count.value is not None]
    if not known:
        return summary(None, counts[0].unit, "none", counts[0].why)
    better: Better = "lower" if counts[0].unit == "s" else "none"
    if any(count.repeated for count in counts):
        return summary(known[0], counts[0].unit, better)
    return series(known, counts[0].unit, better)


def _total(counts: Sequence[_Count]) -> float | None:
    """The count of all intervals together; ``None`` if one was not counted."""
    known = [count.value for count in counts if count.value is not None]
    return sum(known) if len(known) == len(counts) else None
