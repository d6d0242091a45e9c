"""What a run left in its ``out`` folder, to a ``Run`` of the record: even if the supervisor was killed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import msgspec

from bench.engine.protocol import KILLED, Ending
from bench.record.samples import Sampled, read_samples
from bench.record.schema import Memory, Outcome, Run, Warning_
from bench.run.result.supervisor import (
    MAX_NESTING,
    MEASURED,
    Result,
    Said,
    Unusable,
    figure_at,
    impossible,
    load_result,
    shallow,
)

OVERHEAD = "engine_overhead_s"
_KNOWN_AT_THE_END = ("exit_code", "signal", "started_at", "effective_timeout_s")


@dataclass(frozen=True, slots=True)
class Reading:
    """A run, why values of it are missing (paths relative to the run), and the cgroup version that was read."""

    run: Run
    unavailable: dict[str, str]
    cgroup_version: int | None = None


def read_run(out: Path, index: int, ending: Ending) -> Reading:
    """Return the run that left ``out`` behind; whatever lies there, there is a reading.

    If ``result.json`` is missing, or is not what a supervisor writes, the outcome is the one that the supervisor
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
        result = load_result(out / "result.json")
    except Unusable as why:
        return _without_result(None, out, index, ending, str(why))
    if result is None or result.state != "ended":
        return _without_result(result, out, index, ending)
    missing = dict(result.unavailable)
    run = _run(result, index)
    for name in ("facts", "gpu", "cgroup", "supervisor"):
        kept, left = shallow(getattr(run, name))
        run = msgspec.structs.replace(run, **{name: kept})
        missing |= {f"{name}.{key}": f"nested more than {MAX_NESTING} levels deep" for key in left}
    return Reading(_with_ending(_blamed(run, ending), ending), missing, result.cgroup_version)


def _run(result: Result, index: int) -> Run:
    """The run of a result; its number, what the host did meanwhile and its work are not the supervisor's to tell."""
    told = {name: getattr(result, name) for name in Run.__struct_fields__}
    return Run(**{**told, "index": index, "host_during": {}, "work": msgspec.UNSET})


def _blamed(run: Run, ending: Ending) -> Run:
    """The run with what really ended it, if the supervisor only knows that it was asked to stop.

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
    begun: Result | None, out: Path, index: int, ending: Ending, unusable: str | None = None
) -> Reading:
    """A run without a result that can be used: what the supervisor reported as it ended, else its last sample.

    ``unusable`` is what is wrong with a ``result.json`` that is there.
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
        cgroup=shallow(begun.cgroup)[0] if begun else {},
    )
    run = _with_samples(run, sampled)
    if said:
        run = _blamed(_with_figures(run, said), ending)
    missing = {path: reason for path in (*_KNOWN_AT_THE_END, *MEASURED) if figure_at(run, path) is None}
    return Reading(_with_ending(run, ending), missing, version)


def _said(ending: Ending) -> Said | None:
    """What the supervisor reported as it ended; ``None`` if it was not heard, or what came cannot be true."""
    try:
        said = msgspec.convert(dict(ending.ended or {}), Said)
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError):
        return None
    return said if impossible(said) is None else None


def _sampled(path: Path, version: int | None) -> Sampled:
    try:
        return read_samples(path, version)
    except OSError:
        return Sampled()


def _why(begun: Result | None, ending: Ending, unusable: str | None) -> tuple[Outcome, str]:
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


def _with_figures(run: Run, said: Said) -> Run:
    """The run with the counters that the supervisor reported, over those of the samples."""
    sources = dict(run.sources)
    for path in MEASURED:
        value = figure_at(said, path)
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


_SEVERITY: tuple[Outcome, ...] = ("interrupted", "oom_killed", "timed_out", "failed", "not_measured", "passed")


def overall(runs: tuple[Run, ...]) -> Outcome:
    """Return the outcome of a result: the gravest of its runs; ``not_measured`` if there is none.

    A warm-up is not judged, unless the result came no further.
    """
    found = {run.outcome for run in runs if run.warmup is not True} or {run.outcome for run in runs}
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
    """Return a run that could not be started: ``not_measured``, every figure missing, and no evidence."""
    ending = Ending(None, error=why)
    return OneRun(read_run(_NO_FOLDER, index, ending), _NO_FOLDER, ending)
