"""What a run left in its ``out`` folder, to a ``Run`` of the record: also where the supervisor was killed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import msgspec

from bench.engine.protocol import KILLED, Ending
from bench.errors import DamagedData
from bench.record.samples import Sampled, read_samples
from bench.record.schema import (
    ContextSwitches,
    Cpu,
    Faults,
    Io,
    Memory,
    Metric,
    Outcome,
    Run,
    Session,
    TestResult,
    ThreadsUsed,
    Warning_,
)

MAX_RESULT_BYTES = 64 * 1024**2
"""More than any honest result; a container's word is not taken without a bound."""

OVERHEAD = "engine_overhead_s"
_PARTS = {"cpu": Cpu, "memory": Memory, "faults": Faults, "context_switches": ContextSwitches, "io": Io}
_MEASURED = (
    "wall_s",
    "pytest_s",
    "session",
    "pids_peak",
    *(f"{part}.{name}" for part, struct in _PARTS.items() for name in struct.__struct_fields__),
)

_KNOWN_AT_THE_END = ("exit_code", "signal", "started_at", "effective_timeout_s")


class _Result(msgspec.Struct):
    """``result.json`` as the supervisor writes it."""

    state: str
    outcome: Outcome = "not_measured"
    exit_code: int | None = None
    signal: int | None = None
    started_at: str | None = None
    wall_s: float | None = None
    effective_timeout_s: float | None = None
    cgroup_version: int | None = None
    cpu: Cpu = Cpu()
    memory: Memory = Memory()
    faults: Faults = Faults()
    context_switches: ContextSwitches = ContextSwitches()
    io: Io = Io()
    pids_peak: int | None = None
    tests: tuple[TestResult, ...] = ()
    metrics: dict[str, Metric] = {}
    facts: dict[str, Any] = {}
    gpu: dict[str, Any] = {}
    warnings: tuple[Warning_, ...] = ()
    unavailable: dict[str, str] = {}
    pytest_s: float | None = None
    session: Session | None = None
    threads_used: ThreadsUsed = ThreadsUsed()
    signature: str | None = None
    sources: dict[str, str] = {}
    cgroup: dict[str, Any] = {}
    supervisor: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Reading:
    """A run, why values of it are missing (paths relative to the run), and the cgroup version that was read."""

    run: Run
    unavailable: dict[str, str]
    cgroup_version: int | None = None


def read_run(out: Path, index: int, ending: Ending) -> Reading:
    """The run that left ``out`` behind.

    Args:
        out: the folder that the engine brought back; may be empty.
        index: the run's number, from 0.
        ending: how the container ended.

    Raises:
        DamagedData: ``result.json`` is not what a supervisor writes.
    """
    reading = _read(out, index, ending)
    if ending.no_overhead is None:
        return reading
    run = msgspec.structs.replace(reading.run, facts={**reading.run.facts, OVERHEAD: None})
    return Reading(run, {**reading.unavailable, f"facts.{OVERHEAD}": ending.no_overhead}, reading.cgroup_version)


def _read(out: Path, index: int, ending: Ending) -> Reading:
    path = out / "result.json"
    if not path.is_file():
        return _without_result(None, out, index, ending)
    if path.stat().st_size > MAX_RESULT_BYTES:
        raise DamagedData("result.json of the run is larger than any result", f"{path.stat().st_size} bytes")
    try:
        result = msgspec.json.decode(path.read_bytes(), type=_Result)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DamagedData("result.json of the run does not fit", str(error)) from None
    if result.state != "ended":
        return _without_result(result, out, index, ending)
    run = _with_ending(_blamed(_run(result, index), ending), ending)
    return Reading(run, dict(result.unavailable), result.cgroup_version)


def read_left(out: Path, index: int, ending: Ending) -> Reading:
    """The run that a killed command left: like :func:`read_run`, and a damaged ``result.json`` costs only itself."""
    try:
        return read_run(out, index, ending)
    except DamagedData as error:
        return _without_result(None, out, index, replace(ending, error=f"{ending.error}, and {error}"))


def _run(result: _Result, index: int) -> Run:
    fields = {
        name: getattr(result, name) for name in Run.__struct_fields__ if name != "index" and hasattr(result, name)
    }
    return Run(index=index, **fields)


def _blamed(run: Run, ending: Ending) -> Run:
    """The run with what really ended it, where the supervisor only knows that it was told to stop.

    An engine that shut down measured nothing; a command that was killed was interrupted. Neither was the user's Ctrl-C.
    """
    if run.outcome != "interrupted" or ending.error is None or _by_the_user(ending):
        return run
    signature = f"{ending.error}; {run.signature}" if run.signature else ending.error
    outcome: Outcome = "interrupted" if ending.killed else "not_measured"
    return msgspec.structs.replace(run, outcome=outcome, signature=signature)


def _by_the_user(ending: Ending) -> bool:
    return ending.interrupted and not ending.killed


def _with_ending(run: Run, ending: Ending) -> Run:
    """The run with what the engine saw of it: its own time, and what did not come back or broke on the way."""
    found = [Warning_("evidence_left_behind", note) for note in ending.notes]
    if ending.error:
        found.append(Warning_("engine_trouble", ending.error))
    facts = dict(run.facts)
    if ending.overhead_s is not None:
        facts[OVERHEAD] = ending.overhead_s
    return msgspec.structs.replace(run, facts=facts, warnings=(*run.warnings, *found))


def _without_result(begun: _Result | None, out: Path, index: int, ending: Ending) -> Reading:
    """A run whose supervisor did not reach its end: the last sample is all there is."""
    outcome, signature = _why(begun, ending)
    sampled = read_samples(out / "samples.csv", begun.cgroup_version if begun else None)
    reason = f"the supervisor did not reach its end ({signature})"
    run = Run(
        index=index,
        outcome=outcome,
        exit_code=None,
        started_at=begun.started_at if begun else None,
        wall_s=sampled.t_s,
        effective_timeout_s=begun.effective_timeout_s if begun else None,
        memory=Memory(limit_bytes=begun.memory.limit_bytes if begun else None),
        warnings=(Warning_("evidence_cut", f"figures are those of the last sample: {reason}", sampled.t_s, "s"),),
        signature=signature,
        cgroup=begun.cgroup if begun else {},
    )
    run = _with_samples(run, sampled)
    missing = {path: reason for path in (*_KNOWN_AT_THE_END, *_MEASURED) if _at(run, path) is None}
    return Reading(_with_ending(run, ending), missing, begun.cgroup_version if begun else None)


def _why(begun: _Result | None, ending: Ending) -> tuple[Outcome, str]:
    if _by_the_user(ending):
        return "interrupted", "interrupted by the user"
    if ending.oom_killed:
        return "oom_killed", "the kernel killed the supervisor: out of memory at the limit"
    if ending.killed:
        return "interrupted", ending.error or KILLED
    if ending.error:
        return "not_measured", ending.error
    if begun is not None and begun.state == "error" and begun.signature:
        return "not_measured", begun.signature
    return "not_measured", f"the supervisor ended with status {ending.exit_code} without a result"


def _with_samples(run: Run, sampled: Sampled) -> Run:
    """The run with the figures of its samples, and where they come from."""
    for path, value in sampled.figures.items():
        part, _, name = path.rpartition(".")
        changed = msgspec.structs.replace(getattr(run, part), **{name: value}) if part else value
        run = msgspec.structs.replace(run, **{part or name: changed})
    return msgspec.structs.replace(run, sources=sampled.sources)


def _at(run: Run, path: str) -> object:
    value: object = run
    for name in path.split("."):
        value = getattr(value, name)
    return value


_SEVERITY: tuple[Outcome, ...] = ("interrupted", "oom_killed", "timed_out", "failed", "not_measured", "passed")


def overall(runs: tuple[Run, ...]) -> Outcome:
    """The outcome of a result: the gravest of its runs; ``not_measured`` where there is none."""
    found = {run.outcome for run in runs}
    return next((outcome for outcome in _SEVERITY if outcome in found), "not_measured")


assert set(_SEVERITY) == set(get_args(Outcome))  # noqa: S101, an outcome without a severity would be passed over


_NO_FOLDER = Path("/dev/null/none")


@dataclass(frozen=True, slots=True)
class OneRun:
    """A run as it was read, and the folder of its evidence."""

    reading: Reading
    out: Path
    ending: Ending


def never_ran(index: int, why: str) -> OneRun:
    """A run that could not be started: ``not_measured``, every figure missing, and no evidence."""
    ending = Ending(None, error=why)
    return OneRun(read_run(_NO_FOLDER, index, ending), _NO_FOLDER, ending)
