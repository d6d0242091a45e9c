"""The verb ``compare``: whether results are the same, slower, or of another host."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app
from bench.cli.gates import code_of, document_of, held_to, parse_gates, print_held
from bench.cli.named import Named
from bench.cli.next_step import suggest
from bench.cli.output import Console, notify, print_json
from bench.compare.likeness.differences import known_differences
from bench.compare.measures import WALL
from bench.compare.ranking import Ranking, rank_each
from bench.compare.stats.keeping import kept_in
from bench.errors import UsageError, gravest
from bench.record.index.outcomes import Outcomes
from bench.record.schema import Record
from bench.record.storage.bundle import Bundle

Words = Annotated[
    list[str],
    typer.Argument(
        help="Results: ids, bundles, folders of them, or host ids; the reference first.", metavar="RESULT RESULT..."
    ),
]


@app.command("compare")
def compare_(
    words: Words,
    reference: Annotated[
        str | None,
        typer.Option("--reference", help="What to compare with: a result, or N for the Nth.", metavar="N|WORD"),
    ] = None,
    accept: Annotated[
        str, typer.Option("--accept", help="Differences under test, as in variant,limits.cpus.", metavar="LIST")
    ] = "",
    metric: options.MetricName = options.WALL,
    fail_on: options.FailOn = [],  # noqa: B006, typer copies it
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Report whether results are the same, slower, or of another host.

    Example: bench compare HOST/grad_cpu/STAMP_A HOST/grad_cpu/STAMP_B
    """
    what, accepted, gate = asked(words, reference), parse_accept(accept), parse_gates(fail_on)
    named = Named(what.words, results)
    found = named.bundles()
    known = named.history(found)
    with kept_in(Outcomes()):
        made = rankings(what, found, known, accepted, metric)
    for word, why in {word: why for ranking in made for word, why in ranking.passed_over.items()}.items():
        notify(f"passed over {word}: {why}")
    held = held_to(gate, [row.work for ranking in made for row in ranking.rows])
    if json:
        left_out = {word: why for ranking in made for word, why in (ranking.left_out | ranking.passed_over).items()}
        rows = [one for ranking in made for one in ranking.rows]
        print_json({"comparisons": rows, "left_out": left_out} | document_of(held))
    else:
        from bench.report.terminal.compare import comparison_view, ranking_view

        print_held(held)
        for ranking in made:
            only = ranking.rows[0] if len(what.words) == 2 else None
            Console.out().print(comparison_view(only) if only is not None else ranking_view(ranking))
        sides = [group[-1].path for group in found if group]
        suggest("explain", *sides[:2])
    return int(gravest([*(ranking.exit_code for ranking in made), code_of(held)]))


@dataclass(frozen=True, slots=True)
class Asked:
    """The words to compare, and which of them is the reference."""

    words: tuple[str, ...]
    reference: int


def asked(words: Sequence[str], reference: str | None) -> Asked:
    """Return the words, and as their reference the first, or what ``--reference`` gives: a word, or its number.

    Raises:
        UsageError: nothing to compare with.
    """
    # A shell's completion ends a folder with a slash; it is the same folder.
    plain = [os.path.normpath(word) for word in words]
    if reference is not None and os.path.normpath(reference) in plain:
        chosen = Asked(tuple(words), plain.index(os.path.normpath(reference)))
    elif reference is not None and reference.isdecimal():
        if not 1 <= int(reference) <= len(words):
            raise UsageError(f"--reference {reference} is none of {len(words)} results", fix="count from 1")
        chosen = Asked(tuple(words), int(reference) - 1)
    else:
        chosen = Asked((*([reference] if reference is not None else []), *words), 0)
    if len(chosen.words) < 2:
        raise UsageError("one result alone cannot be compared", fix="name two or more, the reference first")
    return chosen


def parse_accept(text: str) -> frozenset[str]:
    """Return the differences that are the thing under test: ``variant,environ``, or one of a group as ``limits.cpus``.

    Raises:
        UsageError: one of them is none.
    """
    return known_differences({part.strip() for part in text.split(",") if part.strip()}, "--accept")


def rankings(
    what: Asked,
    found: Sequence[Sequence[Bundle]],
    known: Sequence[Record],
    accept: Collection[str],
    metric: str = WALL,
) -> tuple[Ranking, ...]:
    """Return one ranking for each diagnostic that all words have, and for each profile and variant that all have.

    Args:
        what: the words and the reference.
        found: for each word what it names.
        known: all results at hand, for the A/A noise.
        accept: differences that decide nothing.
        metric: the figure that decides.

    Raises:
        NotComparable: no diagnostic is in all of them, or nothing is left to compare.
    """
    groups = [[bundle.record for bundle in group] for group in found]
    return rank_each(what.words, groups, what.reference, known=known, accept=accept, metric=metric)
