"""Which test ran when, as a row of bars over a run's timeline (pure)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench import units
from bench.record.schema import Run, TestResult
from bench.report.html.palette import BROWN, GREY, RED
from bench.report.html.svg.marks import bar, element, fit_class, percent, text
from bench.report.text import plain

MOST = 60
"""Tests that get a bar each; of more, neighbours that would be thinner than a line share one."""
ROW = 20
"""Height of the row of tests in pixels."""
_LOWEST = 5
_THIN = 0.005
_FINE = ("passed", "skipped", "xfailed", "xpassed")


@dataclass(frozen=True, slots=True)
class Phase:
    """One test, or neighbours that share a bar: full ``name``, what sets it apart (``short``), seconds from and to.

    ``setup_s`` and ``teardown_s`` are what of it is drawn as such, 0 if that would be thinner than a line.
    """

    name: str
    short: str
    start: float
    end: float
    passed: bool = True
    tests: int = 1
    setup_s: float = 0.0
    teardown_s: float = 0.0


def phases(run: Run, end: float) -> tuple[Phase, ...]:
    """Return each test at the time when it began.

    One whose start is not recorded lies right after the one before it, the first such right before what follows them:
    the next test, or the run's end.
    """
    tests = _drawn(run)
    unplaced = list(itertools.takewhile(lambda test: test.started_s is None, tests))
    after = next((test.started_s for test in tests if test.started_s is not None), end)
    at = max(after - sum(map(_length, unplaced)), 0.0)
    placed = []
    for test, short in zip(tests, apart([test.node.rpartition("::")[2] for test in tests]), strict=True):
        start = at if test.started_s is None else test.started_s
        at = start + _length(test) if _parts(test) else end
        # Of a test whose place is not known, neither are those of its phases.
        around = (0.0, 0.0) if test.started_s is None else (test.setup_s or 0.0, test.teardown_s or 0.0)
        setup, teardown = (part if part >= _THIN * end else 0.0 for part in around)
        passed = test.outcome in _FINE
        placed.append(Phase(plain(test.node), short, min(start, end), min(at, end), passed, 1, setup, teardown))
    placed.sort(key=lambda phase: phase.start)
    return tuple(placed if len(placed) <= MOST else _merged(placed, _THIN * end))


def placing(run: Run) -> str:
    """Return a sentence on the tests whose place is not recorded; empty if each one's is."""
    tests = _drawn(run)
    missing = sum(test.started_s is None for test in tests)
    if not missing:
        return ""
    if missing == len(tests):
        return "The tests lie end to end up to the run's end, since only how long each took is recorded."
    return f"{missing} of {len(tests)} tests lie beside their neighbours, since only how long they took is recorded."


def apart(names: Sequence[str]) -> list[str]:
    """Return what sets each name apart: of ``test_x[cell-01-of-25]`` and so on ``cell-01``."""
    names = [plain(name) for name in names]
    if len(set(names)) < 2:
        return names
    front = _shared(names)
    # Back to where a word begins: a parameter after its bracket, else a part after its underscore.
    front = front[: front.rfind("[") + 1 or front.rfind("_") + 1]
    rest = [name[len(front) :] for name in names]
    back = _shared([name[::-1] for name in rest])[::-1]
    begin = re.search(r"[-_\[\]]", back)
    cut = len(back) - begin.start() if begin else 0
    short = [name[: len(name) - cut] for name in rest]
    return short if all(short) else rest if all(rest) else names


@dataclass(frozen=True, slots=True)
class Bar:
    """A test, its setup or its teardown as it is drawn: seconds from and to, and its lane of so many."""

    text: str
    start: float
    end: float
    colour: str
    hover: str
    lane: int = 0


def bars_of(found: Sequence[Phase]) -> tuple[Bar, ...]:
    """Return a bar a test, and one each for a setup and a teardown that can be seen beside it.

    Tests that ran at the same time lie in lanes above one another.
    """
    lanes = lanes_of(found)
    return tuple(piece for phase, lane in zip(found, lanes, strict=True) for piece in _pieces(phase, lane))


def drawn_tests(found: Sequence[Phase], end: float) -> Markup:
    """Return all bars over a run of ``end`` seconds; one has its text if it fits."""
    bars = bars_of(found)
    lanes = max((one.lane for one in bars), default=0) + 1
    # A lane of many may be low; a text needs its height.
    height = max(ROW / lanes, _LOWEST)
    made = []
    for one in bars:
        left, right = one.start / end, one.end / end
        made.append(bar(left, right, one.hover, y=one.lane * height, height=height, class_=f"bar {one.colour}"))
        fits = fit_class(one.text, right - left) if lanes == 1 else None
        if fits is not None:
            middle = percent((left + right) / 2)
            made.append(text(one.text, x=middle, y=ROW / 2 + 4, class_=f"inside {fits}"))
    svg = element("svg", *made, height=round(lanes * height, 1))
    return Markup('<div class="panel">{}</div>').format(svg)


def lanes_of(found: Sequence[Phase]) -> list[int]:
    """Return for each test the first lane that is free when it begins; 0 for all if they ran one after another."""
    free: list[float] = []
    lanes = []
    for phase in found:
        # What is thinner than a line is no overlap: the clock is read before a setup, and durations are summed.
        by = phase.start + (phase.end - phase.start) * _THIN
        lane = next((at for at, end in enumerate(free) if end <= by), len(free))
        free[lane : lane + 1] = [phase.end]
        lanes.append(lane)
    return lanes


def _pieces(phase: Phase, lane: int) -> Iterator[Bar]:
    """A test's bar, with its setup before it and its teardown after it. A test that ended in its setup is all setup."""
    begun, done = min(phase.start + phase.setup_s, phase.end), max(phase.end - phase.teardown_s, phase.start)
    name = plain(phase.name, 120)
    not_passed = "" if phase.passed else ", not passed"
    around = BROWN if phase.passed else RED
    if phase.setup_s:
        said = f"{name}, setup, {units.seconds(phase.setup_s)}{not_passed}"
        yield Bar("setup", phase.start, begun, around, said, lane)
    if begun < done or not (phase.setup_s or phase.teardown_s):
        said = f"{name}, {units.seconds(phase.end - phase.start)}{not_passed}"
        yield Bar(phase.short, begun, done, GREY if phase.passed else RED, said, lane)
    if phase.teardown_s:
        said = f"{name}, teardown, {units.seconds(phase.teardown_s)}{not_passed}"
        yield Bar("teardown", done, phase.end, around, said, lane)


def phases_legend(found: Sequence[Phase]) -> tuple[tuple[str, str], ...]:
    """Return what the colours of the bars mean, if there are two."""
    parted = any(phase.passed and (phase.setup_s or phase.teardown_s) for phase in found)
    return (("test", GREY), ("its setup and teardown", BROWN)) if parted else ()


def within(found: Sequence[Phase], start: float, end: float) -> str:
    """Return the tests at work between two times, for a table.

    Args:
        found: all tests of the run.
        start: the first time, in seconds since the run's start.
        end: the second.
    """
    there = [phase.short for phase in found if phase.start < end and phase.end > start]
    if len(there) > 2:
        return f"{there[0]} to {there[-1]}"
    return " and ".join(there) or units.NOT_KNOWN


def spoken_tests(found: Sequence[Phase]) -> str:
    """Return the tests in words."""
    if not found:
        return ""
    if len(found) == 1 and found[0].tests == 1:
        return f"One test, {found[0].name}."
    total = sum(phase.tests for phase in found)
    longest = max(found, key=lambda phase: phase.end - phase.start)
    return (
        f"{total} tests, from {found[0].name} to {found[-1].name}; "
        f"longest {longest.short}, {units.seconds(longest.end - longest.start)}."
    )


def _drawn(run: Run) -> list[TestResult]:
    """The tests that have a length, and one whose end nobody saw, if its start is known."""
    return [test for test in run.tests if _parts(test) or (test.outcome == "unfinished" and test.started_s is not None)]


def _parts(test: TestResult) -> list[float]:
    return [part for part in (test.setup_s, test.call_s, test.teardown_s) if part is not None]


def _length(test: TestResult) -> float:
    return sum(_parts(test))


def _shared(names: Sequence[str]) -> str:
    """What all begin with: what the first and the last in order do."""
    first, last = min(names), max(names)
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(character for character, _ in same)


def _merged(placed: Sequence[Phase], thin: float) -> Iterable[Phase]:
    for is_thin, group in itertools.groupby(placed, lambda phase: phase.passed and phase.end - phase.start < thin):
        members = list(group)
        while members:
            taken = 1
            while is_thin and taken < len(members) and members[taken].end - members[0].start < 2 * thin:
                taken += 1
            yield _one(members[:taken])
            members = members[taken:]


def _one(members: Sequence[Phase]) -> Phase:
    first, last = members[0], members[-1]
    if len(members) == 1:
        return first
    name, short = f"{len(members)} tests, {first.name} to {last.name}", f"{first.short} to {last.short}"
    return Phase(name, short, first.start, max(one.end for one in members), True, len(members))
