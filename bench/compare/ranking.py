"""Many results against one reference, in one table (pure)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from bench.compare.rule import CONFIDENCE
from bench.compare.verdict import Comparison, compare
from bench.errors import ExitCode, NotComparable
from bench.record.schema import Record


class Ranking(msgspec.Struct, frozen=True):
    """Comparisons with one reference, the fastest first; ``left_out`` names what could not be compared and why."""

    reference: str
    rows: tuple[Comparison, ...]
    left_out: dict[str, str]
    note: str

    @property
    def exit_code(self) -> ExitCode:
        """1 where a row regressed; else the highest of the rows' codes."""
        codes = [row.exit_code for row in self.rows] + [ExitCode.NOT_COMPARABLE] * bool(self.left_out)
        return ExitCode.REGRESSED if ExitCode.REGRESSED in codes else max(codes, default=ExitCode.OK)


def rank(
    records: Sequence[Record],
    reference: Record | int = 0,
    *,
    accept: Collection[str] = (),
    history: Sequence[Record] = (),
) -> Ranking:
    """Compare each record with the reference and sort by ratio, the fastest first.

    Args:
        records: two or more; the reference may be among them.
        reference: the record to compare with, or its position.
        accept: differences that are the thing under test, as ``("variant", "environ", "limits")`` for ``whatif``.
        history: more results of the same host, for its A/A noise.

    Raises:
        NotComparable: the reference itself ran under the profiler, or nothing is left to compare.
    """
    chosen = records[reference] if isinstance(reference, int) else reference
    rows, left_out = [], {}
    for record in records:
        if record is chosen:
            continue
        try:
            rows.append(compare(chosen, record, accept=accept, history=history))
        except NotComparable as error:
            left_out[record.id] = str(error)
    if not rows:
        why = next(iter(left_out.values()), "there is only the reference")
        raise NotComparable("nothing is left to compare", why, "name two or more results of one diagnostic")
    rows.sort(key=lambda row: (row.ratio is None, row.ratio or 0.0, row.b.id))
    chance = 1 - CONFIDENCE ** len(rows)
    note = (
        f"each row has its own {CONFIDENCE:.0%} interval; that one of {len(rows)} misses by luck: at most {chance:.0%}"
    )
    return Ranking(chosen.id, tuple(rows), left_out, note)
