"""What ``bench compare`` was asked: which results against which reference, and what is not to count as a difference."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec

from bench.cli.inputs import records_by_name
from bench.compare.align import align
from bench.compare.likeness import GROUPS
from bench.compare.ranking import Ranking, rank
from bench.errors import ExitCode, NotComparable, UsageError
from bench.record.bundle import Bundle
from bench.record.schema import Record


@dataclass(frozen=True, slots=True)
class Asked:
    """The words to compare, and which of them is the reference."""

    words: tuple[str, ...]
    reference: int


def asked(words: Sequence[str], reference: str | None) -> Asked:
    """The reference is the first word, or the one that ``--reference`` gives: a word, or its number from 1 on.

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
    """The differences that are the thing under test: ``variant,environ``, or one of a group as ``limits.cpus``.

    Raises:
        UsageError: one of them is none.
    """
    names = frozenset(part.strip() for part in text.split(",") if part.strip())
    unknown = sorted(name for name in names if name.split(".")[0] not in GROUPS)
    if unknown:
        raise UsageError(f"--accept {unknown[0]} names no difference", fix=f"there are {', '.join(GROUPS)}")
    return names


def rankings(
    what: Asked, found: Sequence[Sequence[Bundle]], known: Sequence[Record], accept: Collection[str]
) -> tuple[Ranking, ...]:
    """One ranking for each diagnostic that all words have, and for each profile and variant that all have.

    Args:
        what: the words and the reference.
        found: for each word what it names.
        known: all results at hand, for the A/A noise.
        accept: differences that decide nothing.

    Raises:
        NotComparable: no diagnostic is in all of them, or nothing is left to compare.
    """
    groups = [records_by_name(group) for group in found]
    shared = sorted(set.intersection(*(set(group) for group in groups)))
    if not shared:
        named = "; ".join(f"{word}: {', '.join(sorted(group))}" for word, group in zip(what.words, groups, strict=True))
        raise NotComparable("no diagnostic is in all of them", named, "name results of one diagnostic")
    elsewhere = sorted({name for group in groups for name in group} - set(shared))
    apart = dict.fromkeys(elsewhere, "not every word has results of it")
    made = []
    for name in shared:
        history = [record for record in known if record.diagnostic.name == name]
        for aligned in align([group[name] for group in groups]):
            ranking = rank(aligned.groups, what.reference, accept=accept, history=history)
            made.append(msgspec.structs.replace(ranking, passed_over=aligned.left_out))
    made[0] = msgspec.structs.replace(made[0], passed_over={**made[0].passed_over, **apart})
    return tuple(made)


def gravest(codes: Sequence[ExitCode]) -> ExitCode:
    """The exit code of several comparisons: regressed first, then not comparable, then not measured."""
    order = (ExitCode.REGRESSED, ExitCode.NOT_COMPARABLE, ExitCode.NOT_MEASURED)
    return next((code for code in order if code in codes), ExitCode.OK)
