"""JUnit XML for CI dashboards: a suite per host, a case per diagnostic (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from bench import units
from bench.report.entry import Entry, newest_per_key
from bench.report.presentation import change_interval, change_text, reasons, stamp_text
from bench.report.status import State
from bench.report.text import plain

FAILURES = ("over_ceiling", "code_regressed", "failed")
ERRORS = ("timed_out", "oom_killed", "interrupted")
SKIPPED = ("not_measured",)
"""A dashboard knows four colours. What was not measured is skipped: neither passed nor failed. Verdicts that say only
that a comparison could not be made are passed cases whose output says so."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: ``state`` decides what it is, ``lines`` give the reason, ``figures`` become its properties."""

    suite: str
    name: str
    state: State
    lines: tuple[str, ...] = ()
    wall_s: float | None = None
    stamp: str = ""
    figures: tuple[tuple[str, object], ...] = ()


def render_junit(entries: Sequence[Entry]) -> str:
    """Return the newest result of each diagnostic on each host, a suite for each host.

    A case's ``time`` is its median wall time in seconds; figures are in its properties.
    """
    return render_cases([_case_of(entry) for entry in newest_per_key(entries)])


def render_cases(cases: Sequence[Case]) -> str:
    """Return cases as ``testsuites`` / ``testsuite`` / ``testcase``, suites in order of their names."""
    root = ET.Element("testsuites", name="bench")
    suites: dict[str, list[Case]] = {}
    for case in cases:
        suites.setdefault(case.suite, []).append(case)
    for name in sorted(suites):
        root.append(_suite(name, suites[name]))
    _total(root, list(root))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(name: str, cases: Sequence[Case]) -> ET.Element:
    suite = ET.Element("testsuite", name=plain(name), hostname=plain(name))
    newest = max(case.stamp for case in cases)
    if newest:
        suite.set("timestamp", stamp_text(newest, "%Y-%m-%dT%H:%M:%S"))
    counts = {"tests": len(cases), "failures": 0, "errors": 0, "skipped": 0}
    for case in cases:
        element, kind = _element(case)
        if kind is not None:
            counts[kind] += 1
        suite.append(element)
    for key, number in counts.items():
        suite.set(key, str(number))
    suite.set("time", f"{sum(case.wall_s or 0.0 for case in cases):.6f}")
    return suite


def _element(case: Case) -> tuple[ET.Element, str | None]:
    state = case.state
    element = ET.Element("testcase", classname=f"bench.{plain(case.suite)}", name=plain(case.name))
    if case.wall_s is not None:
        element.set("time", f"{case.wall_s:.6f}")
    properties = ET.SubElement(element, "properties")
    for name, value in case.figures:
        shown = plain(value) if value is not None else units.NOT_KNOWN
        ET.SubElement(properties, "property", name=name, value=shown)
    lines = [plain(line) for line in dict.fromkeys(case.lines)]
    text = "\n".join(lines) or state.meaning
    for codes, tag, kind in (
        (FAILURES, "failure", "failures"),
        (ERRORS, "error", "errors"),
        (SKIPPED, "skipped", "skipped"),
    ):
        if state.code in codes:
            child = ET.SubElement(element, tag, message=f"{state.label}: {lines[0] if lines else state.meaning}")
            if tag != "skipped":
                child.set("type", state.code)
                child.text = text
            return element, kind
    ET.SubElement(element, "system-out").text = f"{state.label}\n{text}"
    return element, None


def _case_of(entry: Entry) -> Case:
    record = entry.record
    return Case(
        suite=record.host.id,
        name=entry.group,
        state=entry.state,
        lines=tuple(reasons(entry)),
        wall_s=entry.wall_s,
        stamp=record.stamp,
        figures=_figures(entry),
    )


def _figures(entry: Entry) -> tuple[tuple[str, object], ...]:
    record = entry.record
    diagnostic = record.diagnostic
    return tuple(
        {
            "result": record.id,
            "verdict": record.verdict.status,
            "against_baseline": entry.comparison.status if entry.comparison is not None and not entry.base else None,
            "outcome": record.outcome,
            "runs": len(record.measured_runs),
            "median_wall_s": entry.wall_s,
            "ceiling_s": diagnostic.ceiling_s,
            "timeout_s": diagnostic.timeout_s,
            "ceiling_margin_s": record.verdict.ceiling_margin_s,
            "origin": entry.origin or None,
            **_experiment(entry),
        }.items()
    )


def _experiment(entry: Entry) -> dict[str, object]:
    """Of an experiment also its base, and what its pairs show."""
    trial = entry.comparison.experiment if entry.comparison is not None else None
    if entry.base is None or entry.comparison is None or trial is None:
        return {}
    return {
        "base": entry.base.record.id,
        "experiment": entry.comparison.status,
        "metric": trial.metric,
        "change": change_text(entry.comparison),
        "interval": change_interval(entry.comparison),
        "pairs": trial.compared,
    }


def _total(root: ET.Element, suites: Sequence[ET.Element]) -> None:
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in suites):.6f}")
