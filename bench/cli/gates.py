"""What ``--fail-on`` asks for: a bound that a comparison may not pass, whatever the times say."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from bench import units
from bench.cli.output import complain
from bench.compare.work.difference import WorkDifference
from bench.errors import ExitCode, UsageError

_ROUNDING = 1e-9
"""What a ratio of whole numbers may be off by."""
_GATE = re.compile(r"work:(?P<share>\d+(\.\d+)?|\.\d+)\s*%?", re.ASCII)


def parse_gates(words: Sequence[str]) -> float | None:
    """Return the growth of work that is too much, as a ratio: 0.01 of ``work:1%``; ``None`` if nothing was asked.

    Raises:
        UsageError: a gate that does not exist, or a share that is no percentage.
    """
    found = []
    for word in words:
        match = _GATE.fullmatch(word.strip())
        if match is None:
            raise UsageError(f"--fail-on '{word:.60}' is no gate", fix="write it as in --fail-on work:1%")
        found.append(float(match["share"]) / 100)
    return min(found, default=None)


def work_gate(bound: float | None, found: Iterable[WorkDifference | None]) -> ExitCode:
    """Return 1 if one comparison has more work than the bound allows, 6 if one has no count, and complain of either.

    Args:
        bound: the growth that is too much, as a ratio; ``None`` lets all pass.
        found: the comparisons' work.
    """
    if bound is None:
        return ExitCode.OK
    code = ExitCode.OK
    for one in found:
        if one is None or not any(quantity.judged for quantity in one.quantities):
            complain("--fail-on work: no work that repeats was counted on both sides")
            code = code or ExitCode.NOT_MEASURED
        elif one.growth > bound + _ROUNDING:
            grown = f"by {units.percent(one.growth, 2)}" if math.isfinite(one.growth) else "from nothing"
            complain(f"--fail-on work: the work grew {grown}, and {units.percent(bound, 2)} is allowed")
            code = ExitCode.REGRESSED
    return code
