"""The verb ``history``: all results of a diagnostic over time, and where their level changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.catalog.load import builtin, require_name
from bench.cli import completion, options
from bench.cli.app import app
from bench.cli.inputs import each_listed, entry_of, listed
from bench.cli.next_step import results_words, suggest
from bench.cli.output import Console, complain, notify, print_json
from bench.compare.measures import WALL, measures
from bench.errors import ExitCode, UsageError
from bench.record.index.entries import Entry
from bench.record.index.listing import kind_of
from bench.record.index.outcomes import Outcomes
from bench.record.index.results import Listing
from bench.record.schema import Record

if TYPE_CHECKING:
    from bench.compare.history.changes import Series  # it brings the statistics, which plain records do without


@app.command("history")
def history_(
    name: Annotated[str, typer.Argument(help="A diagnostic's name, as in grad_cpu.", autocompletion=completion.names)],
    metric: options.MetricName = WALL,
    gate: Annotated[
        bool, typer.Option("--gate", help="End with 1 if the newest level is worse than the one before, 6 if unknown.")
    ] = False,
    changes: Annotated[bool, typer.Option("--changes", help="Only the levels and the changes between them.")] = False,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Show the results of a diagnostic by host, and where they changed.

    Example: bench history grad_cpu
    """
    listing = listed(results)
    entries = sorted(listing.of({name}), key=lambda one: one.stamp)
    if not entries:
        known = dict.fromkeys(one.diagnostic for one in listing.entries)
        require_name(name, list(known | dict.fromkeys(one.name for one in builtin().diagnostics)))
        notify(f"no result of {name} lies in {results}")
    if not (json or gate or changes):
        _show(listing, entries, metric)
        _suggest(listing, entries, name, results)
        return ExitCode.OK
    records = [
        bundle.record for bundle in each_listed(listing, entries, explained=json)
    ]  # not their text: it is much more
    if json and not (gate or changes):
        _require(metric, records)
        print_json(records)
        return ExitCode.OK
    series = _series(records, metric)
    code = _gated(series) if gate else ExitCode.OK
    if json:
        print_json(_document(records, series, gate=gate))
        return code
    from bench.report.terminal.history import changes_view

    if not changes:
        _show(listing, entries, metric, series)
    else:
        Console.out().print(changes_view(series))
    _suggest(listing, entries, name, results)
    return code


def _suggest(listing: Listing, entries: Sequence[Entry], name: str, results: Path) -> None:
    """Suggest the newest two of one kind and host side by side, which are the likeliest to be alike."""
    newest = entries[-1] if entries else None
    if newest is None:
        suggest("run", name, *results_words(results))
        return
    alike = [one for one in entries if (one.kind, one.host) == (newest.kind, newest.host)][-2:]
    suggest("compare" if len(alike) > 1 else "explain", *map(listing.path, alike))


def _show(listing: Listing, entries: Sequence[Entry], metric: str, series: Sequence[Series] | None = None) -> None:
    """Print the newest results of each kind, and the changes among them, or those of all if they are known."""
    from bench.report.terminal.history import changes_view, history_view

    newest, older = shown_of(entries)
    shown = [entry_of(bundle) for bundle in each_listed(listing, newest, explained=False)]
    if series is None:
        series = _series([entry.record for entry in shown], metric)
    counts = Counter[tuple[str, str]]()
    # Of one kind are all of one group: whoever of them is shown tells the group of those that are not.
    groups = {(kind_of(entry.record), entry.record.host.id): entry.key for entry in shown}
    for kind, count in older.items():
        counts[groups.get(kind, ("", ""))] += count
    Console.out().print(history_view(shown, counts))
    if any(one.enough for one in series):
        Console.out().print(changes_view(series))


def shown_of(entries: Sequence[Entry]) -> tuple[list[Entry], dict[tuple[str, str], int]]:
    """Return the results that a history needs, and how many older ones each kind of them has on each host.

    Args:
        entries: results of one diagnostic, oldest first.
    """
    from bench.report.terminal.history import NEEDED

    by_kind: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        by_kind.setdefault((entry.kind, entry.host), []).append(entry)
    newest = [entry for group in by_kind.values() for entry in group[-NEEDED:]]
    older = {kind: len(group) - NEEDED for kind, group in by_kind.items() if len(group) > NEEDED}
    return sorted(newest, key=lambda one: one.stamp), older


def _series(records: Sequence[Record], metric: str) -> tuple[Series, ...]:
    from bench.compare.history.changes import series_of
    from bench.compare.stats.keeping import kept_in

    _require(metric, records)
    with kept_in(Outcomes()):
        return series_of(records, metric)


def _require(metric: str, records: Sequence[Record]) -> None:
    """Refuse a figure that no result has."""
    if metric == WALL or not records:
        return
    there = list(dict.fromkeys(name for record in records for name in measures(record)))
    if metric not in there:
        raise UsageError(
            f"these results have no figure '{metric}'", fix=f"name one of: {', '.join(there) or 'none has any'}"
        )


def _document(records: Sequence[Record], series: Sequence[Series], *, gate: bool) -> dict[str, Any]:
    """One document of the levels, the changes, and what the gate says if it was asked."""
    from bench.compare.history.changes import worst_first
    from bench.compare.history.gate import gate as code_of

    document: dict[str, Any] = {
        "results": len(records),
        "series": series,
        "changes": worst_first([change for one in series for change in one.changes]),
    }
    return {**document, "gate": int(code_of(series))} if gate else document


def _gated(series: Sequence[Series]) -> int:
    """The exit code of the gate, with a line for each level that is worse and each series that is too short."""
    from bench.compare.history.gate import gate, too_short, worsened
    from bench.report.changes import sentence, too_few_text

    undirected = next((one for one in series if one.better == "none"), None)
    if undirected is not None:
        raise UsageError(
            f"nobody told whether more or less of '{undirected.metric}' is better, so it is no gate",
            fix='let the test record it with "better": "higher" or "lower"',
        )
    for change in worsened(series):
        complain(f"--gate: {sentence(change)}")
    for one in too_short(series):
        complain(f"--gate: {too_few_text(one)}")
    return int(gate(series))
