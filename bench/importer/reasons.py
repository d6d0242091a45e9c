"""Why values of an older folder's record are missing (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from bench.importer.files import Evidence
from bench.importer.stamp import Stamp
from bench.record.schema import Record

_NOT_KEPT = "not part of such evidence: GNU time reads no control group, and nobody kept it"


def missing(record: Record, reasons: Mapping[str, str]) -> dict[str, str]:
    """Return a mapping from path to reason for every null of a record's measured parts.

    Args:
        record: any record.
        reasons: reason by the beginning of a path; the longest that fits is taken, the empty one fits all.
    """
    document = msgspec.to_builtins(record)
    paths = [
        path
        for part in ("diagnostic", "environment", "engine", "host", "runs")
        for path in _nulls(document[part], part)
    ]
    # A number is null if there is nothing to count; these are no losses.
    wanted = [path for path in paths if not re.search(r"\.(signal|signature|marker_timeout_s|pids|cpus|cpuset)$", path)]
    found = {}
    for path in wanted:
        if path.endswith(".started_s"):
            found[path] = "no file of the evidence says it"
            continue
        fit = max((start for start in reasons if path.startswith(start)), key=len, default=None)
        if fit is not None:
            found[path] = reasons[fit]
    return found


def reasons_of(evidence: Evidence) -> dict[str, str]:
    """Return why a value of a folder's record is missing, by the beginning of its path."""
    names = {
        "artifacts/time.txt": (
            "time.txt",
            (
                "wall_s",
                "cpu.user_s",
                "cpu.system_s",
                "cpu.total_s",
                "memory.max_rss_bytes",
                "faults",
                "context_switches",
                "io.read_bytes",
                "io.write_bytes",
            ),
        ),
        "logs/pytest.log": ("pytest.log", ("effective_timeout_s", "pytest_s", "tests")),
        "artifacts/pytest.junit.xml": ("JUnit report", ("started_at",)),
        "artifacts/exit_code.txt": ("exit_code.txt", ("exit_code",)),
    }
    reasons = {
        "runs": _NOT_KEPT,
        "host": "no file of the evidence says it",
        "engine": "run by hand, without an engine of this tool",
        "diagnostic": "no file of the evidence says it",
        "diagnostic.ceiling_s": "the evidence names no ceiling",
        "diagnostic.profile": "older evidence knows no profiles",
        "environment": "no file of the evidence says it",
    }
    for place, (name, paths) in names.items():
        said = (
            f"{name} is missing" if place not in evidence.texts else f"{name} holds no such figure that can be trusted"
        )
        reasons |= {f"runs[0].{path}": said for path in paths}
    return reasons


def fixed(stamp: Stamp) -> dict[str, str]:
    """Return why what no older evidence has is missing, and why the stamp is a guess if it is one."""
    nothing = {"image": "run in no image", "calibration": "older evidence has none"}
    return nothing | ({"stamp": stamp.reason} if stamp.reason else {})


def _nulls(value: Any, path: str) -> list[str]:
    if value is None:
        return [path]
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in _nulls(inner, f"{path}.{key}")]
    if isinstance(value, (list, tuple)):
        return [found for at, inner in enumerate(value) for found in _nulls(inner, f"{path}[{at}]")]
    return []
