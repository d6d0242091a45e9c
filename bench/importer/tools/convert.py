"""The record that another tool's benchmark adds up to (pure). What the tool does not write is null with its reason."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from bench.compare.reasons import TOOL
from bench.importer.convert import ENGINE, Given
from bench.importer.stamp import Stamp
from bench.importer.tools.model import TIME, Series, ToolBenchmark, ToolFile, ToolRun
from bench.importer.tools.naming import name_of_benchmark
from bench.names import make_stamp, record_id
from bench.record.host_id import host_id
from bench.record.schema import (
    Cpu,
    Diagnostic,
    Engine,
    Environment,
    Host,
    Io,
    Memory,
    Metric,
    Outcome,
    Record,
    Run,
    Source,
    Verdict,
    Warning_,
)
from bench.record.unavailable import with_reasons

DIGEST = "digest"
"""Key of ``tool`` that tells one measurement from any other."""
_WORST: Sequence[Outcome] = ("failed", "timed_out", "oom_killed", "interrupted", "not_measured")
_PARTS = (
    *("cpu", "memory", "faults", "context_switches", "io", "pids_peak", "effective_timeout_s"),
    *("pytest_s", "session", "threads_used"),
)
_NO_ZONE = "the file gives a time without its zone; it is read as UTC"
_NO_TIME = "the file does not say when it ran; the stamp is the file's modification time"


def stamp_of(benchmark: ToolBenchmark, tool: str, modified: float, given: str | None) -> Stamp:
    """Return when a benchmark ran: as given, else by its file, else by when the file was last written.

    Args:
        benchmark: what was measured.
        tool: who measured it.
        modified: the file's modification time, in seconds since 1970.
        given: the stamp that the command line gives.
    """
    if given is not None:
        return Stamp(given, "the command line")
    if benchmark.made is not None and benchmark.made.year > 1970:
        reason = None if benchmark.made.tzinfo is not None else _NO_ZONE
        return Stamp(make_stamp(benchmark.made), f"{tool}'s file", reason)
    last = min(max(modified, 0.0), 253_402_300_799.0)
    return Stamp(make_stamp(datetime.fromtimestamp(last, UTC)), "the file's modification time", _NO_TIME)


def digest_of(benchmark: ToolBenchmark, tool: str) -> str:
    """Return SHA-256 of what was measured: the same in a file that has grown since."""
    return hashlib.sha256(msgspec.json.encode((tool, benchmark), order="sorted")).hexdigest()


def record_of(benchmark: ToolBenchmark, file: ToolFile, stamp: Stamp, given: Given) -> Record:
    """Return the record of one benchmark; its verdict is still to be given.

    Args:
        benchmark: what was measured.
        file: the file that it stands in.
        stamp: when it ran, and how that is known.
        given: what the command line gives beside the file.
    """
    name = given.name or name_of_benchmark(benchmark.name)
    host = host_id(benchmark.host.class_)
    said = f"{file.tool} {file.version}" if file.version else file.tool
    runs = tuple(_run(at, run, file.tool, benchmark.timed) for at, run in enumerate(benchmark.runs))
    record = Record(
        id=record_id(host, name, stamp.text),
        stamp=stamp.text,
        outcome=_outcome(runs),
        diagnostic=Diagnostic(
            name=name,
            node=benchmark.name,
            device=None,
            profile=None,
            ceiling_s=given.ceiling_s,
            timeout_s=None,
            source=Source("imported", benchmark.commit, benchmark.dirty),
            params={TOOL: file.tool, **benchmark.params},
        ),
        environment=Environment(
            python=benchmark.python,
            torch=None,
            lock_sha256=None,
            fingerprint=None,
            packages=dict(benchmark.packages),
            note=f"measured by {said}; the environment is what its file says",
        ),
        engine=Engine(ENGINE, None, None),
        host=Host(host, benchmark.host.class_, before=benchmark.host.state),
        runs=runs,
        verdict=Verdict("ok"),
        tool={"imported_from": said, "stamp_from": stamp.source, DIGEST: digest_of(benchmark, file.tool)},
        environ=dict(benchmark.environ),
    )
    return with_reasons(msgspec.structs.replace(record, unavailable=_reasons(benchmark, file.tool, stamp)))


def _run(index: int, run: ToolRun, tool: str, timed: str) -> Run:
    wall = wall_of(run)
    known = [value for value in (run.user_s, run.system_s) if value is not None]
    total = run.cpu_s if run.cpu_s is not None else sum(known) if len(known) == 2 else None
    started = run.started.astimezone(UTC).isoformat() if run.started is not None and run.started.tzinfo else None
    return Run(
        index=index,
        outcome=run.outcome,
        exit_code=run.exit_code,
        signal=run.signal,
        started_at=started,
        wall_s=wall,
        cpu=Cpu(user_s=run.user_s, system_s=run.system_s, total_s=total),
        memory=Memory(peak_bytes=run.peak_bytes, max_rss_bytes=run.max_rss_bytes),
        io=Io(run.read_bytes, run.write_bytes),
        metrics={name: _metric(figure) for name, figure in run.metrics.items()},
        facts=dict(run.facts),
        warnings=(Warning_("outcome_inferred", run.inferred),) if run.inferred is not None else (),
        signature=run.signature,
        sources={"wall_s": f"{tool}: {timed}"} if wall is not None else {},
    )


def wall_of(run: ToolRun) -> float | None:
    """Return a run's time in seconds: that of its metric of time; 0 is none."""
    time = run.metrics.get(TIME)
    return time.value or None if time is not None and time.unit == "s" and "wall_s" not in run.missing else None


def _metric(figure: Series) -> Metric:
    return Metric(figure.value, figure.unit, figure.better, figure.values or msgspec.UNSET)


def _outcome(runs: Sequence[Run]) -> Outcome:
    ended = {run.outcome for run in runs}
    return next((outcome for outcome in _WORST if outcome in ended), "passed")


def _reasons(benchmark: ToolBenchmark, tool: str, stamp: Stamp) -> dict[str, str]:
    absent = f"{tool}'s file does not have it"
    reasons = {
        "image": "it ran in no image",
        "environment": absent,
        "environment.torch": absent,
        "engine": f"measured by {tool}, without an engine",
        "host": absent,
        "calibration": "other tools make none",
        "diagnostic.device": absent,
        "diagnostic.profile": "other tools know no profiles",
        "diagnostic.timeout_s": absent,
        "diagnostic.source": absent,
        "runs_asked": absent,
    }
    for at, run in enumerate(benchmark.runs):
        reasons |= {f"runs[{at}].{part}": absent for part in _PARTS}
        null = {"wall_s": wall_of(run), "started_at": run.started}
        reasons |= {f"runs[{at}].{path}": absent for path, value in null.items() if value is None}
        reasons |= {f"runs[{at}].{path}": why for path, why in run.missing.items()}
        for name, figure in run.metrics.items():
            if figure.why is not None:
                reasons[f"runs[{at}].metrics.{name}.value"] = figure.why
    return reasons | ({"stamp": stamp.reason} if stamp.reason else {})
