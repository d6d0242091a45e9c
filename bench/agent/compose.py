"""Puts together the result of a run that has ended: figures, outcome, warnings."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from .cgroup.reading import Group, Reading
from .clocks import read_own_peak_bytes
from .follow import TestLog
from .follow.result import Told, early_end, read_told
from .log import BoundedLog
from .measure import Taken, measure
from .outcome import End, decide
from .process_tree import Process
from .reap import Reaper, Usage
from .run_delay import RunDelay
from .sampler import Sampler
from .spec import Spec

Warnings = list[dict[str, Any]]


class Ended(NamedTuple):
    """Everything that is known at the end. ``own`` is what the supervisor used during the run; ``frozen_s``, how long
    it had been stopped; ``sent_inside``, the signal that a process of the run sent it.
    """

    spec: Spec
    group: Group
    reaper: Reaper
    log: BoundedLog
    tests: TestLog
    sampler: Sampler
    before: Reading
    after: Reading
    started_at: str
    wall_s: float
    own: Usage
    log_cut_bytes: int
    stopped_for: str | None
    cannot_start: str | None
    left: list[Process]
    remaining: list[Process]
    clock_findings: list[tuple[str, str, float]]
    gpu: dict[str, Any]
    frozen_s: float = 0.0
    sent_inside: str | None = None
    run_delay: RunDelay | None = None


def warning(code: str, message: str, value: float | None = None, unit: str | None = None) -> dict[str, Any]:
    """A warning as data."""
    return {"code": code, "message": message, "value": value, "unit": unit}


def compose(ended: Ended, earlier: Warnings) -> dict[str, Any]:
    """The result as a JSON object. ``earlier`` are warnings from the run itself."""
    group = ended.group
    inside = group.version is not None and not group.joins()
    measured = measure(
        Taken(
            ended.before,
            ended.after,
            ended.sampler.maxima,
            ended.reaper.total,
            group.reasons,
            group.version,
            group.peak_is_fresh,
            ended.own if inside else Usage(),
            inside,
            group.sources,
            ended.run_delay,
        )
    )
    kills = measured.figures["memory"]["oom_kills"]
    told = read_told(ended.tests, ended.spec.env)
    end = _end(ended, told, measured.figures["memory"], measured.unavailable.get("memory.oom_kills", ""))
    outcome, signature = decide(end)
    warnings = earlier + _warnings(ended) + told.warnings + ended.tests.warnings + measured.warnings
    if kills and outcome != "oom_killed":
        warnings.append(warning("oom_kill", f"{kills} process(es) of the group were killed for memory", kills))
    unavailable = {**measured.unavailable, **told.unavailable}
    if ended.cannot_start is not None:
        unavailable |= dict.fromkeys(("wall_s", "exit_code"), "the command did not start")
    own_cpu_s = ended.own.user_s + ended.own.system_s
    return {
        "state": "ended",
        "outcome": outcome,
        "exit_code": end.exit_code,
        "signal": end.signal,
        "started_at": ended.started_at,
        "wall_s": ended.wall_s if ended.cannot_start is None else None,
        "effective_timeout_s": ended.spec.timeout_s,
        "cgroup_version": group.version,
        "cgroup": group.describe(),
        **measured.figures,
        **told.fields,
        "signature": signature,
        "warnings": warnings,
        "unavailable": unavailable,
        "sources": measured.sources,
        "rusage": ended.reaper.total._asdict(),
        "supervisor": {
            "cpu_s": own_cpu_s,
            "max_rss_bytes": read_own_peak_bytes(),
            "inside_group": inside,
            "run_delay_of_cpu_s": None if ended.run_delay is None else ended.run_delay.seen_cpu_s,
        },
        "samples": ended.sampler.maxima._asdict(),
        "log_bytes": ended.log.total_bytes,
        "log_cut_bytes": ended.log_cut_bytes,
        "gpu": ended.gpu,
    }


def _end(ended: Ended, told: Told, memory: dict[str, Any], no_counter: str) -> End:
    tests = ended.tests
    session = told.fields["session"] or {}
    code = None if ended.reaper.status is None else os.waitstatus_to_exitcode(ended.reaper.status)
    return End(
        exit_code=code if code is not None and code >= 0 else None,
        signal=-code if code is not None and code < 0 else None,
        timeout_s=ended.spec.timeout_s,
        stopped_for=ended.stopped_for,
        cannot_start=ended.cannot_start,
        oom_kills=memory["oom_kills"],
        no_oom_counter=no_counter,
        memory_limit_bytes=memory["limit_bytes"],
        plugin_wanted=ended.spec.plugin,
        plugin_loaded=tests.loaded,
        session_finished=tests.finished,
        early=early_end(tests),
        collected=session.get("collected"),
        not_run=session.get("not_run"),
        only=tests.session.only,
        running=tests.running,
        failure=tests.first_failure,
        failures=tests.failures,
        mute=None if tests.mute is None else tests.mute or ended.log.error or ended.sampler.error,
        test_outcomes=tests.outcomes,
        last_line=ended.log.last_line(),
        frozen_s=ended.frozen_s,
        sent_inside=ended.sent_inside,
        expect_exit=ended.spec.expect_exit,
    )


def _warnings(ended: Ended) -> Warnings:
    found = []
    if ended.left:
        names = ", ".join(sorted({process.name for process in ended.left})[:5])
        count = len(ended.left)
        message = f"{count} process(es) outlived the command and were killed: {names}"
        found.append(warning("leftover_processes", message, count))
    if ended.remaining:
        count = len(ended.remaining)
        found.append(warning("unkillable_processes", f"{count} process(es) could not be killed", count))
    cut = ended.log_cut_bytes
    if cut and not ended.log.error:
        found.append(warning("log_cut", f"{cut} bytes of output were cut from the middle of the log", cut, "bytes"))
    if ended.log.error:
        message = f"the log could not be written as the output came, {cut} bytes are missing: {ended.log.error}"
        found.append(warning("log_not_written", message, cut, "bytes"))
    found.extend(_tampered(ended))
    if ended.sampler.error:
        found.append(warning("samples_not_written", f"samples.csv lacks lines: {ended.sampler.error}"))
    before, after = ended.before.pids_limit_hits, ended.after.pids_limit_hits
    if before is not None and after is not None and after > before:
        refused = after - before
        message = f"{refused} new process(es) or thread(s) were refused: the limit was reached"
        found.append(warning("pids_limit", message, refused))
    found.extend(warning(code, message, value, "s") for code, message, value in ended.clock_findings)
    silent = not ended.tests.loaded and not ended.tests.passed_over_bytes  # else nobody knows
    if ended.spec.plugin and ended.cannot_start is None and silent:
        message = "the pytest plugin reported nothing: tests, metrics and pytest's own time are missing"
        found.append(warning("plugin_silent", message))
    return found


def _tampered(ended: Ended) -> Warnings:
    """What was done to the evidence, to the supervisor and to the run's time."""
    found = []
    for name, changed in (("pytest.log", ended.log.changed), ("samples.csv", ended.sampler.changed)):
        if changed:
            message = f"{name} {changed} during the run, by the tests or by somebody else; it holds what was kept"
            found.append(warning("evidence_changed", message))
    report = _missing_report(ended)
    if report is not None:
        message = f"pytest ended, and its report {report} is not there: removed or replaced"
        found.append(warning("evidence_changed", message))
    if ended.frozen_s:
        message = f"the run was stopped for {ended.frozen_s:.1f} s from outside: its time is not that of its work"
        found.append(warning("frozen", message, ended.frozen_s, "s"))
    if ended.sent_inside:
        message = f"a process of the run sent {ended.sent_inside} to the supervisor, which did not follow it"
        found.append(warning("signal_from_inside", message))
    return found


def _missing_report(ended: Ended) -> str | None:
    """The name of the JUnit report that pytest was to write, where it said that it had finished and none is there."""
    for word in ended.spec.argv:
        option, _, path = word.partition("=")
        if option in ("--junitxml", "--junit-xml") and ended.tests.pytest_s is not None and not os.path.isfile(path):
            return os.path.basename(path)
    return None
