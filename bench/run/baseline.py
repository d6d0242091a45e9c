"""Which earlier results a new one is held against."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.compare.reference import UNVARIED, barred
from bench.errors import BenchError
from bench.record.index.listing import list_results
from bench.record.index.results import newest_of_kinds
from bench.record.schema import Record
from bench.record.storage.bundle import Bundle, read_bundle
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
    """Return every readable bundle of a results folder, oldest first; none if the folder is missing.

    Args:
        results: the results folder.
        follow: given each folder that is read.
        passed_over: takes the error of each bundle that cannot be read, and of each that is there twice.
    """
    if not results.is_dir():
        return ()
    found = scan(results, follow)
    for problem in (*found.problems, *found.twins):
        passed_over(problem)
    return tuple(sorted(found.bundles, key=lambda bundle: bundle.record.stamp))


def reference_folder() -> Path:
    """Return the results that ship with the project: in a checkout, or in the installed package."""
    from bench.engine.assets import project_root  # packs what goes into images as well

    return project_root() / "results" / "reference"


def default_baseline(results: Path, name: str, profile: str) -> Baseline:
    """Return the earlier results of the same diagnostic and profile. What ships as reference is of another code base:
    it is none unless somebody names it.

    Runs that did not pass, or that were profiled or varied, are no baseline. Older evidence knows no profile; it is
    full.

    Args:
        results: the results folder, in which other hosts' results may lie as well.
        name: the diagnostic's name.
        profile: ``full`` or ``smoke``.
    """
    found = {bundle.record.id: bundle.record for bundle in _newest(results, name)}
    fit = tuple(
        record
        for record in found.values()
        if record.outcome == "passed" and barred(record, name, of_kind=(profile, UNVARIED)) is None
    )
    return Baseline(fit, asked=False)


def _newest(results: Path, name: str) -> Iterator[Bundle]:
    """The newest results of a diagnostic, of each kind and host, without those that ship; one that cannot be read is
    no baseline.
    """
    listing, shipped = list_results(results), reference_folder().resolve()
    entries, _ = newest_of_kinds(listing.of({name}))
    for path in map(listing.path, entries):
        if shipped not in path.resolve().parents:
            with contextlib.suppress(BenchError):
                yield read_bundle(path)
