"""Many results against one reference, in one table (pure)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from bench.compare.comparison import Comparison, compare
from bench.compare.measures import WALL
from bench.compare.sample import Result, Sample, sample_of
from bench.compare.stats.decision import CONFIDENCE
from bench.errors import ExitCode, NotComparable, gravest
from bench.record.schema import Record


class Ranking(msgspec.Struct, frozen=True):
    """Comparisons with one reference, the best first.

    ``left_out`` names what could not be compared and why. ``passed_over`` names likewise what a word holds besides
    (:func:`bench.compare.alignment.align`); the exit code ignores it.
    """

    reference: str
    rows: tuple[Comparison, ...]
    left_out: dict[str, str]
    note: str
    passed_over: dict[str, str] = {}

    @property
    def exit_code(self) -> ExitCode:
        """The gravest of the rows' codes (:func:`bench.errors.gravest`); what was left out is not comparable."""
        return gravest([*(row.exit_code for row in self.rows), *[ExitCode.NOT_COMPARABLE] * bool(self.left_out)])


def rank(
    results: Sequence[Result],
    reference: Result | int = 0,
    *,
    accept: Collection[str] = (),
    history: Sequence[Record] = (),
    metric: str = WALL,
) -> Ranking:
    """Return the comparison of each result with the reference, the best first.

    Args:
        results: two or more; the reference may be among them.
        reference: the result to compare with, or its position.
        accept: differences that are the thing under test, as ``("variant", "environ", "limits")`` for ``whatif``.
        history: more results of the same host, for its A/A noise; those that are ranked are left out of it.
        metric: the figure that decides.

    Raises:
        NotComparable: the reference itself ran under the profiler, or nothing is left to compare.
    """
    chosen = results[reference] if isinstance(reference, int) else reference
    ranked = {record.id for result in results if result is not chosen for record in _records(result)}
    sessions = [record for record in history if record.id not in ranked]
    first = sample_of(chosen)
    rows, left_out = [], {}
    for result in results:
        if result is chosen:
            continue
        try:
            rows.append(compare(first, result, accept=accept, history=sessions, metric=metric))
        except NotComparable as error:
            left_out[_newest(result).id] = str(error)
    if not rows:
        why = next(iter(left_out.values()), "there is only the reference")
        raise NotComparable("nothing is left to compare", why, "name two or more results of one diagnostic")
    rows.sort(key=lambda row: (row.ratio is None, (row.ratio or 0.0) * (-1 if row.better == "higher" else 1), row.b.id))
    chance = 1 - CONFIDENCE ** len(rows)
    note = f"Each row has its own {CONFIDENCE:.0%} interval"
    note += f"; that one of {len(rows)} misses by luck: at most {chance:.0%}." if len(rows) > 1 else "."
    return Ranking(_newest(chosen).id, tuple(rows), left_out, note)


def _records(result: Result) -> Sequence[Record]:
    if isinstance(result, Sample):
        return result.records
    return (result,) if isinstance(result, Record) else result


def _newest(result: Result) -> Record:
    """What names a result: itself, or the newest of several that are pooled."""
    return max(_records(result), key=lambda record: record.stamp)
