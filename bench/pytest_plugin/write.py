"""Tests as bundles: one result each, of one run, with a reason for all that only a control group could tell."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from bench import __version__
from bench.agent.plugin.bench_pytest_plugin.properties import Properties
from bench.agent.plugin.bench_pytest_plugin.reports import node_id
from bench.catalog.model import name_of
from bench.catalog.project import read_catalog
from bench.engine.local.environment import default_cache
from bench.engine.present.existing import Found, environment_of, read_content
from bench.engine.protocol import Ending
from bench.errors import BenchError
from bench.host.identity import prefixed, read_class
from bench.host.outer import read_outer
from bench.host.state import parse_state
from bench.host.system_texts import read_disk_usage, read_system_load
from bench.names import is_diagnostic_name, make_stamp, record_id
from bench.pytest_plugin.counters import used
from bench.pytest_plugin.guarded import Guard
from bench.record.host_id import host_id
from bench.record.redact import allowed_environ
from bench.record.schema import (
    ContextSwitches,
    Cpu,
    Diagnostic,
    Engine,
    Environment,
    Faults,
    Host,
    HostClass,
    Io,
    Memory,
    Metric,
    Outcome,
    Outer,
    Record,
    Run,
    Source,
    TestResult,
    Verdict,
    Warning_,
)
from bench.record.storage.bundle import write_bundle
from bench.run.host_snapshot import HostSnapshot, existing
from bench.run.result.files import LOG, collect
from bench.run.result.reading import OneRun, Reading
from bench.run.result.record_of import with_verdict
from bench.run.source.git import read_changed, read_commit
from bench.run.source.own import Own

if TYPE_CHECKING:
    from bench.pytest_plugin.recorder import Test

ENGINE = "pytest"
"""Engine of what was measured in pytest's own process: nothing else ran it."""
FACTS = {"place": "in the process of pytest, beside the tests of its session", "isolated": False}
NO_GROUP = "the test ran in pytest's own process, without a control group"
_PREFIX = "bench-pytest-"
_PASSES = frozenset({"passed", "xfailed", "xpassed"})
_REASONS = {
    "environment.lock_sha256": "no lock of ours made the environment",
    "calibration": "the plugin makes no calibration",
    "engine.cgroup_version": NO_GROUP,
    **dict.fromkeys(
        (f"engine.outer.{name}" for name in ("cpus", "memory_bytes", "pids")),
        "limits of the control group that pytest ran in were not read",
    ),
    "diagnostic.device": "a test does not tell which device it uses",
    "diagnostic.profile": "a test has no profiles",
    "diagnostic.timeout_s": "the plugin sets no deadline",
    "diagnostic.source.sha256": "the files were not read: the commit names them",
    "diagnostic.source": "the tests are in no git checkout, or git could not say",
    "runs[0].exit_code": "a test has no exit code: pytest went on",
    "runs[0].signal": "a test is no process: no signal ended it alone",
    "runs[0].effective_timeout_s": "the plugin sets no deadline",
    "runs[0].pytest_s": "it is the time of a session, and the run is one test of it",
    "runs[0].session": "the run is one test of a session",
    "runs[0].threads_used": "libraries are asked at the end of a session, of all its tests together",
    **dict.fromkeys((f"runs[0].{part}" for part in ("cpu", "memory", "io", "pids_peak")), NO_GROUP),
}


@dataclass(frozen=True, slots=True)
class Around:
    """What all tests of a session share."""

    host: HostClass
    environment: Environment
    source: Source
    outer: Outer
    missing: Mapping[str, str]
    looks: HostSnapshot
    command: str


def write_all(tests: Sequence[Test], results: Path, root: Path, command: str, guard: Guard) -> list[Path]:
    """Write a bundle of each test; return where they lie.

    Args:
        tests: what was seen, in order.
        results: the folder that takes the bundles.
        root: pytest's root folder.
        command: the session's command line.
        guard: takes the fault of a test whose own words cannot be kept; its figures are, and the others' results.

    Raises:
        NotMeasured: the disk is full or failed; what was written by then stays.
        UsageError: the folder cannot be written.
    """
    if not tests:
        return []
    around = _look_around(results, root, command)
    names = _names([test.node for test in tests])
    named = _catalog(root)
    paths = []
    for test in tests:
        diagnostic = named.get(test.node) or Diagnostic(
            names[test.node], test.node, None, None, None, None, around.source
        )
        diagnostic = msgspec.structs.replace(diagnostic, source=around.source)
        try:
            path = _write(test, diagnostic, around, results)
        except BenchError:  # the disk, which takes no other result either
            raise
        except Exception as fault:
            guard.faults[type(fault).__name__] = None
            path = _write(_without_words(test), diagnostic, around, results)
        paths.append(path)
    return paths


def _without_words(test: Test) -> Test:
    """What was measured of a test, without what it said of itself."""
    return replace(test, properties=[], log="", message=None, marker_timeout_s=None)


def _look_around(results: Path, root: Path, command: str) -> Around:
    host, missing = read_class()
    python = Found(Path(sys.executable), sys.version_info[:3], sys.version, Path(sys.prefix), tuple(map(str, sys.path)))
    try:
        content = read_content(python, default_cache().parent / "existing", lambda _: None)
        environment = environment_of(python, content)
    except BenchError as error:
        environment = Environment(sys.version, None, None, None, note=f"its packages are not known: {error}")
    changed = read_changed(root)
    own = Own(root.resolve(), results)
    dirty = None if changed is None else any(not own.is_result(name) and not _is_cache(name) for name in changed)
    looks = HostSnapshot(*parse_state({}), {}, {}, read_system_load(), read_disk_usage(existing(results)))
    return Around(
        host=host,
        environment=environment,
        source=Source("project", read_commit(root), dirty),
        outer=read_outer(None, {}, host.memory_bytes),
        missing=missing,
        looks=looks,
        command=command,
    )


def _is_cache(name: str) -> bool:
    """Whether a file is what Python and pytest leave wherever they run."""
    return not {"__pycache__", ".pytest_cache"}.isdisjoint(name.split("/"))


def _catalog(root: Path) -> dict[str, Diagnostic]:
    """What ``bench.toml`` names, by node, as far as a node has one name there."""
    try:
        known = read_catalog(root).diagnostics
    except BenchError:
        return {}
    times = Counter(one.node for one in known)
    source = Source("project")
    return {
        one.node: Diagnostic(one.name, one.node, one.device, None, one.ceiling_s, None, source)
        for one in known
        if one.node is not None and times[one.node] == 1
    }


def _names(nodes: Sequence[str]) -> dict[str, str]:
    """The name of each node, with a hash of all of it if another of the session is spelled alike."""
    names = {node: name_of(node, None) for node in nodes}
    times = Counter(names.values())
    unlike = {node: f"-{hashlib.sha256(node.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}" for node in names}
    named = {node: name + unlike[node] * (times[name] > 1) for node, name in names.items()}
    return {node: name if is_diagnostic_name(name) else f"test{unlike[node]}" for node, name in named.items()}


def _write(test: Test, diagnostic: Diagnostic, around: Around, results: Path) -> Path:
    run, missing = _run(test)
    before, before_missing = parse_state(test.texts[0])
    after, after_missing = parse_state(test.texts[1], test.texts[0].get("/proc/stat", ""))
    host, stamp = host_id(around.host), make_stamp(datetime.fromtimestamp(test.started_unix_s, UTC))
    record = Record(
        id=record_id(host, diagnostic.name, stamp),
        stamp=stamp,
        outcome=run.outcome,
        unavailable={
            **_reasons(diagnostic, around),
            **prefixed(around.missing, "host.class"),
            **prefixed(before_missing, "host.before"),
            **prefixed(after_missing, "host.after"),
            **prefixed(missing, "runs[0]"),
        },
        diagnostic=diagnostic,
        environment=around.environment,
        engine=Engine(ENGINE, pytest.__version__, None, outer=around.outer, facts=dict(FACTS)),
        host=Host(host, around.host, before, after),
        runs=(run,),
        runs_asked=1,
        verdict=Verdict("not_measured"),
        tool={"name": "bench", "version": __version__},
        environ=allowed_environ(os.environ),
    )
    record = with_verdict(record, 1)
    with _folder(existing(results)) as folder:
        out = Path(folder)
        (out / LOG).write_text(test.log, encoding="utf-8", errors="replace")
        one = OneRun(Reading(run, {}), out, Ending(None, commands=(around.command,)))
        return write_bundle(results, record, collect(record, [one], around.looks, None))


def _folder(otherwise: Path) -> tempfile.TemporaryDirectory[str]:
    """A temporary folder, beside the results if a test took the system's away."""
    try:
        return tempfile.TemporaryDirectory(prefix=_PREFIX)
    except OSError:
        return tempfile.TemporaryDirectory(prefix=_PREFIX, dir=otherwise)


def _reasons(diagnostic: Diagnostic, around: Around) -> dict[str, str]:
    """The reasons without those of values that there are."""
    there = {"diagnostic.device": diagnostic.device}
    there |= {f"engine.outer.{name}": getattr(around.outer, name) for name in ("cpus", "memory_bytes", "pids")}
    return {path: why for path, why in _REASONS.items() if there.get(path) is None}


def _run(test: Test) -> tuple[Run, dict[str, str]]:
    """The run, and why values of it are missing."""
    assert test.after is not None  # noqa: S101, it has ended
    figures = used(test.before, test.after, test.peak_bytes)
    told = Properties(node_id(test.node), test.properties, test.attempts > 1)
    outcome = _outcome(test)
    said = test.ended or (f"{node_id(test.node)}: {test.message or test.outcome}" if outcome == "failed" else None)
    run = Run(
        index=0,
        outcome=outcome,
        started_at=datetime.fromtimestamp(test.started_unix_s, UTC).isoformat(),
        wall_s=figures.wall_s,
        cpu=Cpu(user_s=figures.user_s, system_s=figures.system_s, total_s=figures.user_s + figures.system_s),
        memory=Memory(max_rss_bytes=figures.max_rss_bytes),
        faults=Faults(figures.minor, figures.major),
        context_switches=ContextSwitches(figures.voluntary, figures.involuntary),
        io=Io(figures.read_bytes, figures.write_bytes),
        tests=(
            TestResult(
                node=node_id(test.node),
                outcome=test.outcome or "unfinished",
                setup_s=test.spent_s.get("setup"),
                call_s=test.spent_s.get("call"),
                teardown_s=test.spent_s.get("teardown"),
                marker_timeout_s=test.marker_timeout_s,
                started_s=0.0,
                attempts=test.attempts or None,
                subtests=test.subtests or msgspec.UNSET,
            ),
        ),
        metrics={name: Metric(**value) for name, value in told.metrics.items()},
        facts=dict(told.facts),
        warnings=tuple(Warning_(code, message) for code, message in told.left_out),
        signature=None if said is None else " ".join(said.split())[:300],
        sources={
            "wall_s": "the monotonic clock around setup, call and teardown",
            "cpu": "getrusage of pytest's process and of the children that it waited for",
            "memory.max_rss_bytes": "VmHWM of /proc/self/status, reset before the test, and getrusage of children",
            "faults": "getrusage, as cpu",
            "context_switches": "getrusage, as cpu",
            "io": "/proc/self/io",
        },
    )
    missing = {f"metrics.{name}.value": why for name, why in told.missing.items()}
    return run, {**missing, **figures.missing}


def _outcome(test: Test) -> Outcome:
    if test.ended is not None:
        return "interrupted"
    return "passed" if test.outcome in _PASSES else "failed"
