"""Many results against one reference, in one table (pure)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from bench import units
from bench.compare.alignment import align
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
    note = f"Each row has its own {units.percent(CONFIDENCE, 0)} interval."
    return Ranking(_newest(chosen).id, tuple(rows), left_out, note)


def rank_each(
    words: Sequence[str],
    groups: Sequence[Sequence[Record]],
    reference: int = 0,
    *,
    known: Sequence[Record] = (),
    accept: Collection[str] = (),
    metric: str = WALL,
) -> tuple[Ranking, ...]:
    """Return one ranking for each diagnostic that all words have, and for each profile and variant that all have.

    Args:
        words: what each group is called.
        groups: for each word the results that it names.
        reference: the position of the word to compare with.
        known: all results at hand, for the A/A noise.
        accept: differences that decide nothing.
        metric: the figure that decides.

    Raises:
        NotComparable: no diagnostic is in all of them, or nothing is left to compare.
    """
    by_name: list[dict[str, list[Record]]] = [{} for _ in groups]
    for found, group in zip(by_name, groups, strict=True):
        for record in sorted(group, key=lambda record: record.stamp):
            found.setdefault(record.diagnostic.name, []).append(record)
    shared = sorted(set.intersection(*map(set, by_name)))
    if not shared:
        named = "; ".join(f"{word}: {', '.join(sorted(found))}" for word, found in zip(words, by_name, strict=True))
        raise NotComparable("no diagnostic is in all of them", named, "name results of one diagnostic")
    elsewhere = sorted({name for found in by_name for name in found} - set(shared))
    apart = dict.fromkeys(elsewhere, "not every word has results of it")
    made = []
    for name in shared:
        history = [record for record in known if record.diagnostic.name == name]
        for aligned in align([found[name] for found in by_name]):
            ranking = rank(aligned.groups, reference, accept=accept, history=history, metric=metric)
            made.append(msgspec.structs.replace(ranking, passed_over=aligned.left_out))
    made[0] = msgspec.structs.replace(made[0], passed_over={**made[0].passed_over, **apart})
    return tuple(made)


def _records(result: Result) -> Sequence[Record]:
    if isinstance(result, Sample):
        return result.records
    return (result,) if isinstance(result, Record) else result


def _newest(result: Result) -> Record:
    """What names a result: itself, or the newest of several that are pooled."""
    return max(_records(result), key=lambda record: record.stamp)
