"""What the options of an experiment ask: when it ends, what decides, and with which words it began."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.compare.measures import WALL
from bench.errors import UsageError
from bench.run.ab.pairs import Rules
from bench.run.ab.resume import Earlier
from bench.run.ab.words import Words, kept_words
from bench.run.work.counting import Wanted
from bench.units import parse_duration

_PERCENT = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)\s*%", re.ASCII)
_MOST_PAIRS = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line sets of the experiment itself. ``metric``, ``effect``, ``seed``: ``None`` if not given."""

    rules: Rules
    metric: str | None
    effect: float | None
    seed: int | None
    calibration: bool = True
    if_busy: str = "wait"
    work: Wanted = "never"


def parse_effect(text: str | None) -> float | None:
    """Return the ratio minus 1 of ``5%``; ``None`` if nobody gave one.

    Raises:
        UsageError: it is no percentage above 0, or above 100.
    """
    if text is None:
        return None
    match = _PERCENT.fullmatch(text.strip())
    value = float(match["number"]) / 100 if match else math.nan
    if not 0 < value <= 1:
        raise UsageError(f"--effect '{text}' is no change", fix="give a percentage above 0 and up to 100%, as in 5%")
    return value


def rules_of(max_pairs: int, min_pairs: int, budget: str | None, metric: str | None) -> Rules:
    """Return when an experiment ends.

    Args:
        max_pairs: pairs at most.
        min_pairs: pairs at least.
        budget: a duration, or ``None``.
        metric: the figure that decides, if somebody chose it.

    Raises:
        UsageError: a number that makes no sense.
    """
    if not 1 <= max_pairs <= _MOST_PAIRS:
        raise UsageError(f"--max-pairs {max_pairs} is no number of pairs", fix=f"give 1 to {_MOST_PAIRS}")
    if not 1 <= min_pairs <= max_pairs:
        raise UsageError(f"--min-pairs {min_pairs} is none of 1 to {max_pairs}", fix="give --max-pairs at most")
    budget_s = parse_duration(budget) if budget is not None else None
    if budget_s is not None and not (math.isfinite(budget_s) and budget_s > 0):
        raise UsageError(f"--budget {budget} is no time", fix="give more than 0, as in 20min")
    return Rules(max_pairs, min_pairs, budget_s, WALL if metric is None else None)


def more_pairs(pairs: int) -> str:
    """Return the words that ask for more pairs than so many; none if nobody may ask for more."""
    return f"--max-pairs {min(2 * pairs, _MOST_PAIRS)}" if pairs < _MOST_PAIRS else ""


def absolute(path: Path | None) -> str | None:
    """Return a path as it is called from any folder, without the ``..`` in it that lead over no link."""
    if path is None:
        return None
    tidy = os.path.normpath(path.absolute())
    return tidy if os.path.realpath(tidy) == os.path.realpath(path) else str(path.absolute())


def words_of(given: Words | None, earlier: Earlier | None, results: Path) -> Words:
    """Return what is asked: the words that were given, else those that the experiment began with.

    Args:
        given: from the command line.
        earlier: the experiment that goes on.
        results: the results folder.

    Raises:
        UsageError: neither is there.
    """
    if given is not None:
        return given
    if earlier is not None:
        return msgspec.structs.replace(kept_words(earlier.experiment.id), results=str(results.absolute()))
    raise UsageError("no --base was given", fix="name what to compare with, as in --base main")
