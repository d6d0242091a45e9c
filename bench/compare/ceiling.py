"""Was a result over its approved ceiling? One rule for the verdict on a result and for a comparison (pure)."""

from __future__ import annotations

from bench import units
from bench.record.schema import Record, Status


def times_s(record: Record) -> list[float]:
    """The wall times that a ceiling is held against: a run stopped at its timeout took that long at least."""
    return [run.wall_s for run in record.runs if run.outcome in ("passed", "timed_out") and run.wall_s is not None]


def margin_s(record: Record) -> float | None:
    """Seconds from the slowest run up to the ceiling, negative beyond it; ``None`` without a ceiling or a time."""
    ceiling, times = record.diagnostic.ceiling_s, times_s(record)
    return ceiling - max(times) if ceiling is not None and times else None


def over_reason(record: Record) -> str | None:
    """That a result was over its ceiling, as a sentence; ``None`` where it was not."""
    ceiling, margin, times = record.diagnostic.ceiling_s, margin_s(record), times_s(record)
    if ceiling is None or margin is None or margin >= 0:
        return None
    over = sum(time > ceiling for time in times)
    return (
        f"{over} of {len(times)} runs took longer than the ceiling of {units.seconds(ceiling)}, "
        f"the slowest by {units.seconds(-margin)}"
    )


def by_ceiling(status: Status, reasons: tuple[str, ...], over: str | None) -> tuple[Status, tuple[str, ...]]:
    """A result over its ceiling is said to be, unless it regressed, which says more."""
    if over is None:
        return status, reasons
    told = (*reasons, f"the result is over its ceiling: {over}")
    return status if status == "code_regressed" else "over_ceiling", told
