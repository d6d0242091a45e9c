"""What a reproduction says before it runs anything: what there was, and will be again (pure)."""

from __future__ import annotations

from msgspec import structs

from bench.record.schema import Record
from bench.run.plan import BASE_ENV, Plan
from bench.units import size


def what_was_run(record: Record, plan: Plan) -> tuple[str, ...]:
    """What will run here, as it ran there: the test, how often, limits, and variables that are not the usual ones."""
    limits = {name: value for name, value in structs.asdict(record.engine.limits).items() if value is not None}
    if "memory_bytes" in limits:
        limits["memory"] = size(limits.pop("memory_bytes"))
    variant = f", variant {plan.variant.name}" if plan.variant else ""
    times = f"{plan.repeat} run{'s' if plan.repeat != 1 else ''}"
    usual = {**BASE_ENV, **plan.diagnostic.env}
    taken = {name: value for name, value in record.environ.items() if plan.task.env.get(name) == value}
    shown = [f"{name}={value}" for name, value in sorted(taken.items()) if usual.get(name) != value]
    return (
        f"{record.id}: {plan.diagnostic.node}, profile {plan.profile}{variant}, {times}",
        f"with {', '.join(f'{name} {value}' for name, value in limits.items()) or 'no limits'}",
        *([f"environment: {' '.join(shown)}"] if shown else []),
    )
