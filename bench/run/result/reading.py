"""What a run left in its ``out`` folder, to a ``Run`` of the record: also where the supervisor was killed."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import msgspec

from bench.engine.protocol import KILLED, Ending
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

MAX_NESTING = 32
"""Levels of a value that is the run's own (a fact). What is deeper is left out: not every reader can follow it."""

OVERHEAD = "engine_overhead_s"
_PARTS = {"cpu": Cpu, "memory": Memory, "faults": Faults, "context_switches": ContextSwitches, "io": Io}
_MEASURED = (
    "wall_s",
    "pytest_s",
    "session",
    "pids_peak",
    *(f"{part}.{name}" for part, struct in _PARTS.items() for name in struct.__struct_fields__),
)

_MOST = 2**63 - 1
"""What a counter of the kernel can hold, and a table of results too."""

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


class _Said(msgspec.Struct):
    """The supervisor's last event (see ``bench/agent/events.py``): what its result holds of outcome and counters."""

    outcome: Outcome
    wall_s: float | None = None
    signature: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    effective_timeout_s: float | None = None
    cgroup_version: int | None = None
    cpu: Cpu = Cpu()
    memory: Memory = Memory()
    faults: Faults = Faults()
    context_switches: ContextSwitches = ContextSwitches()
    io: Io = Io()
    pids_peak: int | None = None


class _Unusable(Exception):
    """``result.json`` cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A run, why values of it are missing (paths relative to the run), and the cgroup version that was read."""

    run: Run
    unavailable: dict[str, str]
    cgroup_version: int | None = None


def read_run(out: Path, index: int, ending: Ending) -> Reading:
    """The run that left ``out`` behind; whatever lies there, there is a reading.

    Where ``result.json`` is missing, or is not what a supervisor writes, the outcome is the one that the supervisor
    reported as it ended, else by how it ended; the figures are those that it reported, else those of the samples.

    Args:
        out: the folder that the engine brought back; may be empty.
        index: the run's number, from 0.
        ending: how the container ended.
    """
    reading = _read(out, index, ending)
    if ending.no_overhead is None:
        return reading
    run = msgspec.structs.replace(reading.run, facts={**reading.run.facts, OVERHEAD: None})
    return Reading(run, {**reading.unavailable, f"facts.{OVERHEAD}": ending.no_overhead}, reading.cgroup_version)


def _read(out: Path, index: int, ending: Ending) -> Reading:
    try:
        result = _load(out / "result.json")
    except _Unusable as why:
        return _without_result(None, out, index, ending, str(why))
    if result is None or result.state != "ended":
        return _without_result(result, out, index, ending)
    missing = dict(result.unavailable)
    run = _run(result, index)
    for name in ("facts", "gpu", "cgroup", "supervisor"):
        kept, left = _shallow(getattr(run, name))
        run = msgspec.structs.replace(run, **{name: kept})
        missing |= {f"{name}.{key}": f"nested more than {MAX_NESTING} levels deep" for key in left}
    return Reading(_with_ending(_blamed(run, ending), ending), missing, result.cgroup_version)


def _load(path: Path) -> _Result | None:
    """The result, ``None`` where there is none; a FIFO or a link in its place is not waited for.

    Raises:
        _Unusable: it cannot be read, or is not what a supervisor writes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _Unusable(f"result.json of the run cannot be opened ({error.strerror})") from None
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        os.close(descriptor)
        raise _Unusable("result.json of the run is no file")
    with os.fdopen(descriptor, "rb") as file:
        if about.st_size > MAX_RESULT_BYTES:
            raise _Unusable(f"result.json of the run is larger than any result ({about.st_size} bytes)")
        try:
            result = msgspec.json.decode(file.read(MAX_RESULT_BYTES), type=_Result)
        except OSError as error:
            raise _Unusable(f"result.json of the run cannot be read ({error.strerror})") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, MemoryError) as error:
            raise _Unusable(f"result.json of the run does not fit ({error or type(error).__name__})") from None
    problem = _impossible(result)
    if problem is not None:
        raise _Unusable(f"result.json of the run does not fit ({problem})")
    return result


def _impossible(result: _Result | _Said) -> str | None:
    """Which figure cannot be, as its path and value; ``None`` where all can."""
    for path in _MEASURED:
        if hasattr(result, path.partition(".")[0]):
            value = _at(result, path)
            if isinstance(value, int | float) and not 0 <= value <= _MOST:
                return f"{path}: {value:g}"
    return "wall_s: 0" if result.wall_s == 0 else None


def _shallow(values: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Values by name, without those that are nested too deep, and the names of these."""
    deep = [name for name, value in values.items() if not _within(value, MAX_NESTING)]
    return {name: value for name, value in values.items() if name not in deep}, deep


def _within(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_within(one, levels - 1) for one in inner)


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


def _without_result(
    begun: _Result | None, out: Path, index: int, ending: Ending, unusable: str | None = None
) -> Reading:
    """A run without a result that can be used: what the supervisor reported as it ended, else its last sample.

    ``unusable`` says what is wrong with a ``result.json`` that is there.
    """
    said = _said(ending)
    outcome, signature = (said.outcome, said.signature) if said else _why(begun, ending, unusable)
    version = said.cgroup_version if said else begun.cgroup_version if begun else None
    sampled = _sampled(out / "samples.csv", version)
    reason = unusable or f"the supervisor did not reach its end ({signature})"
    if said and unusable is None:
        reason = "the supervisor ended, and its result.json did not come back"
    source = "what the supervisor reported as it ended" if said else "the last sample"
    run = Run(
        index=index,
        outcome=outcome,
        exit_code=said.exit_code if said else None,
        signal=said.signal if said else None,
        started_at=begun.started_at if begun else None,
        wall_s=said.wall_s if said else sampled.t_s,
        effective_timeout_s=said.effective_timeout_s if said else begun.effective_timeout_s if begun else None,
        memory=Memory(limit_bytes=begun.memory.limit_bytes if begun else None),
        warnings=(Warning_("evidence_cut", f"figures are those of {source}: {reason}", sampled.t_s, "s"),),
        signature=signature,
        cgroup=_shallow(begun.cgroup)[0] if begun else {},
    )
    run = _with_samples(run, sampled)
    if said:
        run = _blamed(_with_figures(run, said), ending)
    missing = {path: reason for path in (*_KNOWN_AT_THE_END, *_MEASURED) if _at(run, path) is None}
    return Reading(_with_ending(run, ending), missing, version)


def _said(ending: Ending) -> _Said | None:
    """What the supervisor reported as it ended; ``None`` where it was not heard, or what came cannot be true."""
    try:
        said = msgspec.convert(dict(ending.ended or {}), _Said)
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError):
        return None
    return said if _impossible(said) is None else None


def _sampled(path: Path, version: int | None) -> Sampled:
    try:
        return read_samples(path, version)
    except OSError:
        return Sampled()


def _why(begun: _Result | None, ending: Ending, unusable: str | None) -> tuple[Outcome, str]:
    if _by_the_user(ending):
        return "interrupted", "interrupted by the user"
    if ending.oom_killed:
        return "oom_killed", "the kernel killed the supervisor: out of memory at the limit"
    if ending.killed:
        return "interrupted", "; ".join(filter(None, (ending.error or KILLED, unusable)))
    if ending.error:
        return "not_measured", ending.error
    if begun is not None and begun.state == "error" and begun.signature:
        return "not_measured", begun.signature
    left = f", and {unusable}" if unusable else " without a result"
    return "not_measured", f"the supervisor ended with status {ending.exit_code}{left}"


def _with_figures(run: Run, said: _Said) -> Run:
    """The run with the counters that the supervisor reported, over those of the samples."""
    sources = dict(run.sources)
    for path in _MEASURED:
        value = _at(said, path) if hasattr(said, path.partition(".")[0]) else None
        if value is not None:
            run = _put(run, path, value)
            sources[path] = "what the supervisor reported as it ended"
    return msgspec.structs.replace(run, sources=sources)


def _with_samples(run: Run, sampled: Sampled) -> Run:
    """The run with the figures of its samples, and where they come from."""
    for path, value in sampled.figures.items():
        run = _put(run, path, value)
    return msgspec.structs.replace(run, sources=sampled.sources)


def _put(run: Run, path: str, value: object) -> Run:
    part, _, name = path.rpartition(".")
    changed = msgspec.structs.replace(getattr(run, part), **{name: value}) if part else value
    return msgspec.structs.replace(run, **{part or name: changed})


def _at(run: Run | _Result | _Said, path: str) -> object:
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
