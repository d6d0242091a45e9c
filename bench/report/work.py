"""A difference of work as rows of text, for every kind of report (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench import units
from bench.compare.work.difference import WorkDifference
from bench.compare.work.wording import change_text, flops_text, quantity_text
from bench.record.schema import Record
from bench.record.work import Work

_SHOWN = 10
"""Operators of one result that are named."""


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One line: what was counted, on both sides, how it changed, and what to know about it."""

    name: str
    a: str
    b: str
    change: str
    note: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The line's cells, as :func:`work_heads` names them."""
        return self.name, self.a, self.b, self.change, self.note


def work_heads(differences: Iterable[WorkDifference]) -> tuple[str, ...]:
    """Return the heads of a table of differences; those of experiments alone are of a base and a head."""
    called = {one.called for one in differences}
    a, b = called.pop() if len(called) == 1 else ("reference", "result")
    return "work", f">{a}", f">{b}", ">change", "note"


def work_rows(difference: WorkDifference) -> tuple[WorkRow, ...]:
    """Return the sums, then the operators and modules whose calls differ most, then what each side did in a second."""
    rows = [
        WorkRow(
            one.name,
            quantity_text(one, one.a),
            quantity_text(one, one.b),
            change_text(one) or ("equal" if one.a == one.b else ""),
            "" if one.decides else f"not judged: {one.why}",
        )
        for one in difference.quantities
        if one.a or one.b  # nothing on both sides, as the operators of a test without torch, is no line
    ]
    for one in difference.calls:
        whose = "" if one.caller is None else f"{'all' if one.all else 'most'} in {one.caller}"
        change = units.change(one.b / one.a - 1, 2) if one.a else ""
        rows.append(WorkRow(one.name, units.count(one.a), units.count(one.b), change, whose))
    a, b = difference.rates
    if a.flops_per_s or b.flops_per_s:
        rows.append(WorkRow("FLOP a second", flops_text(a.flops_per_s), flops_text(b.flops_per_s), "", ""))
    if a.bytes_per_s is not None or b.bytes_per_s is not None:
        shares = f"{units.percent(a.of_bandwidth)} and {units.percent(b.of_bandwidth)} of the host's bandwidth"
        note = shares if a.of_bandwidth is not None or b.of_bandwidth is not None else ""
        rows.append(WorkRow("results a second", units.size(a.bytes_per_s), units.size(b.bytes_per_s), "", note))
    return tuple(rows)


def work_in(record: Record) -> Work | None:
    """Return the work that was counted for a result."""
    return next((run.work for run in record.runs if isinstance(run.work, Work)), None)


def operator_rows(work: Work) -> Sequence[tuple[str, str, str]]:
    """Return the operators that were called most: name, calls, and the function that called most often."""
    if work.torch is None:
        return ()
    called = sorted(work.torch.calls.items(), key=lambda one: -one[1])[:_SHOWN]
    callers = work.torch.callers
    return [(name, units.count(count), next(iter(callers.get(name, {})), "")) for name, count in called]


def sums_text(work: Work) -> str:
    """Return one result's sums that stand beside its operators' calls: results, and what did not repeat."""
    parts = []
    if work.torch is not None and work.torch.bytes is not None:
        parts.append(f"{units.size(work.torch.bytes)} of results")
    if work.torch is not None and work.torch.flops is not None:
        parts.append(flops_text(work.torch.flops))
    if work.varies:
        parts.append(f"not equal in {work.counted} counting runs: {', '.join(work.varies[:_SHOWN])}")
    return "; ".join(parts)
