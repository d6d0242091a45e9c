"""A report for programs: one JSON document (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bench.compare.explain.difference import DeltaExplanation, Explanation
from bench.report.entry import Entry, worst_first
from bench.report.text import json_pieces
from bench.times import utc_text

if TYPE_CHECKING:
    from bench.compare.comparison import (
        Comparison,
    )  # it brings the statistics, of which results by themselves need none

SCHEMA = "bench.report/1"


def report_document(
    entries: Sequence[Entry],
    comparisons: Sequence[Comparison] = (),
    *,
    unreadable: Sequence[str] = (),
    now: datetime | None = None,
) -> dict[str, Any]:
    """Return all results with their records, the worst first, and the comparisons, as data that ``json`` can write.

    The base of an experiment follows its head, and is not counted by itself.

    Args:
        entries: results, any order; their samples are left out.
        comparisons: what was compared.
        unreadable: sentences on what is left out, since it cannot be read.
        now: when it was made; the current time if it is not given.
    """
    ordered = worst_first(entries)
    whole = [one for entry in ordered for one in ((entry,) if entry.base is None else (entry, entry.base))]
    return {
        "schema": SCHEMA,
        "made_at": utc_text((now or datetime.now(UTC)).timestamp()),
        "counts": dict(Counter(entry.state.code for entry in ordered)),
        "results": [msgspec.to_builtins(result_document(entry)) for entry in whole],
        "unreadable": list(unreadable),
        "comparisons": [msgspec.to_builtins(comparison) for comparison in comparisons],
    }


def result_document(entry: Entry) -> dict[str, Any]:
    """Return one result of the document, its record as it is."""
    return {
        "origin": entry.origin,
        "group": entry.group,
        "state": entry.state.code,
        "wall_s": entry.wall_s,
        "record": entry.record,
    }


def document_parts(counts: Mapping[str, int], results: Iterable[bytes], unreadable: Sequence[str]) -> Iterator[str]:
    """Yield the same document as text, of results that are compared with nothing and come one at a time.

    Args:
        counts: of the states of all results.
        results: in their order, each the JSON of a :func:`result_document`.
        unreadable: read once the results are at their end.
    """
    made = report_document([]) | {"counts": dict(counts)}
    written = 0
    yield "".join(json_pieces(msgspec.json.encode(made))).partition(_NO_RESULT)[0]
    for written, result in enumerate(results, 1):
        yield f"{_RESULTS if written == 1 else ','}\n    "
        yield from json_pieces(result, "    ")
    yield "\n  ]" if written else _NO_RESULT
    yield "".join(json_pieces(msgspec.json.encode(made | {"unreadable": list(unreadable)}))).partition(_NO_RESULT)[2]


_RESULTS = '\n  "results": ['
_NO_RESULT = f"{_RESULTS}]"


def explanation_document(explanation: Explanation | DeltaExplanation) -> dict[str, Any]:
    """Return an explanation as plain data; the seconds of a term that nobody measured are ``None``, never 0."""
    document: dict[str, Any] = msgspec.to_builtins(explanation)
    if isinstance(explanation, Explanation):
        _unknown_as_none(document["budget"]["terms"], explanation.budget.unknown)
        return document
    unknown: list[str] = []
    for side, one in (("a", explanation.a), ("b", explanation.b)):
        _unknown_as_none(document[side]["budget"]["terms"], one.budget.unknown)
        unknown += one.budget.unknown
    _unknown_as_none(document["terms"], unknown)
    return document


def _unknown_as_none(terms: Sequence[dict[str, Any]], unknown: Sequence[str]) -> None:
    for term in terms:
        if term["name"] in unknown:
            term["seconds"] = None
