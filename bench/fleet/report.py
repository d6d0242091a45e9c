"""What a fleet found: a line a leg, and for each diagnostic the rankings of its hosts and variants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from bench.catalog.model import SELFTEST
from bench.compare.ranking import rank
from bench.errors import BenchError, NotComparable
from bench.fleet.legs import LegEnd
from bench.record.schema import Record
from bench.record.storage.bundle import read_bundle
from bench.report.terminal.fleet import LegLine, RankedCells
from bench.run.whatif import VARIED


def line_of(end: LegEnd) -> LegLine:
    """Return a leg with its record, and why it did not pass, or which readings of a self-test are off."""
    record, why = None, [end.said] if end.said else []
    if end.bundle is not None:
        try:
            record = read_bundle(end.bundle).record
        except BenchError as error:
            why = [str(error)]
    if record is not None:
        passed = record.outcome == "passed" and not end.exit_code
        why = [] if passed else [*record.verdict.reasons] or why
    path = str(end.bundle) if end.bundle is not None else None
    return LegLine(end.host, end.address, end.cell.key, end.exit_code, record, path, tuple(why))


def ranked(lines: Sequence[LegLine]) -> tuple[tuple[RankedCells, ...], tuple[str, ...]]:
    """Return the rankings, and why some diagnostic has none.

    The reference of a diagnostic is the first host that measured it, under its first variant. If there are variants on
    several hosts, those of each further host are ranked against that host's own first one too: between two machines a
    variant's effect does not show.

    Args:
        lines: every leg, in the order of hosts and then of cells.
    """
    made, notes = [], []
    kept = [(line, line.record) for line in lines if line.record is not None and line.record.runs]
    measured = [pair for pair in kept if pair[1].diagnostic.name != SELFTEST]  # its loads are fixed, its limits differ
    by_name = sorted(measured, key=lambda pair: pair[1].diagnostic.name)
    for name, group in groupby(by_name, key=lambda pair: pair[1].diagnostic.name):
        pairs = list(group)
        varied = len({record.variant for _, record in pairs}) > 1
        called = {record.id: _called(line, record, varied=varied) for line, record in pairs}
        for title, records in _groups(name, pairs, varied=varied):
            try:
                ranking = rank(records, _reference(records), accept=VARIED if varied else ())
            except NotComparable as error:
                notes.append(f"{title}: {error}")
            else:
                made.append(RankedCells(title, ranking, called))
    return tuple(made), tuple(notes)


def _groups(
    name: str, pairs: Sequence[tuple[LegLine, Record]], *, varied: bool
) -> Iterator[tuple[str, Sequence[Record]]]:
    if len(pairs) < 2:
        return
    yield name, [record for _, record in pairs]
    by_host = [(host, [record for _, record in group]) for host, group in groupby(pairs, key=lambda pair: pair[0].host)]
    for host, records in by_host[1:] if varied else ():
        if len(records) > 1:
            yield f"{name} on {host}", records


def _reference(records: Sequence[Record]) -> int:
    """The first that gives a time, else the first."""
    timed = (at for at, record in enumerate(records) if any(run.outcome == "passed" for run in record.measured_runs))
    return next(timed, 0)


def _called(line: LegLine, record: Record, *, varied: bool) -> str:
    variant = record.variant or "as it is"
    return f"{line.host} {variant}" if varied else line.host
