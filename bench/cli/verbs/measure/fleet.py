"""The verb ``fleet``: diagnostics under variants on many machines, then all of them side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench.catalog.command import Asked, of_command
from bench.catalog.load import find, find_variant
from bench.cli import commands, completion, options
from bench.cli.app import app
from bench.cli.next_step import doctor_words, suggest
from bench.cli.output import Console, notify, print_json
from bench.cli.passed_on import names_and_options, takes_value
from bench.engine.docker.address import shown
from bench.errors import ExitCode, UsageError, gravest
from bench.fleet.cells import Cell, matrix, refuse_own
from bench.fleet.cluster import check_on, open_cluster
from bench.fleet.dask.spread import Spread
from bench.fleet.engines import run_on_engines
from bench.fleet.ledger import Ledger, fleet_id, ledger_path
from bench.fleet.legs import LegEnd, hosts_of, plan_legs
from bench.fleet.nodes import nodes_of
from bench.fleet.report import line_of, ranked
from bench.fleet.work import Work
from bench.record.redact import redact_words
from bench.record.storage.disk import check_results_folder
from bench.record.storage.output import find_output, write_output
from bench.report.entry import Entry
from bench.report.terminal.fleet import LegLine, RankedCells, fleet_view


@app.command(cls=commands.CommandVerb, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def fleet(
    context: typer.Context,
    name: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names that 'bench list' shows.",
            show_default=False,
            autocompletion=completion.names,
            metavar="[NAME...]",
        ),
    ] = None,
    host: Annotated[list[str], typer.Option("--host", help="A Docker engine's URL; repeat it.", metavar="URL")] = [],  # noqa: B006, typer copies it
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            help="Where legs run instead: dask://HOST:PORT, slurm or local.",
            metavar="WHERE",
            autocompletion=options.one_of("dask://", "slurm", "local"),
        ),
    ] = None,
    nodes: Annotated[
        str | None, typer.Option("--nodes", help="Of Slurm: so many nodes, or their names.", metavar="N|LIST")
    ] = None,
    sbatch: Annotated[
        list[str], typer.Option("--sbatch", help="An option of Slurm's sbatch; may be repeated.", metavar="WORD")
    ] = [],  # noqa: B006, typer copies it
    start_timeout: Annotated[
        str, typer.Option("--start-timeout", help="How long Slurm may take to give the nodes.", metavar="S")
    ] = "600",
    variants: Annotated[
        str,
        typer.Option(
            "--variants",
            help="Run each under these variants, the reference first.",
            metavar="LIST",
            autocompletion=completion.variants,
        ),
    ] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Run only legs that were not measured yet.")] = False,
    project: options.Project = None,
    results: options.Results = options.DEFAULT_RESULTS,
    html: Annotated[Path | None, typer.Option("--html", help="All of it as one page.", metavar="F")] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Run diagnostics or a command on many machines; compare them.

    A command stands behind --. Options of 'run' are passed on.

    Example: bench fleet grad_cpu --host ssh://one --host ssh://two
    """
    cells, passed_on = _asked(context, name or (), variants, project)
    refuse_own(passed_on, (*(("--engine",) if on is None else ()), *(("--variant",) if variants else ())))
    asked = nodes_of(on, nodes, sbatch, options.duration_of(start_timeout))
    hosts = hosts_of(host) if on is None else _no_host(host, on)
    if html is not None:
        find_output(html, "--html")
    check_results_folder(results)
    words = (*passed_on, *(("--project", str(project.resolve())) if project is not None else ()))
    name_ = fleet_id(cells, words, results)
    ledger = Ledger(ledger_path(name_), cells, resume=resume)
    if on is None:
        legs = plan_legs(cells, hosts, words, results)
        order = [one.host for lane in legs for one in lane[:1]]
        left = [[leg for leg in lane if not ledger.knows(leg.host, leg.cell)] for lane in legs]
        ends = [end for end in ledger.ends if end.host in order]
        ends += _followed(run_on_engines(left, notify), ledger)
    else:
        work = Work(name_, [(cell, cell.words(words)) for cell in cells], results, ledger.knows)
        ends = list(ledger.ends)
        with open_cluster(on, asked, notify) as cluster:
            ends += _followed(Spread(cluster, work, notify).run(), ledger)
        order = sorted({end.host for end in ends})
    return _show(_ordered(ends, order, cells), order if on is None else (), html, json=json)


def _no_host(hosts: Sequence[str], on: str) -> tuple[str, ...]:
    """Refuse two answers to where.

    Raises:
        UsageError: both were given, or a place that there is none of.
    """
    check_on(on)
    if hosts:
        raise UsageError(f"--host {shown(hosts[0])} and --on {on} were given", fix="leave one out")
    return ()


def _asked(
    context: typer.Context, given: Sequence[str], variants: str, project: Path | None
) -> tuple[tuple[Cell, ...], list[str]]:
    """What to measure, and the options that are passed on.

    Raises:
        UsageError: nothing was named, or nothing that there is.
    """
    words = commands.words_of(context)
    known = takes_value(context, "run")
    names, passed_on = names_and_options((*given, *context.args), known)
    if names and words:  # what stands behind -- are more options of run's
        more, further = names_and_options(words, known)
        names, passed_on, words = [*names, *more], [*passed_on, *further], None
    catalog = options.catalog_with(project)
    if names:
        cells = [Cell(find(catalog, one).name, one) for one in names]
    elif words:
        of_command(words, Asked(shell="--shell" in passed_on))  # what no node could run is refused here
        cells = [Cell(" ".join(redact_words(words)), command=tuple(words))]
    elif "--node" in passed_on:
        cells = [Cell(passed_on[passed_on.index("--node") + 1])]
    else:
        raise UsageError("nothing to run was named", fix="give a NAME that 'bench list' shows, or a command behind --")
    chosen = [part for part in variants.split(",") if part]
    for one in chosen:
        find_variant(catalog, one)
    return matrix(cells, chosen), passed_on


def _followed(ends: Iterator[LegEnd], ledger: Ledger) -> Iterator[LegEnd]:
    """Yield ends as they come, each noted down and reported first."""
    for end in ends:
        ledger.add(end)
        notify(_said(end))
        yield end


def _said(end: LegEnd) -> str:
    came = f", {end.bundle}" if end.bundle is not None else f": {end.said}" if end.said else ""
    return f"{end.host}: {end.cell.key} ended with {end.exit_code}{came}"


def _ordered(ends: Sequence[LegEnd], hosts: Sequence[str], cells: Sequence[Cell]) -> list[LegEnd]:
    at = {cell.key: place for place, cell in enumerate(cells)}
    return sorted(ends, key=lambda end: (hosts.index(end.host), at[end.cell.key]))


def _show(ends: Sequence[LegEnd], hosts: Sequence[str], html: Path | None, *, json: bool) -> int:
    lines = [line_of(end) for end in ends]
    rankings, notes = ranked(lines)
    for note in notes:
        notify(note)
    if html is not None:
        from bench.report.html.page import render_page

        entries = [Entry(line.record, line.path or "") for line in lines if line.record is not None]
        compared = [row for one in rankings for row in one.ranking.rows]
        write_output(html, render_page(entries, comparisons=compared, title="Fleet").encode(), "--html")
        notify(f"written to {html}")
    if json:
        print_json(_document(ends, lines, rankings))
    else:
        Console.out().print(fleet_view(lines, rankings))
        paths = [line.path for line in lines if line.record is not None and line.record.runs and line.path]
        nowhere = doctor_words(hosts[0] if hosts else None)
        suggest(*(("report", *paths, "--html", "fleet.html") if paths else nowhere))
    return int(gravest([end.exit_code for end in ends], ExitCode.NOT_MEASURED))


def _document(ends: Sequence[LegEnd], lines: Sequence[LegLine], rankings: Sequence[RankedCells]) -> dict[str, object]:
    legs = [
        {
            "host": line.host,
            "address": line.address or None,
            "host_id": line.host_id,
            "name": end.cell.label,
            "variant": end.cell.variant,
            "exit_code": line.exit_code,
            "outcome": line.record.outcome if line.record is not None else "not_measured",
            "path": line.path,
            "reasons": line.why,
            "said": end.said,
        }
        for end, line in zip(ends, lines, strict=True)
    ]
    found = [{"of": one.title, "ranking": one.ranking} for one in rankings]
    return {"legs": legs, "ranking": rankings[0].ranking if len(rankings) == 1 else None, "rankings": found}
