"""Which variant of a diagnostic to set, as one line (pure)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bench.catalog.model import Variant
from bench.compare.beside.rounds import Agreed
from bench.compare.comparison import Comparison, Side
from bench.compare.measures import label
from bench.compare.sample import FAILURES, failed
from bench.compare.status_rules import spoken
from bench.units import counted, percent, times

Agreements = Mapping[str, Sequence[Agreed]]
"""By the variant's name what all rounds agree on."""
_NONE: Agreements = MappingProxyType({})


def advice(
    comparisons: Mapping[str, Comparison],
    variants: Sequence[Variant],
    lost: str | None = None,
    rounds: Agreements = _NONE,
) -> str:
    """Return one line: what to set, or that nothing is worth setting, and whose test failed.

    Only a variant is advised whose whole interval lies below the reference and whose test never failed. If there is
    none, the one is named that used less of something in every round.

    Args:
        comparisons: each variant against the reference, by name.
        variants: all that were tried.
        lost: why the reference was not measured, or not to the end.
        rounds: what all rounds agree on.
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
        first = _fastest(sound, variants, rounds)
    others = {name: "other tests ran" for name, one in sound.items() if one.status == "tests_differ"}
    return "; ".join([first, *(f"{name}: {how}" for name, how in {**failures, **others}.items())])


def _failures(side: Side) -> str:
    """In how many of the runs that ended of their own the test failed, and how if not by a plain failure."""
    count = failed(side.not_passed)
    how: dict[str, int] = {outcome: side.not_passed.get(outcome, 0) for outcome in FAILURES}
    detail = f" ({spoken(how)})" if how["failed"] != count else ""
    return f"its test failed in {count} of {side.runs + count} runs{detail}"


def _fastest(comparisons: Mapping[str, Comparison], variants: Sequence[Variant], rounds: Agreements) -> str:
    measured = [one for one in comparisons.values() if one.status != "not_measured"]
    if not measured:
        return "nothing can be said: beside the reference no variant was measured"
    faster = [name for name, one in comparisons.items() if one.status == "code_improved" and one.ratio is not None]
    if faster:
        best = min(faster, key=lambda name: _part(comparisons[name]))
        metric, part = comparisons[best].metric, _part(comparisons[best])
        gain = f"{percent(1 - part, 0)} less" if comparisons[best].better == "lower" else f"{times(1 / part)} the"
        return f"set {_setting(best, variants)}: {gain} {label(metric)}"
    unsure = {name: one for name, one in comparisons.items() if one.status in {"insufficient_runs", "host_noisy"}}
    said = [_undecided(unsure) if unsure else "no variant is faster than the reference"]
    return "; ".join([*said, *_winner({name: rounds.get(name, ()) for name in comparisons}, variants)])


def _part(one: Comparison) -> float:
    """The ratio of what decides, turned so that less is better."""
    ratio = one.ratio or 1.0
    return 1 / ratio if one.better == "higher" else ratio


def _undecided(unsure: Mapping[str, Comparison]) -> str:
    """For which variants there is no verdict, and how many rounds would give one."""
    *others, last = unsure
    names = f"{', '.join(others)} and {last}" if others else last
    made = max(max(one.a.runs, one.b.runs) for one in unsure.values())
    needed = [one.runs_needed for one in unsure.values() if one.runs_needed is not None]
    more = max([*needed, made + 1])
    how = f"try --repeat {more}" if needed else "more rounds will not help on this host, it is too noisy"
    return f"No verdict for {names} with {counted(made, 'round')}; {how}"


def _winner(rounds: Agreements, variants: Sequence[Variant]) -> list[str]:
    """The variant of which every round says that it needs less, if one is: a hint, whatever the wall time shows."""
    less = {name: [one for one in found if one.ratio < 1] for name, found in rounds.items()}
    clear = {name: found for name, found in less.items() if found and len(found) == len(rounds[name])}
    if not clear:
        return []
    best = min(clear, key=lambda name: (-len(clear[name]), math.prod(one.ratio for one in clear[name])))
    used = ", ".join(one.text for one in clear[best])
    return [f"all {clear[best][0].rounds} rounds agree on {best} ({_setting(best, variants)}): {used}"]


def _setting(name: str, variants: Sequence[Variant]) -> str:
    return how_to_set(next(variant for variant in variants if variant.name == name))


def how_to_set(variant: Variant) -> str:
    """Return a variant as what a person types."""
    parts = [f"{name}={value}" for name, value in sorted(variant.env.items())]
    parts += [f"LD_PRELOAD to {variant.preload}'s library"] if variant.preload else []
    parts += [f"{variant.threads} threads"] if variant.threads else []
    parts += [f"CPUs {variant.cpuset}"] if variant.cpuset else []
    parts += [f"the security profile {variant.security}"] if variant.security else []
    parts += [f"the engine {variant.engine}"] if variant.engine else []
    return " and ".join(parts) or variant.name
