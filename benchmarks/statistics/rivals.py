"""The rules of pyperf, asv and pytest-benchmark, called in their own libraries where those are installed.

And that of hyperfine, which is no library, by its formula.
"""

from __future__ import annotations

import contextlib
import io
import math
import statistics
from collections.abc import Callable, Sequence

Rule = Callable[[Sequence[float], Sequence[float]], bool]
"""Whether a change is called, in either direction."""


def rules() -> dict[str, Rule]:
    """The rules of the libraries that are installed here, by name."""
    found: dict[str, Rule] = {}
    for name, make in {"pyperf": _pyperf, "asv": _asv, "pytest-benchmark": _pytest_benchmark}.items():
        with contextlib.suppress(ImportError):
            found[name] = make()
    return found


def hyperfine(first: Sequence[float], second: Sequence[float]) -> bool:
    """Whether its last line ("1.05 ± 0.03 times faster") leaves 1 out.

    The error is that of a quotient of two runs, as in its ``relative_speed.rs``: it does not shrink with more runs.
    """
    one, two = (statistics.fmean(values) for values in (first, second))
    ratio = max(one, two) / min(one, two)
    error = ratio * math.hypot(statistics.stdev(first) / one, statistics.stdev(second) / two)
    return ratio - error > 1


class _Values:
    """As much of a pyperf benchmark as its comparison reads."""

    def __init__(self, values: Sequence[float]) -> None:
        self._values = tuple(values)

    def get_values(self) -> tuple[float, ...]:
        return self._values


def _pyperf() -> Rule:
    from pyperf._compare import is_significant_benchs

    def rule(first: Sequence[float], second: Sequence[float]) -> bool:
        # Where its t-test fails (samples of unequal size) this function itself answers "significant".
        return bool(is_significant_benchs(_Values(first), _Values(second))[0])

    return rule


def _asv() -> Rule:
    from asv._stats import is_different
    from asv_runner.statistics import compute_stats

    def rule(first: Sequence[float], second: Sequence[float]) -> bool:
        (_, one), (_, two) = compute_stats(list(first), 1), compute_stats(list(second), 1)
        return bool(is_different(list(first), list(second), one, two))

    return rule


def _pytest_benchmark() -> Rule:
    from pytest_benchmark.stats import Stats
    from pytest_benchmark.utils import parse_compare_fail

    check = parse_compare_fail("mean:5%")

    def fields(values: Sequence[float]) -> dict[str, float]:
        stats = Stats()
        for value in values:
            stats.update(value)
        return {"mean": stats.mean}

    def rule(first: Sequence[float], second: Sequence[float]) -> bool:
        # It looks for slower only. Asked both ways round, it is asked the question that the others answer.
        one, two = fields(first), fields(second)
        with contextlib.redirect_stdout(io.StringIO()):
            return bool(check.fails(two, one) or check.fails(one, two))

    return rule
