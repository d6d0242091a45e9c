"""Judges results against one another, as ``bench compare`` does."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, overload

from bench import units
from bench.api.html import table
from bench.api.loading import load
from bench.api.results import Result, Results
from bench.compare.likeness.differences import known_differences
from bench.compare.measures import WALL
from bench.errors import ExitCode, UsageError, gravest
from bench.record.schema import Record

if TYPE_CHECKING:
    from bench.compare.comparison import Comparison

Side = Results | Result | str | os.PathLike[str]
"""What can be compared: results, one of them, or a path that :func:`bench.load` reads."""


class Comparisons(Sequence["Comparison"]):
    """One comparison for each diagnostic, profile and variant that both sides have.

    Of each, ``status`` is the verdict, ``reasons`` has it in sentences, ``ratio`` is b over a of the figure that
    decides, ``ratio_low`` to ``ratio_high`` its 99 % interval, and ``differences`` is what else was not alike.

    Args:
        comparisons: what it holds.
        left_out: what was not compared, and why, by id or name.
    """

    def __init__(self, comparisons: Iterable[Comparison] = (), left_out: Mapping[str, str] | None = None) -> None:
        self._comparisons = tuple(comparisons)
        self.left_out = dict(left_out or {})

    @overload
    def __getitem__(self, at: int) -> Comparison: ...
    @overload
    def __getitem__(self, at: slice) -> Comparisons: ...
    def __getitem__(self, at: int | slice) -> Comparison | Comparisons:
        return Comparisons(self._comparisons[at]) if isinstance(at, slice) else self._comparisons[at]

    def __len__(self) -> int:
        return len(self._comparisons)

    def __repr__(self) -> str:
        said = "; ".join(f"{one.diagnostic}: {one.status}" for one in self)
        return f"<{units.counted(len(self), 'comparison')}: {said}>"

    @property
    def only(self) -> Comparison:
        """The one comparison that there is.

        Raises:
            UsageError: there are several.
        """
        if len(self) != 1:
            names = ", ".join(one.diagnostic for one in self)
            raise UsageError(f"there are {len(self)} comparisons", names, "name one diagnostic with results.of(NAME)")
        return self._comparisons[0]

    @property
    def exit_code(self) -> ExitCode:
        """The code that ``bench compare`` ends with: 0 the same or faster, 1 slower, 6 undecided, 7 not comparable."""
        return gravest(one.exit_code for one in self)

    def _repr_html_(self) -> str:
        heads = ("diagnostic", "status", "ratio", "99 % interval", "reasons")
        left = "; ".join(f"left out {name}: {why}" for name, why in self.left_out.items())
        return table(heads, [_row(one) for one in self], left)


def compare(
    a: Side,
    b: Side,
    *,
    metric: str = WALL,
    accept: Collection[str] = (),
    history: Side | None = None,
) -> Comparisons:
    """Return what became of ``b`` against the reference ``a``; several results of a kind are pooled.

    Args:
        a: the reference: results, one of them, or a path that :func:`load` reads.
        b: what is judged, likewise.
        metric: the figure that decides: ``wall``, or another that ``bench compare --metric`` takes.
        accept: differences that are the thing under test, as ``{"environ", "limits.cpus"}``.
        history: more results of the same host, which tell how much its times vary by themselves.

    Raises:
        UsageError: a path names nothing, a side is empty, or ``accept`` names no difference.
        NotComparable: no diagnostic is on both sides, or nothing is left to compare.
        DamagedData: a bundle cannot be read, or has a wall time that is none.
    """
    from bench.compare.ranking import rank_each  # with numpy, which only a comparison needs

    accepted = known_differences(accept)
    sides = [_records(side) for side in (a, b)]
    for word, side in zip("ab", sides, strict=True):
        if not side:
            raise UsageError(f"{word} holds no result", fix="give one or more")
    known = [*sides[0], *sides[1], *(() if history is None else _records(history))]
    made = rank_each(("a", "b"), sides, known=known, accept=accepted, metric=metric)
    left = {name: why for ranking in made for name, why in (ranking.left_out | ranking.passed_over).items()}
    return Comparisons((row for ranking in made for row in ranking.rows), left)


def _records(side: Side) -> list[Record]:
    if isinstance(side, Result):
        return [side.record]
    return [result.record for result in (side if isinstance(side, Results) else load(side))]


def _row(one: Comparison) -> tuple[str, ...]:
    ratio = "none" if one.ratio is None else f"{one.ratio:.4f}"
    low, high = one.ratio_low, one.ratio_high
    between = "none" if low is None or high is None else f"{low:.4f} to {high:.4f}"
    return one.diagnostic, one.status, ratio, between, "; ".join(one.reasons)
