"""Which bundles a person means: a bundle, a folder of them, a host id, or all of a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError, DamagedData, UsageError
from bench.names import is_stamp
from bench.record.storage.bundle import RECORD, Bundle, read_bundle
from bench.record.storage.twins import twice
from bench.record.storage.walk import as_paths, bundle_paths

Read = Callable[[Path], Bundle]
"""Reads a bundle; what it returns may lack all but what a bundle is known by (:attr:`Bundle.key`)."""
Follow = Callable[[list[Path]], Iterable[Path]]
"""Yields the folders that it is given, and reports to somebody how far that is; ``iter`` to nobody."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Bundles of a tree, in order of host, diagnostic and stamp, what could not be read, and what is there twice."""

    bundles: tuple[Bundle, ...]
    problems: tuple[BenchError, ...]
    twins: tuple[BenchError, ...] = ()


NOTHING = Scan((), ())


def bundle_folders(path: Path) -> list[Path]:
    """Return folders below ``path``, or itself, that are bundles or claim to be (:mod:`bench.record.storage.walk`).

    Raises:
        UsageError: there is no such folder.
    """
    if not path.is_dir():
        what = f"{path} is a file" if path.is_file() else f"there is no folder {path}"
        raise UsageError(what, fix="give a bundle or a folder of bundles")
    return as_paths(bundle_paths(str(path)))


def scan(path: Path, follow: Follow = iter, read: Read = read_bundle) -> Scan:
    """Read every bundle below ``path``; one that is damaged stops nothing.

    A result that is there twice (imported beside the shipped reference) counts once; the copy with more files is kept.

    Args:
        path: the folder.
        follow: given each folder that is read.
        read: reads each.

    Raises:
        UsageError: there is no such folder.
    """
    bundles: dict[tuple[str, str, str], Bundle] = {}
    problems: list[BenchError] = []
    twins: list[BenchError] = []
    for folder in follow(bundle_folders(path)):
        try:
            bundle = read(folder)
            twin = bundles.get(bundle.key)
            if twin is not None:
                here, there = (bundle, twin) if len(bundle.files()) > len(twin.files()) else (twin, bundle)
                twins.append(twice(read_bundle(here.path), read_bundle(there.path)))
                bundle = here
        except BenchError as error:
            problems.append(error)
            continue
        bundles[bundle.key] = bundle
    return Scan(tuple(bundles[key] for key in sorted(bundles)), tuple(problems), tuple(twins))


def find_twins(folders: Iterable[Path]) -> tuple[BenchError, ...]:
    """Return which results are there twice, as :func:`scan` does, with no more than two of the bundles in memory."""
    kept: dict[tuple[str, str, str], Path] = {}
    twins: list[BenchError] = []
    for folder in folders:
        try:
            bundle = read_bundle(folder)
            twin = read_bundle(kept[bundle.key]) if bundle.key in kept else None
        except BenchError:
            continue
        here, there = (twin, bundle) if twin and len(bundle.files()) <= len(twin.files()) else (bundle, twin)
        kept[bundle.key] = here.path
        if there is not None:
            twins.append(twice(here, there))
    return tuple(twins)


def find_bundles(
    what: str | Path,
    results: Path | None = None,
    follow: Follow = iter,
    passed_over: Callable[[BenchError], object] = lambda _: None,
) -> list[Bundle]:
    """Return the bundles that a word of the command line names, all of them readable (:func:`scan_named`).

    Args:
        what: a bundle, a folder of bundles, an id or a path inside ``results``, a host id or a stamp there.
        results: the results folder, for all but the first two.
        follow: given each folder that is read.
        passed_over: takes the error of each bundle that is there twice.

    Raises:
        UsageError: it names nothing.
        DamagedData: a bundle among them cannot be read.
    """
    found = scan_named(what, results, follow)
    if found.problems:
        raise found.problems[0]
    for twin in found.twins:
        passed_over(twin)
    return list(found.bundles)


def scan_named(what: str | Path, results: Path | None = None, follow: Follow = iter, read: Read = read_bundle) -> Scan:
    """Return the bundles that a word of the command line names, and what could not be read of them.

    Args:
        what: a bundle, a folder of bundles, an id or a path inside ``results``, a host id or a stamp there.
        results: the results folder, for all but the first two.
        follow: given each folder that is read.
        read: reads each.

    Raises:
        UsageError: it names nothing.
        DamagedData: it names a folder that holds none.
    """
    path = Path(what)
    found = _scan_at(path, follow, read)
    if found == NOTHING and results is not None and not path.is_absolute():
        # A host's own results and those shipped or imported as reference are one history; its own copy counts.
        both = results / "reference" / path, results / path
        found = _together([_scan_at(folder, follow, read) for folder in both])
    if found == NOTHING and results is not None and is_stamp(str(what)):
        stamped = (*results.glob(f"*/*/{what}"), *results.glob(f"*/*/*/{what}"))
        found = _together([scan(folder, follow, read) for folder in stamped])
    if found != NOTHING:
        return found
    if path.is_dir():
        raise no_bundle_in(path)
    where = "" if results is None else f" in {results}"
    raise UsageError(f"there is no result '{what}'{where}", fix="see `bench history NAME` for ids, or give a bundle")


def _together(scans: Iterable[Scan]) -> Scan:
    """One scan of several, in which each result counts once, by its last copy."""
    found = list(scans)
    by_key = {bundle.key: bundle for one in found for bundle in one.bundles}
    return Scan(
        tuple(by_key[key] for key in sorted(by_key)),
        tuple(problem for one in found for problem in one.problems),
        tuple(twin for one in found for twin in one.twins),
    )


class NoBundle(DamagedData):
    """A folder is there and holds no bundle. Where it may hold none, as a baseline may, this is an answer."""


def no_bundle_in(folder: Path) -> NoBundle:
    """Return what is wrong with a folder that is there and is none of ours."""
    return NoBundle(
        f"there is no bundle in {folder}", "it is empty, or of another tool", "give a bundle or a folder of bundles"
    )


def _scan_at(path: Path, follow: Follow, read: Read) -> Scan:
    """The bundles at a path; none if it is no folder or has none."""
    if path.name == RECORD and path.is_file():
        try:
            return Scan((read(path),), ())
        except BenchError as error:
            return Scan((), (error,))
    return scan(path, follow, read) if path.is_dir() else NOTHING
