"""Which earlier results a new one is held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.compare.reference import UNVARIED, barred
from bench.engine.assets import project_root
from bench.errors import BenchError
from bench.record.schema import Record
from bench.record.storage.bundle import Bundle
from bench.record.storage.find import Follow, scan


@dataclass(frozen=True, slots=True)
class Baseline:
    """Earlier results, and whether somebody named them or they merely lay there."""

    records: tuple[Record, ...] = ()
    asked: bool = False


NONE = Baseline()


def read_results(
    results: Path, follow: Follow = iter, passed_over: Callable[[BenchError], object] = lambda _: None
) -> tuple[Bundle, ...]:
    """Every readable bundle of a results folder, oldest first; none where the folder is missing.

    ``passed_over`` is told why of each that cannot be read, and of each that is there twice.
    """
    if not results.is_dir():
        return ()
    found = scan(results, follow)
    for problem in (*found.problems, *found.twins):
        passed_over(problem)
    return tuple(sorted(found.bundles, key=lambda bundle: bundle.record.stamp))


def history(bundles: Sequence[Bundle], name: str) -> tuple[Bundle, ...]:
    """The results of one diagnostic, oldest first."""
    return tuple(bundle for bundle in bundles if bundle.record.diagnostic.name == name)


def reference_folder() -> Path:
    """The results that ship with the project: in a checkout, or in the installed package."""
    return project_root() / "results" / "reference"


def default_baseline(results: Path, name: str, profile: str) -> Baseline:
    """The earlier results of the same diagnostic and profile, this host's and the reference's.

    Runs that did not pass, or that were profiled or varied, are no baseline. Older evidence knows no profile; it is
    full.
    """
    here = history(read_results(results), name)
    shipped = history(read_results(reference_folder()), name)
    found = {bundle.record.id: bundle.record for bundle in (*shipped, *here)}
    fit = tuple(
        record
        for record in found.values()
        if record.outcome == "passed" and barred(record, name, of_kind=(profile, UNVARIED)) is None
    )
    return Baseline(fit, asked=False)
