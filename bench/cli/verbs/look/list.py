"""The verb ``list``: what can be run, and how it last went."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bench.catalog.load import builtin, document
from bench.catalog.model import SELFTEST
from bench.cli import options
from bench.cli.app import app
from bench.cli.inputs import REFERENCE, entry_of, listed, read_listed, this_host
from bench.cli.next_step import command, project_words, results_words, suggest
from bench.cli.output import Console, notify, print_json
from bench.record.index.entries import Entry as Listed
from bench.record.index.results import Listing, newest_each
from bench.record.schema import Experiment

if TYPE_CHECKING:
    from bench.record.storage.bundle import Bundle
    from bench.report.entry import Entry


@app.command("list")
def list_(
    project: options.Project = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> None:
    """Show what can be run, and when it last ran here.

    A bench.toml in the current folder is read too, or that of --project.

    Example: bench list --project ~/my-checkout
    """
    project = project or (Path() if options.named_in(Path()) else None)
    catalog = options.catalog_with(project)
    listing = listed(results)
    own = listing.outside(REFERENCE).newest()
    shown = {diagnostic.name for diagnostic in catalog.diagnostics}
    newest = [entry for name, entry in newest_each(own).items() if name in shown]
    last = _read(listing, newest)
    if json:
        print_json([row | {"last": _last(last.get(row["name"]))} for row in document(catalog)])
        return
    from bench.report.terminal.catalog import catalog_table

    host = this_host() if own else None
    of_host = [entry for name, entry in newest_each(one for one in own if one.host == host).items() if name in shown]
    here = {name: entry for name, entry in last.items() if entry.record.host.id == host}
    here |= _read(listing, [entry for entry in of_host if entry not in newest])
    Console.out().print(catalog_table(catalog, here, last))
    known = [one.name for one in catalog.diagnostics if one.device == "cpu" and one.name != SELFTEST]
    shipped = {one.name for one in builtin().diagnostics}
    named = [name for name in known if name not in shipped]
    if project is not None and not named and (node := _first_test(project)) is not None:
        suggest("run", *project_words(project), "--node", node, *results_words(results))
    elif named:
        suggest("run", named[-1], *project_words(project), *results_words(results))
    elif known:
        notify(f"your own test: {command('run', '--project', 'DIR', '--node', 'FILE::TEST')}")
        suggest("run", known[0], "--profile", "smoke", *results_words(results))


def _read(listing: Listing, newest: Iterable[Listed]) -> dict[str, Entry]:
    """The newest results by the names of their diagnostics; a side of an experiment with the other one."""
    found = {}
    for bundle in read_listed(listing, newest):
        name, side = bundle.record.diagnostic.name, isinstance(bundle.record.experiment, Experiment)
        found[name] = _experiment(listing, bundle) if side else entry_of(bundle)
    return found


def _experiment(listing: Listing, newest: Bundle) -> Entry:
    """The experiment of the newest result: both sides are written one after the other."""
    from bench.report.experiments import with_experiments  # it brings the statistics

    record = newest.record
    on_host = (one for one in listing.of({record.diagnostic.name}) if one.host == record.host.id)
    before = [one for one in on_host if one.stamp < record.stamp]
    other = read_listed(listing, [max(before, key=lambda one: one.stamp)] if before else [])
    *_, told = with_experiments([entry_of(bundle) for bundle in (*other, newest)])
    return told


def _first_test(project: Path) -> str | None:
    from bench.cli.misspelt import first_test

    return first_test(project)


def _last(entry: Entry | None) -> dict[str, object] | None:
    if entry is None:
        return None
    record = entry.record
    status = entry.state.code if isinstance(record.experiment, Experiment) else record.verdict.status
    return {"id": record.id, "outcome": record.outcome, "status": status, "wall_s": entry.wall_s}
