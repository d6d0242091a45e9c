"""Two results' work side by side: what is equal, what grew, by which operators and whose calls (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from bench.compare.sample import Sample
from bench.record.work import Work

Kind = Literal["same", "more", "less", "other"]
MAX_ROWS = 10
"""Operators and modules that are named, those that differ most."""
BANDWIDTH = "memory_bandwidth_bytes_per_s"


class Quantity(msgspec.Struct, frozen=True, rename={"decides": "judged"}):
    """One sum on both sides. ``change`` is ``b / a - 1``, ``None`` if a is 0. It ``decides`` if it repeats exactly."""

    name: str
    a: int | None
    b: int | None
    change: float | None
    decides: bool
    why: str | None = None


class CallsChange(msgspec.Struct, frozen=True):
    """Calls of an operator, or of a module's functions, that differ. ``caller`` is whose calls differ most, and
    ``all`` whether no other's do.
    """

    name: str
    a: int
    b: int
    caller: str | None = None
    all: bool = False


class Rates(msgspec.Struct, frozen=True):
    """Work over the median wall time of a side's runs; ``of_bandwidth`` is against what its calibration copied."""

    flops_per_s: float | None
    bytes_per_s: float | None
    of_bandwidth: float | None


NO_RATES = Rates(None, None, None)


class WorkDifference(msgspec.Struct, frozen=True):
    """What two counts say. ``kind`` is ``other`` if some quantities grew and others shrank, or only their kinds differ.

    ``growth`` is the largest relative growth of a judged quantity, 0 if none grew. ``threads`` are those that torch ran
    with on each side, ``None`` if that is not known or was not the same in all runs. ``said`` is all this
    in a sentence, among a comparison's reasons too, and ``called`` what the sides are called.
    """

    kind: Kind
    growth: float
    quantities: tuple[Quantity, ...]
    calls: tuple[CallsChange, ...]
    rates: tuple[Rates, Rates]
    digests_equal: bool | None
    threads: tuple[int | None, int | None] = (None, None)
    said: str = ""
    called: tuple[str, str] = ("reference", "result")


_READ: Mapping[str, tuple[str, Callable[[Work], int | None]]] = {
    "floating-point operations": ("torch.flops", lambda work: work.torch.flops if work.torch else None),
    "bytes of results": ("torch.bytes", lambda work: work.torch.bytes if work.torch else None),
    "elements of results": ("torch.elements", lambda work: work.torch.elements if work.torch else None),
    "operator calls": ("torch.calls", lambda work: sum(work.torch.calls.values()) if work.torch else None),
    "CUDA kernels": ("cuda.kernels", lambda work: work.cuda.kernels if work.cuda else None),
    "bytes copied": ("cuda.copied_bytes", lambda work: work.cuda.copied_bytes if work.cuda else None),
    "Python calls": ("python.calls", lambda work: work.python.calls if work.python else None),
    "processes started": ("kernel.processes", lambda work: work.kernel.get("processes")),
    "instructions": ("instructions", lambda work: work.instructions),
    "branches": ("branches", lambda work: work.branches),
    "minor faults": ("kernel.minor_faults", lambda work: work.kernel.get("minor_faults")),
    "bytes read": ("kernel.read_bytes", lambda work: work.kernel.get("read_bytes")),
    "bytes written": ("kernel.write_bytes", lambda work: work.kernel.get("write_bytes")),
    "system calls": ("kernel.system_calls", lambda work: work.kernel.get("system_calls")),
}
"""What is compared, the most telling first: its path in the work, and where it is read."""
_NEVER = frozenset(
    ("instructions", "branches", "minor faults", "bytes read", "bytes written", "system calls", "processes started")
)
"""Whatever two runs show: spinning threads, allocators, caches and libraries move these without more work."""
NEVER_WHY = "changes from run to run, also with the same work"
VARIES_WHY = "did not repeat exactly"
ONCE_WHY = "counted once, so it is not known to repeat"


def work_of(sample: Sample) -> Work | None:
    """Return the work that the newest of a sample's records knows; ``None`` if none does."""
    for record in reversed(sample.records):
        for run in record.runs:
            if isinstance(run.work, Work):
                return run.work
    return None


def compare_work(a: Sample, b: Sample) -> WorkDifference | None:
    """Return how the work of two results differs; ``None`` if it was not counted on both sides.

    Args:
        a: the reference.
        b: the result.
    """
    one, two = work_of(a), work_of(b)
    if one is None or two is None:
        return None
    found = compare_counts(one, two)
    return msgspec.structs.replace(found, rates=(_rates(one, a), _rates(two, b)), threads=(_threads(a), _threads(b)))


def compare_counts(one: Work, two: Work) -> WorkDifference:
    """Return how two counts differ, without rates, which need times.

    Args:
        one: the reference's.
        two: the result's.
    """
    varies = {*one.varies, *two.varies}
    once = one.torch is not None and two.torch is not None and min(one.counted, two.counted) < 2
    unsure = frozenset({"Python calls"} if once else ())
    quantities = tuple(
        _known_to_repeat(_quantity(name, path, (read(one), read(two)), varies), unsure)
        for name, (path, read) in _READ.items()
        if read(one) is not None or read(two) is not None
    )
    decisive = [one for one in quantities if one.decides]
    equal = _digests(one, two, varies)
    grown = [_growth(one) for one in decisive if _less(one.a, one.b)]
    shrunk = any(_less(one.b, one.a) for one in decisive)
    if grown and not shrunk:
        kind: Kind = "more"
    elif shrunk and not grown:
        kind = "less"
    else:
        kind = "other" if grown or equal is False else "same"
    if not decisive:
        kind = "other"
    calls = _operators(one, two, varies) + _modules(one, two, varies)
    return WorkDifference(kind, max(grown, default=0.0), quantities, calls, (NO_RATES, NO_RATES), equal)


def _quantity(name: str, path: str, values: tuple[int | None, int | None], varies: set[str]) -> Quantity:
    a, b = values
    change = b / a - 1 if a and b is not None else 0.0 if a == b == 0 else None
    if name in _NEVER:
        return Quantity(name, a, b, change, decides=False, why=NEVER_WHY)
    if any(one == path or one.startswith(f"{path}.") for one in varies):
        return Quantity(name, a, b, change, decides=False, why=VARIES_WHY)
    if a is None or b is None:
        return Quantity(name, a, b, None, decides=False, why="counted on one side only")
    return Quantity(name, a, b, change, decides=True)


def _known_to_repeat(quantity: Quantity, unsure: frozenset[str]) -> Quantity:
    """Beside torch's counts, which repeat, those of Python are not trusted before two runs have shown that they do."""
    if not quantity.decides or quantity.name not in unsure:
        return quantity
    return msgspec.structs.replace(quantity, decides=False, why=ONCE_WHY)


def _less(a: int | None, b: int | None) -> bool:
    return a is not None and b is not None and a < b


def _growth(quantity: Quantity) -> float:
    """Something from nothing is growth without a bound."""
    return quantity.change if quantity.change is not None else float("inf")


def _digests(one: Work, two: Work, varies: set[str]) -> bool | None:
    if one.torch is None or two.torch is None or "torch.digest" in varies:
        return None
    first, second = one.torch.digest, two.torch.digest
    return None if first is None or second is None else first == second


def _operators(one: Work, two: Work, varies: set[str]) -> tuple[CallsChange, ...]:
    if one.torch is None or two.torch is None:
        return ()
    changes = []
    for name, a, b in _apart(one.torch.calls, two.torch.calls, "torch.calls", varies):
        before, after = one.torch.callers.get(name, {}), two.torch.callers.get(name, {})
        whose = sorted(_apart(before, after, "", set()), key=_size)
        caller = whose[0][0] if whose else None
        alone = len(whose) == 1 and whose[0][2] - whose[0][1] == b - a
        changes.append(CallsChange(name, a, b, caller, alone))
    return tuple(changes[:MAX_ROWS])


def _modules(one: Work, two: Work, varies: set[str]) -> tuple[CallsChange, ...]:
    if one.python is None or two.python is None:
        return ()
    found = _apart(one.python.modules, two.python.modules, "python.modules", varies)
    return tuple(CallsChange(f"functions of {name}", a, b) for name, a, b in found[:MAX_ROWS])


def _apart(a: Mapping[str, int], b: Mapping[str, int], path: str, varies: set[str]) -> list[tuple[str, int, int]]:
    """Names whose counts differ and repeat, those that differ most first."""
    names = [name for name in {**a, **b} if a.get(name, 0) != b.get(name, 0) and f"{path}.{name}" not in varies]
    return sorted(((name, a.get(name, 0), b.get(name, 0)) for name in names), key=_size)


def _size(one: tuple[str, int, int]) -> tuple[int, str]:
    return -abs(one[2] - one[1]), one[0]


def _rates(work: Work, sample: Sample) -> Rates:
    walls = sorted(sample.walls)
    torch = work.torch
    if not walls or torch is None:
        return NO_RATES
    wall_s = (walls[(len(walls) - 1) // 2] + walls[len(walls) // 2]) / 2
    written = None if torch.bytes is None else torch.bytes / wall_s
    bandwidth = sample.newest.calibration.before.get(BANDWIDTH)
    return Rates(
        None if torch.flops is None else torch.flops / wall_s,
        written,
        written / bandwidth if written is not None and bandwidth else None,
    )


def _threads(sample: Sample) -> int | None:
    found = {run.threads_used.torch for run in sample.runs}
    return found.pop() if len(found) == 1 else None
