"""JUnit XML as pytest writes it (pure)."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import datetime

from bench.record.storage.manifest import Problem


@dataclass(frozen=True, slots=True)
class Case:
    """One test; ``time_s`` is setup, call and teardown together, as pytest counts it."""

    classname: str
    name: str
    time_s: float | None
    outcome: str
    file: str | None = None

    @property
    def node(self) -> str:
        """The test as pytest names it, as far as the report gives it away."""
        return node_of(self.classname, self.name, self.file)


@dataclass(frozen=True, slots=True)
class Junit:
    """The figures of a report; ``started`` carries a time zone only if the report does."""

    total_s: float | None = None
    started: datetime | None = None
    counts: tuple[tuple[str, int], ...] = ()
    cases: tuple[Case, ...] = ()


def parse_junit(text: str, file: str = "pytest.junit.xml") -> tuple[Junit, list[Problem]]:
    """Read a report. Document types and entities are refused, so no text can grow while it is read.

    Returns:
        The figures, and what is wrong: not XML (by line), no suite, counts that the cases contradict.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return Junit(), [Problem(file, "declares a document type, which no report of pytest does", 1)]
    try:
        # The declaration of an encoding speaks of bytes; this is text already.
        root = ET.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))  # noqa: S314 - no entities, see above
    except (ET.ParseError, ValueError) as error:
        line = getattr(error, "position", (None, 0))[0]
        return Junit(), [Problem(file, f"cut off or not XML: {error}", line)]
    suites = [root] if root.tag == "testsuite" else root.findall("testsuite")
    if not suites:
        return Junit(), [Problem(file, "holds no test suite", 1)]
    problems: list[Problem] = []

    def seconds(element: ET.Element, what: str) -> float | None:
        given = element.get("time")
        try:
            value = None if given is None else float(given)
        except ValueError:
            value = math.nan
        if value is not None and (not math.isfinite(value) or value < 0):
            problems.append(Problem(file, f"the time of {what} is {given!r:.40}", 1))
            return None
        return value

    found = [
        Case(
            case.get("classname", ""),
            case.get("name", ""),
            seconds(case, case.get("name", "a case")[:80]),
            _outcome(case),
            case.get("file"),
        )
        for suite in suites
        for case in suite.iter("testcase")
    ]
    cases = _merged(found)
    counts: dict[str, int] = {}
    for suite in suites:
        for name, count in _counts(suite, file, problems).items():
            counts[name] = counts.get(name, 0) + count
    started = [moment for suite in suites if (moment := _moment(suite.get("timestamp"), file, problems)) is not None]
    totals = [seconds(suite, "the suite") for suite in suites]
    known = [total for total in totals if total is not None]
    if "tests" in counts and counts["tests"] < len(cases):
        problems.append(Problem(file, f"says {counts['tests']} tests, but holds {len(cases)}", 1))
    bad = sum(case.outcome in ("failed", "error") for case in found)
    if {"failures", "errors"} <= counts.keys() and bad != counts["failures"] + counts["errors"] and cases:
        problems.append(Problem(file, f"says {counts['failures'] + counts['errors']} failed, but shows {bad}", 1))
    return Junit(sum(known) if known else None, _first(started), tuple(sorted(counts.items())), cases), problems


def node_of(classname: str, name: str, file: str | None = None) -> str:
    """Return pytest's name of a test: JUnit has ``tests.test_x.TestA`` for ``tests/test_x.py::TestA``.

    The module is what ``file`` names; without it the last part that begins or ends as pytest's files do. If there is
    none of these, the name stays as the report has it.

    Args:
        classname: the module and the classes, with dots between them.
        name: the test's own name, with its parameters.
        file: the module's file, if the report names it.
    """
    parts = classname.split(".")
    if file is not None and file.endswith(".py"):
        classes = parts[len(file.removesuffix(".py").replace("\\", "/").split("/")) :]
        return "::".join([file.replace("\\", "/"), *classes, name])
    modules = [at for at, part in enumerate(parts) if re.match(r"test_|.*_test$", part)]
    if not modules:
        return f"{classname}::{name}"
    at = modules[-1] if all(part[:1].isupper() for part in parts[modules[-1] + 1 :]) else modules[0]
    return "::".join([f"{'/'.join(parts[: at + 1])}.py", *parts[at + 1 :], name])


def _merged(found: list[Case]) -> tuple[Case, ...]:
    """One case a test: pytest has two for one that failed and had an error in its teardown too."""
    cases: dict[tuple[str, str], Case] = {}
    for case in found:
        twin = cases.get((case.classname, case.name))
        if twin is None:
            cases[case.classname, case.name] = case
            continue
        outcome = next((word for word in ("failed", "error") if word in (case.outcome, twin.outcome)), twin.outcome)
        times = [one.time_s for one in (twin, case) if one.time_s is not None]
        total = round(sum(times), 6) if times else None
        cases[case.classname, case.name] = Case(case.classname, case.name, total, outcome, case.file)
    return tuple(cases.values())


def _first(moments: list[datetime]) -> datetime | None:
    """The earliest; the first one of all if not every one has a time zone."""
    if all(moment.tzinfo is not None for moment in moments):
        return min(moments, default=None)
    return moments[0]


def _outcome(case: ET.Element) -> str:
    for tag, outcome in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
        if case.find(tag) is not None:
            return outcome
    return "passed"


def _counts(suite: ET.Element, file: str, problems: list[Problem]) -> dict[str, int]:
    counts = {}
    for name in ("tests", "failures", "errors", "skipped"):
        given = suite.get(name)
        if given is None:
            continue
        if re.fullmatch(r"\d{1,9}", given, re.ASCII):
            counts[name] = int(given)
        else:
            problems.append(Problem(file, f"{name} is {given!r:.40}", 1))
    return counts


def _moment(given: str | None, file: str, problems: list[Problem]) -> datetime | None:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or not 1970 <= moment.year < 9999:
        problems.append(Problem(file, f"its timestamp is {given!r:.60}", 1))
        return None
    return moment
