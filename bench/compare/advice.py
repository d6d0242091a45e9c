"""Which variant of a diagnostic to set, as one line (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.catalog.model import Variant
from bench.compare.comparison import Comparison, Side
from bench.compare.sample import FAILURES, failed
from bench.compare.status_rules import spoken
from bench.units import percent


def advice(comparisons: Mapping[str, Comparison], variants: Sequence[Variant], lost: str | None = None) -> str:
    """Return one line: what to set, or that nothing is worth setting, and whose test failed.

    Only a variant is advised whose whole interval lies below the reference and whose test never failed.

    Args:
        comparisons: each variant against the reference, by name.
        variants: all that were tried.
        lost: why the reference was not measured, or not to the end.
    """
    failures = {name: _failures(one.b) for name, one in comparisons.items() if failed(one.b.not_passed)}
    sound = {name: one for name, one in comparisons.items() if name not in failures}
    reference = next((one.a for one in comparisons.values() if failed(one.a.not_passed)), None)
    if lost is not None:
        first = f"nothing can be said: the reference was lost: {lost}"
    elif reference is not None:
        first = f"nothing can be said: the reference fails: {_failures(reference)}"
    elif failures and not sound:
        first = "no variant can be advised"
    else:
        first = _fastest(sound, variants)
    others = {name: "other tests ran" for name, one in sound.items() if one.status == "tests_differ"}
    return "; ".join([first, *(f"{name}: {how}" for name, how in {**failures, **others}.items())])


def _failures(side: Side) -> str:
    """In how many of the runs that ended of their own the test failed, and how if not by a plain failure."""
    count = failed(side.not_passed)
    how: dict[str, int] = {outcome: side.not_passed.get(outcome, 0) for outcome in FAILURES}
    detail = f" ({spoken(how)})" if how["failed"] != count else ""
    return f"its test failed in {count} of {side.runs + count} runs{detail}"


def _fastest(comparisons: Mapping[str, Comparison], variants: Sequence[Variant]) -> str:
    measured = [one for one in comparisons.values() if one.status != "not_measured"]
    if not measured:
        return "nothing can be said: beside the reference no variant was measured"
    faster = [name for name, one in comparisons.items() if one.status == "code_improved" and one.ratio is not None]
    if not faster:
        unsure = [name for name, one in comparisons.items() if one.status in {"insufficient_runs", "host_noisy"}]
        return (
            f"nothing can be said of {', '.join(unsure)} yet: run more rounds with --repeat"
            if unsure
            else "no variant is faster than the reference"
        )
    best = min(faster, key=lambda name: comparisons[name].ratio or 1.0)
    variant = next(variant for variant in variants if variant.name == best)
    return f"set {how_to_set(variant)}: {percent(1 - (comparisons[best].ratio or 1.0), 0)} less wall time"


def how_to_set(variant: Variant) -> str:
    """Return a variant as what a person types."""
    parts = [f"{name}={value}" for name, value in sorted(variant.env.items())]
    parts += [f"LD_PRELOAD to {variant.preload}'s library"] if variant.preload else []
    parts += [f"{variant.threads} threads"] if variant.threads else []
    parts += [f"CPUs {variant.cpuset}"] if variant.cpuset else []
    parts += [f"the security profile {variant.security}"] if variant.security else []
    parts += [f"the engine {variant.engine}"] if variant.engine else []
    return " and ".join(parts) or variant.name
