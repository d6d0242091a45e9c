"""What ``--fail-on`` asks for: a bound that a comparison may not pass, whatever the times say."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench import units
from bench.cli.output import Console, complain
from bench.compare.work.difference import WorkDifference
from bench.errors import ExitCode, UsageError
from bench.report.status import GLYPHS, Level

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


_WORDS: dict[ExitCode, tuple[Level, str]] = {
    ExitCode.OK: ("good", "passed"),
    ExitCode.REGRESSED: ("bad", "failed"),
    ExitCode.NOT_MEASURED: ("caution", "not measured"),
}


@dataclass(frozen=True, slots=True)
class Held:
    """What a bound made of a command: its end, and why in a line for each comparison that it stopped."""

    allowed: float
    exit_code: ExitCode
    reasons: tuple[str, ...]


def held_to(bound: float | None, found: Iterable[WorkDifference | None]) -> Held | None:
    """Return what a bound makes of a command: 1 if a comparison has more work than that, 6 if one has no count.

    Args:
        bound: the growth that is too much, as a ratio; with ``None`` there is nothing to hold to.
        found: the comparisons' work.
    """
    if bound is None:
        return None
    code, reasons = ExitCode.OK, []
    for one in found:
        if one is None or not any(quantity.decides for quantity in one.quantities):
            reasons.append("no work that repeats was counted on both sides")
            code = code or ExitCode.NOT_MEASURED
        elif one.growth > bound + _ROUNDING:
            grown = f"by {units.percent(one.growth, 2)}" if math.isfinite(one.growth) else "from nothing"
            reasons.append(f"the work grew {grown}, and {units.percent(bound, 2)} is allowed")
            code = ExitCode.REGRESSED
    return Held(bound, code, tuple(reasons))


def document_of(held: Held | None) -> dict[str, object]:
    """Return what a command was held to as a part of a JSON document; nothing if nobody asked."""
    if held is None:
        return {}
    status = _WORDS[held.exit_code][1].replace(" ", "_")
    return {"gate": {"what": "work", "allowed": held.allowed, "status": status, "reasons": held.reasons}}


def print_held(held: Held | None) -> None:
    """Print what a command was held to, if somebody asked: above the figures, since it decides whatever they show."""
    if held is None:
        return
    from bench.report.terminal.cells import STYLES, text

    level, word = _WORDS[held.exit_code]
    for reason in held.reasons or (f"at most {units.percent(held.allowed, 2)} more work",):
        Console.out().print(text(f"{GLYPHS[level]} {word} --fail-on work: {reason}", STYLES[level]))


def code_of(held: Held | None) -> ExitCode:
    """Return how a command ends by what it was held to, and complain of what that stopped."""
    if held is None:
        return ExitCode.OK
    for reason in held.reasons:
        complain(f"--fail-on work: {reason}")
    return held.exit_code
