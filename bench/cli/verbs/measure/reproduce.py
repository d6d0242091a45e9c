"""The verb ``reproduce``: a result's diagnostic once more, on this host, beside the original."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from bench.catalog.load import builtin
from bench.catalog.model import Diagnostic
from bench.catalog.project import of_node, read_catalog
from bench.cli import commands, options
from bench.cli.app import app
from bench.cli.gates import code_of, document_of, held_to, parse_gates, print_held
from bench.cli.inputs import original
from bench.cli.next_step import doctor_words, suggest
from bench.cli.output import Console, announce, complain_of, notify, print_json
from bench.cli.session import choose, open_session
from bench.cli.verbs.measure.run import NEED_BYTES, wanted_work
from bench.compare.comparison import Comparison, compare
from bench.engine.absent import AbsentEngine
from bench.engine.assets import diagnostics_folder
from bench.engine.choose import CONTAINERS
from bench.engine.protocol import Capacity, Engine
from bench.errors import ExitCode, NotMeasured, UsageError, gravest
from bench.record.schema import Record, Source
from bench.record.storage.disk import check_results_folder
from bench.report.terminal.compare import comparison_view
from bench.report.text import plain
from bench.run.baseline import Baseline
from bench.run.image import with_image_of
from bench.run.measure import measure, not_begun
from bench.run.measurement import record_before
from bench.run.plan import Plan, need_of
from bench.run.reproduce.command import command_of, line_of
from bench.run.reproduce.limits import fitted
from bench.run.reproduce.mismatch import Mismatch, has_and_lacks, mismatches, parse_allow, require
from bench.run.reproduce.plan import Origin, check_origin, plan_again
from bench.run.reproduce.preview import limits_text, what_was_run
from bench.run.session import Session
from bench.run.source.keep import Code, kept_code
from bench.run.source.read import Checkout, read_catalog_source


@app.command()
def reproduce(
    context: typer.Context,
    bundle: Annotated[str, typer.Argument(help="A bundle's folder, an archive, or a path inside the results.")],
    engine: options.EngineName = None,
    host: options.HostUrl = None,
    results: options.Results = options.DEFAULT_RESULTS,
    allow: Annotated[
        str, typer.Option("--allow", help="Differences to accept, as in engine,image.", metavar="LIST")
    ] = "",
    trust: Annotated[
        bool,
        typer.Option(
            "--trust", help="Run a project's test or without a sandbox, and take over all of the environment."
        ),
    ] = False,
    project: options.Project = None,
    requirements: Annotated[
        Path | None, typer.Option("--requirements", help="What the project needs beside torch.", metavar="FILE")
    ] = None,
    python: commands.Python = None,
    input_: commands.Input = None,
    work: options.Work = None,
    fail_on: options.FailOn = [],  # noqa: B006, typer copies it
    if_busy: options.Busy = "wait",
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Run a result's diagnostic again here, and show both.

    The same diagnostic, image, limits and environment; what cannot be the same is said before, and refused until
    --allow names it.

    Example: bench reproduce grad.tar.zst --allow image,cpus
    """
    allowed, gate = parse_allow(allow), parse_gates(fail_on)
    counted = wanted_work(work, gated=gate is not None)
    record = original(bundle, results)
    if record.diagnostic.command is not msgspec.UNSET:
        announce(f"a command: {plain(line_of(record))}")
    again = command_of(record, input_ or _input_in(project, record))
    code = context.with_resource(kept_code(Checkout(project, results) if project else None))
    plan, left_out = _plan(record, again, code, _Given(requirements, python), trust=trust)
    commands.refuse_installing(requirements, python)
    engine = commands.engine_for(engine, plan.diagnostic, python)
    first, *more = what_was_run(record, plan)
    announce(f"reproducing {first}")
    for line in more:
        announce(f"  {line}")
    check_results_folder(results, NEED_BYTES)
    found: tuple[Mismatch, ...] = left_out
    with open_session(lambda _: _engine(record, engine, host, allowed), host, results, if_busy) as session:
        try:
            here = _here(record, plan, session, allowed)
            capacity = session.engine.capacity()
        except (NotMeasured, KeyboardInterrupt) as error:
            written = not_begun(plan, session, error, record.id)
        else:
            found = (*left_out, *mismatches(record, here, capacity))
            _tell(found)
            require(found, allowed)
            plan = _fitted(plan, record, capacity)
            written = measure(plan, session, Baseline((record,), asked=True), reproduces=record.id, work=counted)
    comparison = None if record.profiler else compare(record, written.record)
    held = held_to(gate, [None if comparison is None else comparison.work])
    if json:
        document = {"path": str(written.path), "record": written.record, "mismatches": found, "comparison": comparison}
        print_json(document | document_of(held))
    else:
        print_held(held)
        if comparison is not None:
            Console.out().print(comparison_view(comparison))
        notify(f"written to {written.path}")
        suggest(*(("explain", bundle, written.path) if written.record.runs else doctor_words(host)))
    complain_of(written.complaints)
    return int(gravest([written.exit_code or _regression(comparison), code_of(held)]))


def _regression(comparison: Comparison | None) -> ExitCode:
    regressed = comparison is not None and comparison.status == "code_regressed"
    return ExitCode.REGRESSED if regressed else ExitCode.OK


def _engine(record: Record, asked: str | None, host: str | None, allowed: Collection[str]) -> Engine:
    """The engine that is asked for, else the record's own. If that is not here, another container engine, or else this
    host itself: that is another engine, which must be allowed like any other.

    Raises:
        NotMeasured: Docker is asked for and no engine answers.
    """
    own = record.engine.name if record.engine.name in {*CONTAINERS, "local"} else None
    try:
        return choose(asked or own, host, notify)
    except NotMeasured as error:
        if asked or host:
            raise
        notify(f"  {error}")
        for other in sorted(CONTAINERS - {own}) if own in CONTAINERS else ():
            with suppress(NotMeasured):
                found = choose(other, None, notify)
                if found.name in CONTAINERS:
                    return found
        if "engine" in allowed:
            notify("  measuring on this host itself, without a container")
        return choose("local", None, notify)


def _input_in(project: Path | None, record: Record) -> Path | None:
    """The file that a project's ``bench.toml`` has its command of that name read; ``None`` if it names none."""
    named = read_catalog(project).diagnostics if project is not None else ()
    command = next((one.command for one in named if one.name == record.diagnostic.name), None)
    return project / command.input if project is not None and command is not None and command.input else None


@dataclass(frozen=True, slots=True)
class _Given:
    """What the command line gives of the place to run in."""

    requirements: Path | None
    python: str | None


def _plan(
    record: Record, command: Diagnostic | None, code: Code | None, given: _Given, *, trust: bool
) -> tuple[Plan, tuple[Mismatch, ...]]:
    """What to run so that it is the record's own diagnostic, and what of the record is left out."""
    catalog = options.catalog_with(code[1].root if code else None)
    diagnostic = command or next((one for one in catalog.diagnostics if one.name == record.diagnostic.name), None)
    if diagnostic is None and code is not None and record.diagnostic.node:
        diagnostic = _of_record(record)
    check_origin(record, diagnostic is not None)
    assert diagnostic is not None  # noqa: S101, check_origin refuses it
    ours = diagnostic in builtin().diagnostics
    if not ours and not trust:
        what = "a command" if command is not None else "a project's test"
        raise UsageError(f"{what} is run only with --trust", fix="look at what it runs, then add --trust")
    if command is not None and code is None:
        if record.diagnostic.source.kind == "project":
            raise UsageError("the command ran in a project's folder", fix="give its checkout with --project")
        origin = Origin(Source(kind="command"), python=given.python)
    elif ours or code is None:
        origin = Origin(read_catalog_source(diagnostics_folder()), python=given.python)
    else:
        source, tree = code
        diagnostic = with_image_of(diagnostic, record)
        need = need_of(diagnostic, tree.root, given.requirements, tree)
        origin = Origin(source, tree, need, given.python)
    return plan_again(record, diagnostic, catalog, origin, trust=trust)


def _of_record(record: Record) -> Diagnostic:
    made = of_node(record.diagnostic.node or "", "cuda" if record.diagnostic.device == "cuda" else "cpu")
    return replace(made, name=record.diagnostic.name)


def _here(record: Record, plan: Plan, session: Session, allowed: Collection[str]) -> Record:
    """The record that this machine begins, reported beside what the other had.

    On another engine that is not allowed nothing is built or installed, only to be refused.

    Raises:
        NotMeasured: there is no engine, image or GPU.
    """
    engine = session.engine
    absent = isinstance(engine, AbsentEngine)  # it reports why, and is no other engine
    problem = None
    if absent or engine.name == record.engine.name or "engine" in allowed:
        try:
            session.place(plan.need)
        except NotMeasured as error:
            problem = error
    here = record_before(plan, session)
    for line in has_and_lacks(record, here, engine.capacity()):
        notify(f"  {line}")
    if problem is not None:
        raise problem
    return here


def _tell(found: Sequence[Mismatch]) -> None:
    for mismatch in found:
        if mismatch.blocking:
            notify(f"  cannot be matched: {mismatch}")


def _fitted(plan: Plan, record: Record, capacity: Capacity) -> Plan:
    """The plan with limits that this host can give, reported if they are other ones."""
    fit = fitted(plan, capacity, record.host.class_.threads)
    if fit is not plan:
        notify(f"  limited here to {limits_text(fit.task.limits)}")
    return fit
