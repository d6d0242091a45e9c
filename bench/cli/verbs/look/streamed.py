"""``report --json`` of any number of results: each is read for its place in the document, and again to be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.cli.inputs import READING, entry_of
from bench.errors import BenchError
from bench.record.schema import Calibration, Experiment, Record
from bench.record.storage.bundle import Bundle, read_bundle
from bench.report.export.json_document import document_parts, result_document


class _Place(NamedTuple):
    """What decides where a result stands, worst first, and the word that it is counted by."""

    rank: int
    group: str
    host: str
    state: str


class Streamed:
    """Results of which no more than one is in memory, beside a few words of each.

    ``sides`` tells that one is a side of an experiment, which is reported with the other: then it is no list of
    single results.
    """

    def __init__(self) -> None:
        self.sides = False
        self._places: dict[Path, _Place] = {}
        self._first: dict[tuple[str, str], Record] = {}

    def read(self, folder: Path) -> Bundle:
        """Return a bundle by what it is known by alone: its host, diagnostic, id and stamp.

        Raises:
            BenchError: it cannot be read.
        """
        bundle = read_bundle(folder, explained=False)
        entry, record = entry_of(bundle), bundle.record
        self.sides = self.sides or isinstance(record.experiment, Experiment)
        self._places[bundle.path] = _Place(entry.state.rank, *entry.key, entry.state.code)
        first = self._first.get(bundle.key[:2])
        if first is None:
            first = msgspec.structs.replace(
                record, runs=(), unavailable={}, environ={}, image=None, environment=None, calibration=Calibration()
            )
            self._first[bundle.key[:2]] = first
        return Bundle(bundle.path, msgspec.structs.replace(first, id=record.id, stamp=record.stamp), b"")

    def document(self, bundles: list[Bundle], unreadable: list[str]) -> Iterator[str]:
        """Yield the text of the document, a result at a time.

        Args:
            bundles: what :meth:`read` returned, and somebody chose of it.
            unreadable: sentences on what is left out; one is added for each result that went away meanwhile.
        """
        newest = sorted(bundles, key=lambda one: one.record.stamp, reverse=True)
        ordered = sorted(newest, key=lambda one: self._places[one.path][:3])
        counts = Counter(self._places[bundle.path].state for bundle in ordered)
        yield from document_parts(counts, self._results(ordered, unreadable), unreadable)

    def _results(self, bundles: list[Bundle], unreadable: list[str]) -> Iterator[bytes]:
        for bundle in READING(bundles):
            try:
                read = read_bundle(bundle.path)
            except BenchError as error:
                unreadable.append(str(error))
            else:
                made = msgspec.json.encode(result_document(entry_of(read)))
                del read  # what is written needs its room
                yield made
