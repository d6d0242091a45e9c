"""Which results a comparison is about: of a long history the newest, read; of the rest no more than the index knows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bench.cli.inputs import READING, listed, read_listed
from bench.cli.output import notify
from bench.errors import BenchError
from bench.record.index.entries import Entry
from bench.record.index.listing import list_results
from bench.record.index.results import NEWEST, Listing, newest_of_kinds
from bench.record.schema import Record
from bench.record.storage.bundle import RECORD, Bundle
from bench.record.storage.find import find_bundles

Give = Callable[[int], list[Bundle]]
"""Reads the newest results of a diagnostic that a word names: so many of each kind and host."""


class Named:
    """The results that the words of a comparison name.

    Args:
        words: bundles, folders of bundles, or host ids.
        results: the results folder.
    """

    def __init__(self, words: Sequence[str], results: Path) -> None:
        self._results = results
        self._known: Listing | None = None
        self._found = [self._of(word) for word in words]

    def bundles(self) -> list[list[Bundle]]:
        """Return for each word its results of the diagnostics that all words have, oldest first; if there is no such
        diagnostic, its newest of each.
        """
        held = [{name for name, _ in found} for found in self._found]
        shared = set.intersection(*held)
        groups = []
        for found in self._found:
            read: list[Bundle] = []
            for name, give in found:
                read += give(NEWEST if name in shared else 1)
            groups.append(sorted(read, key=lambda bundle: bundle.record.stamp))
        return groups

    def history(self, found: Iterable[Iterable[Bundle]]) -> list[Record]:
        """Return the results in the results folder of what :meth:`bundles` found: the same diagnostics on the same
        hosts, the newest of each kind.
        """
        if self._known is None:
            self._known = listed(self._results)
        groups = [list(group) for group in found]
        read = {os.path.realpath(bundle.path): bundle.record for group in groups for bundle in group}
        names = set.intersection(*({bundle.record.diagnostic.name for bundle in group} for group in groups))
        hosts = {bundle.record.host.id for group in groups for bundle in group}
        entries = newest_of_kinds(self._known.of(names, hosts))[0]
        paths = {entry.path: os.path.realpath(self._known.path(entry)) for entry in entries}
        missing = [entry for entry in entries if paths[entry.path] not in read]
        rest = read_listed(self._known, missing, explained=False)
        return [*(read[path] for path in paths.values() if path in read), *(bundle.record for bundle in rest)]

    def _of(self, word: str) -> list[tuple[str, Give]]:
        """The diagnostics that a word names, and what reads their results."""
        folder = Path(word)
        inside = self._results / folder
        if folder.name == RECORD or (folder / RECORD).is_file() or not (folder.is_dir() or inside.is_dir()):
            return _read(find_bundles(word, self._results, READING, _passed_over))
        if folder.is_dir() and (listing := list_results(folder, READING)).found:
            return _listed(listing, word)
        if folder.is_absolute() or not inside.is_dir() or (inside / RECORD).is_file():
            return _read(find_bundles(word, self._results, READING, _passed_over))
        if self._known is None:
            self._known = listed(self._results)
        # A host's own results and those shipped or imported as reference are one history.
        both = self._known.below(word, f"reference/{word}")
        return _listed(both, word) if both.found else _read(find_bundles(word, self._results, READING, _passed_over))


def _passed_over(twin: BenchError) -> None:
    notify(f"passed over: {twin}")


def _read(bundles: Sequence[Bundle]) -> list[tuple[str, Give]]:
    names = dict.fromkeys(bundle.record.diagnostic.name for bundle in bundles)
    return [
        (name, lambda _, name=name: [one for one in bundles if one.record.diagnostic.name == name])  # type: ignore[misc]
        for name in names
    ]


def _listed(listing: Listing, word: str) -> list[tuple[str, Give]]:
    if listing.problems:
        raise listing.problems[0]
    for twin in listing.twins:
        _passed_over(twin)
    by_name: dict[str, list[Entry]] = {}
    for entry in listing.entries:
        by_name.setdefault(entry.diagnostic, []).append(entry)

    def reader(name: str) -> Give:
        def read(most: int) -> list[Bundle]:
            entries, older = newest_of_kinds(by_name[name], most)
            if older and most == NEWEST:
                notify(f"{word}: {older} older results of {name} are left out; the newest {NEWEST} of each kind count")
            return sorted(read_listed(listing, entries, explained=False), key=lambda bundle: bundle.record.stamp)

        return read

    return [(name, reader(name)) for name in by_name]
