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
    """One test case; ``time_s`` is setup, call and teardown together, as pytest counts it."""

    classname: str
    name: str
    time_s: float | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Junit:
    """The figures of a report; ``started`` carries a time zone only where the report does."""

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
    suite = root if root.tag == "testsuite" else root.find("testsuite")
    if suite is None:
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

    cases = tuple(
        Case(
            case.get("classname", ""),
            case.get("name", ""),
            seconds(case, case.get("name", "a case")[:80]),
            _outcome(case),
        )
        for case in suite.iter("testcase")
    )
    counts = _counts(suite, file, problems)
    started = _moment(suite.get("timestamp"), file, problems)
    total = seconds(suite, "the suite")
    if "tests" in counts and counts["tests"] < len(cases):
        problems.append(Problem(file, f"says {counts['tests']} tests, but holds {len(cases)}", 1))
    bad = sum(case.outcome in ("failed", "error") for case in cases)
    if {"failures", "errors"} <= counts.keys() and bad != counts["failures"] + counts["errors"] and cases:
        problems.append(Problem(file, f"says {counts['failures'] + counts['errors']} failed, but shows {bad}", 1))
    return Junit(total, started, tuple(sorted(counts.items())), cases), problems


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
        return datetime.fromisoformat(given)
    except ValueError:
        problems.append(Problem(file, f"its timestamp is {given!r:.60}", 1))
        return None
