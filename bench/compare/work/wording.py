"""What a difference of work says, in plain sentences (pure)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from bench import units
from bench.compare.work.difference import CallsChange, Quantity, WorkDifference
from bench.record.schema import Status
from bench.record.work import Work

_PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_SAME_HOST: frozenset[Status] = frozenset({"code_regressed", "code_improved", "over_ceiling"})
"""A time that changed, although it was measured on a like host."""
_UNDECIDED: frozenset[Status] = frozenset({"insufficient_runs", "host_noisy", "not_measured", "same"})


def with_sentence(
    difference: WorkDifference | None, status: Status, called: tuple[str, str] = ("reference", "result")
) -> WorkDifference | None:
    """Return a difference of work with what it adds to a comparison, in one sentence.

    Args:
        difference: what was counted; ``None`` if it was not on both sides.
        status: the status of the comparison, which the work never changes.
        called: what both sides are called; those of an experiment are its base and its head.
    """
    if difference is None:
        return None
    if difference.kind == "same":
        said = _same(difference, status, called[0])
    else:
        said = _other(difference, status, called) + threads_text(difference)
    return msgspec.structs.replace(difference, said=said, called=called)


def threads_text(difference: WorkDifference) -> str:
    """Return with how many threads each side ran if that differs, to be added to a sentence; else nothing."""
    a, b = difference.threads
    if a is None or b is None or a == b:
        return ""
    return f" (torch ran with {units.counted(a, 'thread')} and with {b}: some code divides its work by them)"


NOTHING_COUNTED = "nothing that a counter here sees"
"""Of work that was looked at by counters of which none can be had here, as with Python 3.11."""


def total_text(work: Work) -> str:
    """Return one result's work in a few words: ``12 345 operator calls, 3.1 TFLOP``."""
    parts = []
    if work.torch is not None:
        parts.append(f"{units.count(sum(work.torch.calls.values()))} operator calls")
        parts += [flops_text(work.torch.flops)] if work.torch.flops else []
    if work.python is not None:
        parts.append(f"{units.count(work.python.calls)} Python calls")
    if work.cuda is not None:
        parts.append(f"{units.count(work.cuda.kernels)} CUDA kernels")
    return ", ".join(parts) or NOTHING_COUNTED


def flops_text(value: float | None) -> str:
    """Return floating-point operations with a prefix: ``3.10 TFLOP``."""
    if value is None:
        return units.NOT_KNOWN
    for scale, prefix in _PREFIXES:
        if value >= scale:
            return f"{value / scale:.3g} {prefix}FLOP"
    return f"{value:.0f} FLOP"


def quantity_text(quantity: Quantity, value: int | None) -> str:
    """Return a value of a quantity with its unit."""
    if quantity.name == "floating-point operations":
        return flops_text(value)
    return units.size(value) if quantity.name.startswith("bytes") else units.count(value)


def change_text(quantity: Quantity) -> str:
    """Return how much of it there is more, or less; empty if it is as much, or the reference had none."""
    return units.change(quantity.change, 2) if quantity.change else ""


def calls_text(change: CallsChange) -> str:
    """Return one operator's calls on both sides: ``aten::mm 150 → 168 calls, all in simulator.run``."""
    said = f"{change.name} {units.count(change.a)} → {units.count(change.b)} calls"
    if change.caller is None:
        return said
    return f"{said}, {'all' if change.all else 'most'} in {change.caller}"


NOT_SEEN = "a longer loop within a function is not seen by this count"


def _same(difference: WorkDifference, status: Status, reference: str) -> str:
    """Only operators of torch carry the work of a test: as many calls of Python hold any amount of it."""
    counts = {one.name: one.b for one in difference.quantities if one.decides}
    parts = [f"{units.count(counts[name])} {name}" for name in ("operator calls", "Python calls") if name in counts]
    flops = counts.get("floating-point operations")
    parts[1:1] = [flops_text(flops)] if flops else []
    if not counts.get("operator calls"):
        return _same_calls(counts, reference)
    counted = ", ".join(parts)
    if status == "host_differs":
        return f"the work is the same on both ({counted})"
    said = f"same work ({counted}, equal to the {reference}'s)"
    if status in _SAME_HOST:
        return f"{said}: the time is the machine's or the allocator's, not the amount of work"
    return said


def _same_calls(counts: Mapping[str, int | None], reference: str) -> str:
    """What equal counts tell without an operator of torch: no cause, and not that the work is the same."""
    for name in ("Python calls", "CUDA kernels"):
        if counts.get(name):
            return f"same number of {name} ({units.count(counts[name])}, equal to the {reference}'s): {NOT_SEEN}"
    return f"no counter here saw anything that repeats, so the work is not judged: {NOT_SEEN}"


def _other(difference: WorkDifference, status: Status, called: tuple[str, str]) -> str:
    changed = [one for one in difference.quantities if one.decides and one.a != one.b]
    calls = [calls_text(one) for one in difference.calls[:2]]
    named = f": {'; '.join(calls)}" if calls else ""
    evidence = ", which one run on each side shows" if status in _UNDECIDED and difference.kind == "more" else ""
    if not changed:
        if difference.digests_equal is False:
            return f"as many operator calls, and of other shapes or types{named}"
        return f"nothing that repeats exactly was counted on both sides, so the work is not judged{named}"
    if status == "host_differs":
        return f"the work is not the same on both, {_amount(changed[0], called[0])}{named}"
    if difference.kind == "other":
        return f"the work is another one, {' and '.join(_amount(one, called[0]) for one in _extremes(changed))}{named}"
    return f"the {called[1]} does {_amount(changed[0], called[0])}{evidence}{named}"


def _amount(quantity: Quantity, reference: str) -> str:
    """``11.9 % more floating-point operations``."""
    change = quantity.change
    if change is None or not math.isfinite(change):
        return f"{quantity.name} that the {reference} does not have"
    word = "more" if change > 0 else "less" if quantity.name.startswith("bytes") else "fewer"
    if change > 1:
        return f"{units.times(1 + change)} the {quantity.name}"
    digits = 1 if abs(change) >= 1e-3 else 4
    return f"{units.percent(abs(change), digits)} {word} {quantity.name}"


def _extremes(changed: list[Quantity]) -> list[Quantity]:
    """The quantity that grew most, and the one that shrank most."""
    ordered = sorted(changed, key=lambda one: one.change if one.change is not None else math.inf)
    return [ordered[-1], ordered[0]] if len(ordered) > 1 else ordered
