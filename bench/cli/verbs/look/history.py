"""The verb ``history``: all results of a diagnostic over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from bench.cli import completion, options
from bench.cli.app import app
from bench.cli.inputs import entry_of, listed, read_listed
from bench.cli.output import Console, notify, print_json
from bench.record.index.entries import Entry
from bench.record.index.listing import kind_of


@app.command("history")
def history_(
    name: Annotated[str, typer.Argument(help="A diagnostic's name, as in grad_cpu.", autocompletion=completion.names)],
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> None:
    """Show all results of a diagnostic over time, by host.

    Example: bench history grad_cpu
    """
    listing = listed(results)
    entries = sorted((entry for entry in listing.entries if entry.diagnostic == name), key=lambda one: one.stamp)
    if not entries:
        options.diagnostic_called(name)
        notify(f"no result of {name} lies in {results}")
    if json:
        print_json([bundle.record for bundle in read_listed(listing, entries)])
        return
    from bench.report.terminal.history import history_view

    newest, older = shown_of(entries)
    shown = [entry_of(bundle) for bundle in read_listed(listing, newest)]
    counts = Counter[tuple[str, str]]()
    # Of one kind are all of one group: whoever of them is shown tells the group of those that are not.
    groups = {(kind_of(entry.record), entry.record.host.id): entry.key for entry in shown}
    for kind, count in older.items():
        counts[groups.get(kind, ("", ""))] += count
    Console.out().print(history_view(shown, counts))


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
