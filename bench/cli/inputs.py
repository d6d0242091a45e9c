"""What the words of a command line name, read: bundles, entries of a report, archives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from bench.cli.console import notify
from bench.cli.steps import Steps
from bench.compare.verdict import Comparison
from bench.errors import DamagedData, UsageError
from bench.names import numbered
from bench.record.bundle import Bundle
from bench.record.find import find_bundles
from bench.record.schema import Record
from bench.report.entry import NO_SAMPLES, Entry
from bench.run.baseline import read_results

SAMPLES = "artifacts/samples.csv"
READING = Steps("reading results")


class _Compared(msgspec.Struct, frozen=True):
    """The part of ``bench compare --json`` that a report takes up."""

    comparisons: tuple[Comparison, ...]


def entry_of(bundle: Bundle, *, samples: bool = False) -> Entry:
    """A bundle as a report takes it, with the samples of its typical run, the one that is drawn, where asked for."""
    record = bundle.record
    entry = Entry(record, str(bundle.path), NO_SAMPLES)
    typical = entry.typical if samples else None
    if typical is None:
        return entry
    total = max(record.runs_asked or 1, len(record.runs))
    text = _samples(bundle, record.runs.index(typical), total)
    return entry if text is None else replace(entry, samples={typical.index: text})


def _samples(bundle: Bundle, at: int, total: int) -> str | None:
    """The samples of a run, also where an older version numbered by the runs that were made."""
    text = bundle.read_text(numbered(SAMPLES, at, total))
    return bundle.read_text(SAMPLES) if text is None and at == 0 else text


def bundles_named(words: Sequence[str], results: Path) -> list[list[Bundle]]:
    """For each word the bundles that it names, oldest first."""
    found = [find_bundles(word, results, READING) for word in words]
    return [sorted(group, key=lambda bundle: bundle.record.stamp) for group in found]


def all_results(results: Path) -> tuple[Bundle, ...]:
    """Every bundle of the results folder, oldest first; a line for each that is damaged or of a newer schema."""
    return read_results(results, READING, lambda problem: notify(f"passed over: {problem}"))


def records_by_name(bundles: Sequence[Bundle]) -> dict[str, list[Record]]:
    """Records by diagnostic, each in the order of the bundles."""
    found: dict[str, list[Record]] = {}
    for bundle in bundles:
        found.setdefault(bundle.record.diagnostic.name, []).append(bundle.record)
    return found


def read_comparisons(path: Path) -> tuple[Comparison, ...]:
    """What ``bench compare --json`` wrote into a file.

    Raises:
        UsageError: there is no such file.
        DamagedData: it holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Compared).comparisons
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read", str(error.strerror), "give what 'bench compare --json' wrote"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedData(f"{path} holds no comparisons", str(error), "write it with 'bench compare --json'") from None
