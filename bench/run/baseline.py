"""Which earlier results a new one is held against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.record.bundle import Bundle
from bench.record.find import Follow, scan
from bench.record.schema import Record


def read_results(results: Path, follow: Follow = iter) -> tuple[Bundle, ...]:
    """Every readable bundle of a results folder, oldest first; none where the folder is missing."""
    if not results.is_dir():
        return ()
    return tuple(sorted(scan(results, follow).bundles, key=lambda bundle: bundle.record.stamp))


def history(bundles: Sequence[Bundle], name: str) -> tuple[Bundle, ...]:
    """The results of one diagnostic, oldest first."""
    return tuple(bundle for bundle in bundles if bundle.record.diagnostic.name == name)


def default_baseline(results: Path, name: str, profile: str) -> tuple[Record, ...]:
    """The earlier results of the same diagnostic and profile, this host's and the reference's.

    Runs that did not pass, or that were profiled or varied, are no baseline. Older evidence knows no profile; it is
    full.
    """
    found = (bundle.record for bundle in history(read_results(results), name))
    return tuple(
        record
        for record in found
        if record.outcome == "passed"
        and not record.profiler
        and record.variant is None
        and (record.diagnostic.profile or "full") == profile
    )
