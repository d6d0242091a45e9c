"""The verb ``reproduce``: a result's diagnostic once more, on this host, beside the original."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bench.catalog.load import builtin
from bench.catalog.model import Diagnostic
from bench.cli import options
from bench.cli.app import app
from bench.cli.console import Console, complain_of, notify, print_json
from bench.cli.measure import NEED_BYTES
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
from bench.report.terminal.compare import comparison_view
from bench.run.announce import what_was_run
from bench.run.baseline import Baseline
from bench.run.orphans import recover_all
from bench.run.plan import Plan
from bench.run.project import need_of, of_node
from bench.run.reproduce import (
    Here,
    Mismatch,
    check_origin,
    has_and_lacks,
    mismatches,
    parse_allow,
    plan_again,
    require,
)
from bench.run.session import Session
from bench.run.source import read_catalog_source, read_project
from bench.run.workflow import measure


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
    record = _original(bundle, results)
    plan, left_out = _plan(record, project, requirements, trust=trust)
    first, *more = what_was_run(record, plan)
    notify(f"reproducing {first}")
    for line in more:
        notify(f"  {line}")
    check_results_folder(results, NEED_BYTES)
    where = choose(engine or (record.engine.name if record.engine.name in {"docker", "local"} else None), host, notify)
    with measuring(if_busy, notify), Progress() as watch:
        recover_all(where, results, notify)
        with Session(where, notify, results, watch) as session:
            found = (*left_out, *mismatches(record, plan, _here(record, plan, session)))
            _tell(found)
            require(found, allowed)
            finished = measure(plan, session, Baseline((record,), asked=True), reproduces=record.id)
    comparison = compare(record, finished.record)
    if json:
        print_json({"path": str(finished.path), "mismatches": found, "comparison": comparison})
    else:
        Console.out().print(comparison_view(comparison))
        notify(f"written to {finished.path}")
    complain_of([finished.problem])
    return int(finished.exit_code or (ExitCode.REGRESSED if comparison.status == "code_regressed" else ExitCode.OK))


def _original(word: str, results: Path) -> Record:
    """The record that is meant, of a bundle that is as it was written.

    Raises:
        DamagedData: it is not.
        UsageError: the word names no bundle, or more than one.
    """
    with _bundle(word, results) as found:
        problems = verify_bundle(found.path)
        if problems:
            raise DamagedData(f"{found.path} is not as it was written", str(problems[0]), "restore it from its source")
        return found.record


@contextmanager
def _bundle(word: str, results: Path) -> Iterator[Bundle]:
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


def _plan(
    record: Record, project: Path | None, requirements: Path | None, *, trust: bool
) -> tuple[Plan, tuple[Mismatch, ...]]:
    """What to run so that it is the record's own diagnostic, and what of the record is left out."""
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
    return plan_again(record, diagnostic, catalog, source, trust=trust, tree=tree, need=need)


def _of_record(record: Record) -> Diagnostic:
    made = of_node(record.diagnostic.node or "", "cuda" if record.diagnostic.device == "cuda" else "cpu")
    return replace(made, name=record.diagnostic.name)


def _here(record: Record, plan: Plan, session: Session) -> Here:
    """What this machine offers, told beside what the record had."""
    engine = session.engine
    place = session.place(plan.need)
    described = engine.describe(plan.task.limits)
    here = Here(
        engine.name,
        described.cgroup_version,
        engine.capacity(),
        session.host_class()[0],
        place,
        described.version,
    )
    for line in has_and_lacks(record, here):
        notify(f"  {line}")
    return here


def _tell(found: Sequence[Mismatch]) -> None:
    for mismatch in found:
        if mismatch.blocking:
            notify(f"  cannot be matched: {mismatch}")
