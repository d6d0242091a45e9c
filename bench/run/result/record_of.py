"""Plan, place, host and runs to a record (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from bench import __version__
from bench.compare.verdict import verdict_of
from bench.engine.protocol import Place
from bench.errors import BenchError
from bench.record.host_id import host_id
from bench.record.schema import (
    Calibration,
    Diagnostic,
    Engine,
    Host,
    HostClass,
    HostState,
    Record,
    Run,
    Verdict,
    Warning_,
)
from bench.record.unavailable import with_reasons
from bench.run.baseline import NONE, Baseline
from bench.run.plan import Plan
from bench.run.result.reading import Reading, overall


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the runs were made in, and the machine around them; ``unavailable`` has paths from the record's root.

    ``engine`` carries the limits that were asked for.
    """

    place: Place
    engine: Engine
    host_class: HostClass
    before: HostState
    after: HostState
    calibration_before: Mapping[str, float | None]
    calibration_after: Mapping[str, float | None]
    unavailable: Mapping[str, str]


def record_of(
    plan: Plan, around: Surroundings, readings: Sequence[Reading], *, stamp: str, reproduces: str | None = None
) -> Record:
    """Return the record of a result. Its verdict is ``not_measured`` until :func:`with_verdict` gives it one.

    Args:
        plan: what was to be run.
        around: what it ran in, and the machine.
        readings: the runs in their order.
        stamp: the name of the result, ``YYYYMMDDTHHMMSSZ``.
        reproduces: the id of the record that was reproduced.
    """
    host = host_id(around.host_class)
    runs = marked(tuple(reading.run for reading in readings), plan.warmup)
    diagnostic = plan.diagnostic
    return Record(
        id=f"{host}/{diagnostic.name}/{stamp}",
        stamp=stamp,
        outcome=overall(runs),
        unavailable=_source_unavailable(plan) | _unavailable(readings, around.unavailable),
        diagnostic=Diagnostic(
            name=diagnostic.name,
            node=diagnostic.node,
            device=diagnostic.device,
            profile=plan.profile,
            ceiling_s=diagnostic.ceiling_s,
            timeout_s=diagnostic.timeout_s,
            source=plan.source,
            params=_params(plan),
            command=diagnostic.command.words if diagnostic.command is not None else msgspec.UNSET,
        ),
        image=around.place.image,
        environment=around.place.environment,
        engine=_engine_seen(around.engine, readings),
        host=Host(host, around.host_class, around.before, around.after),
        calibration=Calibration(dict(around.calibration_before), dict(around.calibration_after)),
        runs=runs,
        runs_asked=plan.runs,
        verdict=Verdict("not_measured"),
        variant=plan.variant.name if plan.variant else None,
        profiler=plan.profiler,
        reproduces=reproduces,
        tool={"name": "bench", "version": __version__},
        environ=dict(plan.task.env),
    )


def marked(runs: Sequence[Run], warmup: int) -> tuple[Run, ...]:
    """Return the runs with the first ``warmup`` of them marked as no part of what is judged."""
    return tuple(msgspec.structs.replace(run, warmup=True) if run.index < warmup else run for run in runs)


def _engine_seen(engine: Engine, readings: Sequence[Reading]) -> Engine:
    """The engine as its runs saw it from inside, over what it reports of itself: group version and group namespace."""
    version = next((reading.cgroup_version for reading in readings if reading.cgroup_version), None)
    namespace = next((found for one in readings if (found := one.run.cgroup.get("namespace"))), None)
    security = dict(engine.security)
    if "cgroup_namespace" in security and namespace is not None:
        security["cgroup_namespace"] = namespace
    return msgspec.structs.replace(engine, cgroup_version=version or engine.cgroup_version, security=security)


def _params(plan: Plan) -> dict[str, object]:
    """What decides how much work it was: the variables of its profile, and what a command has beside its words."""
    profile = plan.diagnostic.profile(plan.profile)
    of_profile = {name: plan.task.env[name] for name in profile.env if name in plan.task.env} if profile else {}
    return {**of_profile, **plan.params, **({WARMUP: plan.warmup} if plan.warmup else {})}


WARMUP = "warmup"
"""The key of ``params`` that holds how many runs came before those that are judged."""


def _source_unavailable(plan: Plan) -> dict[str, str]:
    missing = [name for name in ("commit", "dirty", "sha256") if getattr(plan.source, name) is None]
    why = "a command without a project comes from no checkout"
    why = why if plan.source.kind == "command" else "not a git checkout, or git could not say"
    return {f"diagnostic.source.{name}": why for name in missing}


def _unavailable(readings: Sequence[Reading], around: Mapping[str, str]) -> dict[str, str]:
    of_runs = {
        f"runs[{position}].{path}": reason
        for position, reading in enumerate(readings)
        for path, reason in reading.unavailable.items()
    }
    return dict(around) | of_runs


MISSING = "runs_missing"
"""The code of the warning that fewer runs were made than were asked for; its value is how many are missing."""


def with_verdict(
    record: Record, asked: int, baseline: Baseline = NONE, *, cut: str | None = None, interrupted: bool = False
) -> Record:
    """Return the record with its verdict, and with a reason for each value that is null.

    Args:
        record: what was measured.
        asked: how many runs were asked for.
        baseline: the earlier results that it is held against.
        cut: why there are fewer.
        interrupted: whether somebody ended them; what was measured by then stays, and the outcome is ``interrupted``.
    """
    short = asked - len(record.runs)
    if short <= 0:
        return with_reasons(msgspec.structs.replace(record, verdict=_verdict(record, baseline)))
    said = f"{len(record.runs)} of {asked} runs were made" + (f": {cut}" if cut else "")
    record = _warned(record, Warning_(MISSING, said, float(short)))
    if interrupted:
        record = msgspec.structs.replace(record, outcome="interrupted")
    verdict = _verdict(record, baseline)
    verdict = msgspec.structs.replace(verdict, reasons=(said, *verdict.reasons))
    return with_reasons(msgspec.structs.replace(record, verdict=verdict))


def _verdict(record: Record, baseline: Baseline) -> Verdict:
    """Return the verdict. If the comparison itself fails, evidence that took hours is kept all the same."""
    try:
        return verdict_of(record, baseline.records, asked=baseline.asked)
    except (BenchError, ArithmeticError) as failure:
        return Verdict("not_measured", (f"the runs could not be judged: {failure}",))
    except Exception as fault:  # our own (memory, a value that nobody thought of): the evidence goes before it
        return Verdict("not_measured", (f"the runs could not be judged: {type(fault).__name__}: {fault}"[:300],))


def _warned(record: Record, warning: Warning_) -> Record:
    if not record.runs:
        return record
    *others, last = record.runs
    last = msgspec.structs.replace(last, warnings=(*last.warnings, warning))
    return msgspec.structs.replace(record, runs=(*others, last))
