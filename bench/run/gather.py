"""What a session knows of a result, put together as its record: its host, engine, place and runs so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from bench import __version__
from bench.host.calibration import drift
from bench.record.schema import HostState, Record, Warning_
from bench.run.assemble import Surroundings, assemble
from bench.run.observe import Observation
from bench.run.plan import Plan
from bench.run.reading import Reading
from bench.run.session import NOWHERE, OneRun, Session

INTERRUPTED = "the command was interrupted"


def assembled(
    plan: Plan,
    session: Session,
    before: Observation,
    after: Observation | None,
    runs: Sequence[OneRun],
    reproduces: str | None = None,
    why: str = INTERRUPTED,
) -> Record:
    """The record as far as it is known: not judged, and before the first run without runs.

    ``why`` nobody looked at the host afterwards, where that is so.
    """
    host_class, class_missing = session.host_class()
    missing = {f"host.class.{name}": why for name, why in class_missing.items()} | _missing("before", before)
    missing |= {"host.after": why, "calibration.after": why} if after is None else _missing("after", after)
    place = session.placed(plan.need)
    engine = session.engine.describe(plan.task.limits, plan.task.security)
    if place is NOWHERE:
        unknown = [f"engine.{name}" for name in ("version", "cgroup_version") if getattr(engine, name) is None]
        missing |= dict.fromkeys(("image", "environment", *unknown), f"nothing was prepared to run in: {why}")
    around = Surroundings(
        host_class=host_class,
        before=before.state,
        after=after.state if after else HostState(),
        calibration_before=before.calibration,
        calibration_after=after.calibration if after else {},
        unavailable=missing,
    )
    changed = drift(before.calibration, after.calibration) if after else ()
    readings = _warned([run.reading for run in runs], changed)
    return assemble(
        plan,
        place,
        engine,
        around,
        readings,
        stamp=session.stamp(),
        version=__version__,
        reproduces=reproduces,
    )


def _warned(readings: list[Reading], found: tuple[Warning_, ...]) -> list[Reading]:
    """What changed between the first and the last run, as a warning of the last."""
    if not readings or not found:
        return readings
    run = readings[-1].run
    warned = msgspec.structs.replace(run, warnings=(*run.warnings, *found))
    return [*readings[:-1], replace(readings[-1], run=warned)]


def _missing(when: str, seen: Observation) -> dict[str, str]:
    return {f"host.{when}.{name}": why for name, why in seen.state_unavailable.items()} | {
        f"calibration.{when}.{name}".rstrip("."): why for name, why in seen.calibration_unavailable.items()
    }
