"""What pytest's reports say: a phase's outcome, one line of why, pytest-benchmark's medians."""

from __future__ import annotations

from typing import Any

from .plain import LeftOut, number, text

MESSAGE_CHARACTERS = 2000
NODE_CHARACTERS = 1000
LOOKED_AT = 16 * MESSAGE_CHARACTERS
"""What is looked at of a message: an exception may hold hundreds of megabytes."""
PHASES = ("setup", "call", "teardown")
DECIDED = ("passed", "failed", "skipped")
"""pytest's own outcomes of a phase. Another one is a plugin's for an attempt that will be repeated."""
MAX_BENCHMARKS = 2000


def node_id(value: object) -> str:
    """A test's id as it is recorded: a long one is cut, and told from others by a hash."""
    try:
        whole = text(value, 64 * NODE_CHARACTERS)
    except LeftOut:
        return "?"
    if len(whole) <= NODE_CHARACTERS:
        return whole
    import hashlib  # for the few that are so long

    digest = hashlib.sha256(whole.encode()).hexdigest()[:12]
    return f"{whole[: NODE_CHARACTERS - 20]}…#{digest}"


def outcome_of(report: Any) -> str | None:
    """The test's outcome as far as this phase decides it, in pytest's words."""
    if hasattr(report, "wasxfail") and report.outcome != "failed":
        return "xfailed" if report.outcome == "skipped" else "xpassed"
    if report.outcome == "failed":
        return "error" if report.when in ("setup", "teardown") else "failed"
    if report.outcome == "skipped":
        return "skipped"
    return "passed" if report.when == "call" else None


def is_subtest(report: Any) -> bool:
    """Whether it is of a part of a test (pytest's ``subtests``, unittest's ``subTest``), whose own report follows."""
    return type(report).__name__.lower() == "subtestreport"


def message_of(report: Any) -> str:
    """One line that says why it failed."""
    try:
        return _message(report)
    except Exception:  # texts of the project's making
        return "failed; its message cannot be read"


def _message(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    found = text(getattr(crash, "message", None) or report.longreprtext, 4 * 1024 * 1024)
    # A failed import has no crash line: its last marked line names the error.
    lines = (found[:LOOKED_AT] if crash is not None else found[-LOOKED_AT:]).strip().splitlines()
    lines = [line for line in lines if line.strip()]
    if not lines:
        return "failed"
    if crash is not None:
        return lines[0][:MESSAGE_CHARACTERS]
    marked = [line for line in lines if line.startswith("E ")]  # pytest's mark; the place may follow, as of a fixture
    return (marked[-1][1:].strip() if marked else lines[-1])[:MESSAGE_CHARACTERS]


def seconds(value: object) -> float | None:
    """A duration in seconds; ``None`` where it is none."""
    try:
        found = number(value)
    except LeftOut:
        return None
    return found if 0 <= found < 1e10 else None


def benchmarks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each benchmark's median round, in seconds, by its name; by its full name where two have the same."""
    rows = (document.get("benchmarks") or [])[:MAX_BENCHMARKS]
    names = [node_id(row.get("name")) for row in rows]
    found = {}
    for name, row in zip(names, rows, strict=True):
        key = name if names.count(name) == 1 else node_id(row.get("fullname"))
        median = seconds((row.get("stats") or {}).get("median"))
        found[key] = {"value": median, "unit": "s", "better": "lower"}
    return found
