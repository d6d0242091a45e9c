"""The verbs that run something known once more: ``reproduce`` on this host, ``whatif`` under variants."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bench.catalog.load import builtin
from bench.catalog.model import Diagnostic
from bench.cli import complete, options
from bench.cli.app import app
from bench.cli.console import Console, notify, print_json
from bench.cli.measure import NEED_BYTES, plan_of
from bench.cli.progress import Progress
from bench.compare.verdict import compare
from bench.engine.assets import diagnostics_folder
from bench.engine.choose import choose
from bench.engine.lock import measuring
from bench.engine.protocol import Need
from bench.errors import DamagedData, ExitCode, UsageError
from bench.record.archive import import_archive
from bench.record.bundle import Bundle, read_bundle
from bench.record.disk import check_results_folder
from bench.record.find import find_bundles
from bench.record.schema import Record
from bench.record.verify import verify_bundle
from bench.report.entry import Entry
from bench.report.terminal.compare import comparison_view
from bench.report.terminal.whatif import VariantLine, whatif_view
from bench.run.announce import what_was_run
from bench.run.baseline import Baseline
from bench.run.orphans import recover_all
from bench.run.plan import Options, parse_env
from bench.run.project import need_of, of_node
from bench.run.reproduce import (
    Here,
    check_origin,
    has_and_lacks,
    mismatches,
    parse_allow,
    plan_again,
    require,
)
from bench.run.session import Session
from bench.run.source import read_catalog_source, read_project
from bench.run.whatif import VARIED, Tried, advice, name_of, select, try_variants
from bench.run.workflow import Finished, measure


@app.command()
def reproduce(
    bundle: Annotated[str, typer.Argument(help="A bundle's folder, an archive, or a path inside the results.")],
    engine: options.EngineName = None,
    host: options.HostUrl = None,
    results: options.Results = options.DEFAULT_RESULTS,
    allow: Annotated[
        str, typer.Option("--allow", help="Differences to accept, as in engine,image.", metavar="LIST")
    ] = "",
    trust: Annotated[
        bool, typer.Option("--trust", help="Run a project's test, and take over all of the environment.")
    ] = False,
    project: options.Project = None,
    requirements: Annotated[
        Path | None, typer.Option("--requirements", help="What the project needs beside torch.", metavar="FILE")
    ] = None,
    if_busy: options.Busy = "wait",
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Run a result's diagnostic again here, and show both.

    The same diagnostic, image, limits and environment; what cannot be the same is said before, and refused until
    --allow names it.

    Example: bench reproduce grad.tar.zst --allow cgroup
    """
    allowed = parse_allow(allow)
    with _original(bundle, results) as found:
        problems = verify_bundle(found.path)
        if problems:
            raise DamagedData(f"{found.path} is not as it was written", str(problems[0]), "restore it from its source")
        record = found.record
    catalog = options.catalog_with(project)
    diagnostic = next((one for one in catalog.diagnostics if one.name == record.diagnostic.name), None)
    if diagnostic is None and project is not None and record.diagnostic.node:
        diagnostic = _of_record(record)
    check_origin(record, diagnostic is not None)
    assert diagnostic is not None  # noqa: S101, check_origin refuses it
    ours = diagnostic in builtin().diagnostics
    if not ours and not trust:
        raise UsageError("a project's test is run only with --trust", fix="look at the checkout, then add --trust")
    need: Need | None = None
    if ours or project is None:
        source, tree = read_catalog_source(diagnostics_folder()), None
    else:
        source, tree = read_project(project)
        need = need_of(diagnostic, project, requirements)
    plan, left_out = plan_again(record, diagnostic, catalog, source, trust=trust, tree=tree, need=need)
    first, *more = what_was_run(record, plan)
    notify(f"reproducing {first}")
    for line in more:
        notify(f"  {line}")
    check_results_folder(results, NEED_BYTES)
    where = choose(engine or (record.engine.name if record.engine.name in {"docker", "local"} else None), host, notify)
    with measuring(if_busy, notify), Progress() as watch:
        recover_all(where, results, notify)
        with Session(where, notify, results, watch) as session:
            place = session.place(plan.need)
            described = where.describe(plan.task.limits)
            here = Here(
                where.name,
                described.cgroup_version,
                where.capacity(),
                session.host_class()[0],
                place,
                described.version,
            )
            for line in has_and_lacks(record, here):
                notify(f"  {line}")
            found_here = (*left_out, *mismatches(record, plan, here))
            for mismatch in found_here:
                if mismatch.blocking:
                    notify(f"  cannot be matched: {mismatch}")
            require(found_here, allowed)
            finished = measure(plan, session, Baseline((record,), asked=True), reproduces=record.id)
    comparison = compare(record, finished.record)
    if json:
        print_json({"path": str(finished.path), "mismatches": found_here, "comparison": comparison})
    else:
        Console.out().print(comparison_view(comparison))
        notify(f"written to {finished.path}")
    return int(finished.exit_code or (ExitCode.REGRESSED if comparison.status == "code_regressed" else ExitCode.OK))


@app.command()
def whatif(
    name: Annotated[str, typer.Argument(help="A name that 'bench list' shows.", autocompletion=complete.names)],
    variants: Annotated[
        str,
        typer.Option(
            "--variants",
            help="Variants to try, the reference first; 'threads' is 1, 2, 4 …",
            metavar="LIST",
            autocompletion=complete.variants,
        ),
    ] = "",
    repeat: Annotated[int, typer.Option("--repeat", help="Rounds, each with every variant once.", metavar="N")] = 5,
    profile: options.Profile = "full",
    engine: options.EngineName = None,
    host: options.HostUrl = None,
    cpus: options.Cpus = None,
    memory: options.Memory = None,
    env: options.Env = [],  # noqa: B006, typer copies it
    project: options.Project = None,
    results: options.Results = options.DEFAULT_RESULTS,
    if_busy: options.Busy = "wait",
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Run a diagnostic under variants, and say what to set.

    Example: bench whatif grad_cpu --profile smoke --variants glibc,jemalloc
    """
    catalog, diagnostic = options.diagnostic_called(name, project)
    if repeat < 1:
        raise UsageError(f"--repeat {repeat} runs nothing", fix="give 1 or more")
    check_results_folder(results, NEED_BYTES)
    with measuring(if_busy, notify), Progress() as watch, ExitStack() as stack:
        usual = choose(engine, host, notify)
        chosen = select(catalog.variants, [part for part in variants.split(",") if part], usual.capacity().cpus)
        asked = Options(
            profile=profile, cpus=cpus, memory_bytes=options.size_of(memory), env=parse_env(env), repeat=repeat
        )
        engines = {usual.name: usual}
        sessions: dict[str, Session] = {}
        plans = []
        for variant in chosen:
            kind = variant.engine or usual.name
            if kind not in engines:
                engines[kind] = choose(kind, host if kind == "docker" else None, notify)
            plan = plan_of(
                diagnostic,
                asked,
                project=project if diagnostic not in builtin().diagnostics else None,
                requirements=None,
                catalog=catalog,
                variant=variant.name,
            )
            plans.append(plan)
        shared = {kind: stack.enter_context(Session(found, notify, results, watch)) for kind, found in engines.items()}
        for plan in plans:
            kind = (plan.variant.engine if plan.variant else None) or usual.name
            sessions[name_of(plan)] = shared[kind]
        for found in engines.values():
            recover_all(found, results, notify)
        tried = try_variants(plans, sessions, repeat)
    reference = tried[0].finished
    lines = [_line(one, reference) for one in tried]
    comparisons = {line.name: line.comparison for line in lines if line.comparison is not None}
    said = advice(comparisons, chosen)
    if json:
        print_json({"reference": chosen[0].name, "variants": lines, "advice": said})
    else:
        Console.out().print(whatif_view(diagnostic.name, lines, said))
    outcomes = [one.finished.exit_code for one in tried if one.finished is not None]
    return int(max(outcomes, default=ExitCode.NOT_MEASURED))


@contextmanager
def _original(word: str, results: Path) -> Iterator[Bundle]:
    """The one bundle that is meant; of an archive, unpacked to a folder that goes."""
    path = Path(word)
    if path.is_file() and path.name != "record.json":
        with tempfile.TemporaryDirectory(prefix="bench-import-") as folder:
            imported = import_archive(path, Path(folder)).imported
            if len(imported) != 1:
                raise UsageError(f"{path} holds {len(imported)} bundles", fix="import it and name one of them")
            yield read_bundle(imported[0])
        return
    bundles = find_bundles(word, results)
    if len(bundles) != 1:
        raise UsageError(f"'{word}' names {len(bundles)} bundles", fix="name one of them")
    yield bundles[0]


def _of_record(record: Record) -> Diagnostic:
    made = of_node(record.diagnostic.node or "", "cuda" if record.diagnostic.device == "cuda" else "cpu")
    return replace(made, name=record.diagnostic.name)


def _line(tried: Tried, reference: Finished | None) -> VariantLine:
    """A variant as the table shows it, against the first."""
    finished = tried.finished
    if finished is None:
        return VariantLine(tried.variant.name, tried.variant.about, None, passed=False, problem=tried.problem)
    record = finished.record
    against = reference is not None and finished is not reference
    return VariantLine(
        tried.variant.name,
        tried.variant.about,
        Entry(record).wall_s,
        passed=record.outcome == "passed",
        comparison=compare(reference.record, record, accept=VARIED) if against and reference is not None else None,
        problem=None,
    )
