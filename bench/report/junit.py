"""JUnit XML for CI dashboards: a suite per host, a case per diagnostic (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from bench import units
from bench.report.entry import Entry, newest_per_key
from bench.report.text import plain

FAILURES = ("over_ceiling", "code_regressed", "failed")
ERRORS = ("timed_out", "oom_killed", "interrupted")
SKIPPED = ("not_measured",)
"""A dashboard knows four colours. What was not measured is skipped: neither passed nor failed. Verdicts that say only
that a comparison could not be made are passed cases whose output says so."""


def render_junit(entries: Sequence[Entry]) -> str:
    """The newest result of each diagnostic on each host, as ``testsuites`` / ``testsuite`` / ``testcase``.

    A case's ``time`` is its median wall time in seconds; figures are in its properties.
    """
    root = ET.Element("testsuites", name="bench")
    hosts: dict[str, list[Entry]] = {}
    for entry in newest_per_key(entries):
        hosts.setdefault(entry.record.host.id, []).append(entry)
    for host in sorted(hosts):
        root.append(_suite(host, hosts[host]))
    _total(root, list(root))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(host: str, entries: Sequence[Entry]) -> ET.Element:
    suite = ET.Element("testsuite", name=plain(host), hostname=plain(host))
    suite.set("timestamp", _iso(max(entry.record.stamp for entry in entries)))
    counts = {"tests": len(entries), "failures": 0, "errors": 0, "skipped": 0}
    for entry in entries:
        case, kind = _case(entry)
        if kind is not None:
            counts[kind] += 1
        suite.append(case)
    for name, number in counts.items():
        suite.set(name, str(number))
    suite.set("time", f"{sum(entry.wall_s or 0.0 for entry in entries):.6f}")
    return suite


def _case(entry: Entry) -> tuple[ET.Element, str | None]:
    record, state = entry.record, entry.state
    case = ET.Element("testcase", classname=f"bench.{plain(record.host.id)}", name=plain(entry.group))
    if entry.wall_s is not None:
        case.set("time", f"{entry.wall_s:.6f}")
    properties = ET.SubElement(case, "properties")
    for name, value in _figures(entry):
        ET.SubElement(properties, "property", name=name, value=value)
    signatures = [run.signature for run in record.runs if run.signature]
    lines = [plain(line) for line in dict.fromkeys([*entry.reasons, *signatures])]
    text = "\n".join(lines) or state.meaning
    for codes, element, kind in (
        (FAILURES, "failure", "failures"),
        (ERRORS, "error", "errors"),
        (SKIPPED, "skipped", "skipped"),
    ):
        if state.code in codes:
            child = ET.SubElement(case, element, message=f"{state.label}: {lines[0] if lines else state.meaning}")
            if element != "skipped":
                child.set("type", state.code)
                child.text = text
            return case, kind
    ET.SubElement(case, "system-out").text = f"{state.label}\n{text}"
    return case, None


def _figures(entry: Entry) -> list[tuple[str, str]]:
    record = entry.record
    diagnostic = record.diagnostic
    figures = {
        "result": record.id,
        "verdict": record.verdict.status,
        "against_baseline": entry.comparison.status if entry.comparison is not None else None,
        "outcome": record.outcome,
        "runs": len(record.runs),
        "median_wall_s": entry.wall_s,
        "ceiling_s": diagnostic.ceiling_s,
        "timeout_s": diagnostic.timeout_s,
        "ceiling_margin_s": record.verdict.ceiling_margin_s,
        "origin": entry.origin or None,
    }
    return [(name, plain(value) if value is not None else units.NOT_KNOWN) for name, value in figures.items()]


def _total(root: ET.Element, suites: Sequence[ET.Element]) -> None:
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in suites):.6f}")


def _iso(stamp: str) -> str:
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return plain(stamp)
