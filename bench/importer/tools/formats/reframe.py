"""ReFrame's report: each test a benchmark, each time it ran a run, its performance variables as metrics."""

from __future__ import annotations

from typing import Any

from bench.importer.tools.fields import Node, Unreadable, moment_of_ms, number_of, text_of
from bench.importer.tools.model import Content, Series, ToolBenchmark, ToolFile, ToolRun, series
from bench.record.schema import Outcome
from bench.record.storage.manifest import Problem

QUEUED = "ReFrame's own times hold the scheduler's queue and its polling; they are in the facts"
_OUTCOMES: dict[str, Outcome] = {
    "pass": "passed",
    "xpass": "passed",
    "fail": "failed",
    "xfail": "failed",
    "abort": "interrupted",
}
_TIMES = ("time_setup", "time_compile", "time_run", "time_sanity", "time_performance", "time_total")


def is_reframe(document: Any) -> bool:
    """Return whether a JSON document is a report of ReFrame's."""
    return isinstance(document, dict) and isinstance(document.get("session_info"), dict) and "runs" in document


def parse_reframe(content: Content) -> ToolFile:
    """Read a report. A reference of 0 without bounds is ReFrame's word for none."""
    document = Node(content.document)
    tests: dict[tuple[str, str], list[tuple[Node, ToolRun]]] = {}
    skipped: list[tuple[str, str]] = []
    problems: list[Problem] = []
    cases = (case for run in document["runs"].each() for case in (run.get("testcases") or run["testcases"]).each())
    for case in cases:
        try:
            name = text_of(case.get("display_name")) or case["name"].text()
            result = case["result"].text()
            if result == "skip":
                skipped.append((name, text_of(case.get("fail_reason")) or "skipped"))
                continue
            place = ":".join(text_of(case.get(key)) or "?" for key in ("system", "partition", "environ"))
            run = _run(case, result)
            tests.setdefault((name, place), []).append((case, run))
        except Unreadable as error:
            problems.append(error.problem(content.name))
    info = document["session_info"]
    begun = moment_of_ms(_ms(number_of(info.get("time_start_unix"))))
    found = []
    for (name, place), every in tests.items():
        first = every[0][0]
        made = moment_of_ms(_ms(number_of(first.get("job_submit_time")))) or begun
        found.append(
            ToolBenchmark(
                f"{name} @{place}",
                tuple(run for _, run in every),
                Node([_kept(case) for case, _ in every]).dumped(),
                params={"system": place},
                made=made,
                timed="nothing: ReFrame measures no time of the program itself",
            )
        )
    version = text_of(info.get("version"))
    return ToolFile("ReFrame", version, tuple(found), tuple(skipped), tuple(problems))


def _run(case: Node, result: str) -> ToolRun:
    if result not in _OUTCOMES:
        raise Unreadable(f"{case.path}.result: {result!r:.40} is no result of ReFrame's")
    metrics: dict[str, Series] = {}
    references: dict[str, Any] = {}
    values = case.get("perfvalues")
    for key, value in values.items() if values is not None else ():
        parts = list(value.each())
        if len(parts) < 5:
            raise Unreadable(f"{value.path}: value, reference, two bounds and unit are expected")
        name = key.rpartition(":")[2]
        metrics[name] = series([parts[0].number()], str(parts[4].value or ""))
        if parts[1].value not in (None, 0) or parts[2].value is not None or parts[3].value is not None:
            references[name] = {"reference": parts[1].value, "lower": parts[2].value, "upper": parts[3].value}
    times = {key: seconds for key in _TIMES if (seconds := number_of(case.get(key))) is not None}
    code = case.get("job_exitcode")
    outcome = _OUTCOMES[result]
    reason = text_of(case.get("fail_reason"))
    return ToolRun(
        metrics,
        outcome=outcome,
        exit_code=None if code is None else code.whole(),
        started=None,
        signature=(reason or f"ReFrame's result is {result}") if outcome != "passed" else None,
        facts={**times, **({"references": references} if references else {})},
        missing={"wall_s": QUEUED, "started_at": "a job waits in a queue after it was submitted"},
    )


def _kept(case: Node) -> dict[str, Any]:
    """What a case reports of the measurement; its paths and its machines are left out."""
    kept = ("display_name", "name", "result", "fail_phase", "fail_reason", "job_exitcode", "perfvalues", *_TIMES)
    return {key: case.value[key] for key in kept if key in case.value}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
