"""What a reproduction reports before it runs anything: what there was, and will be again (pure)."""

from __future__ import annotations

from msgspec import structs

from bench.record.schema import Limits, Record
from bench.report.text import plain
from bench.run.plan import BASE_ENV, Plan
from bench.run.reproduce.plan import options_of
from bench.units import counted, seconds, size


def what_was_run(record: Record, plan: Plan) -> tuple[str, ...]:
    """Return what will run here, as it ran there: test, number of runs, limits, deadline and unusual variables."""
    variant = f", variant {plan.variant.name}" if plan.variant else ""
    usual = {**BASE_ENV, **plan.diagnostic.env}
    taken = {name: value for name, value in record.environ.items() if plan.task.env.get(name) == value}
    shown = [f"{name}={value}" for name, value in sorted(taken.items()) if usual.get(name) != value]
    return (
        f"{record.id}: {plain(plan.diagnostic.what)}, profile {plan.profile}{variant}, {counted(plan.repeat, 'run')}",
        f"with {limits_text(record.engine.limits)}",
        *_bounds(record, plan),
        *([f"environment: {' '.join(shown)}"] if shown else []),
        *(["under the profiler: its profile is made again, its times are not compared"] if plan.profiler else []),
    )


def limits_text(limits: Limits) -> str:
    """Return limits in words: ``cpus 2.0, memory 4.00 GiB``."""
    known = {name: value for name, value in structs.asdict(limits).items() if value is not None}
    if "memory_bytes" in known:
        known["memory"] = size(known.pop("memory_bytes"))
    return ", ".join(f"{name} {value}" for name, value in known.items()) or "no limits"


def _bounds(record: Record, plan: Plan) -> tuple[str, ...]:
    """The deadline of each run, and whether the record asked for more than it gets."""
    asked = options_of(record)
    more = [counted(asked.repeat, "run")] if asked.repeat > plan.repeat else []
    if asked.timeout_s is not None and asked.timeout_s > plan.task.timeout_s:
        more.append(seconds(asked.timeout_s))
    held = f", not {' and '.join(more)} as there (--trust allows it)" if more else ""
    return (f"each run stopped after {seconds(plan.task.timeout_s)}{held}",)
