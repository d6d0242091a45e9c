"""The verb ``run``: one diagnostic, measured, with its evidence kept; the self-test runs its fixed loads instead."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench.catalog.command import Asked
from bench.catalog.load import builtin, find_variant
from bench.catalog.model import SELFTEST, Catalog, Device, Diagnostic
from bench.catalog.project import of_node, read_catalog
from bench.cli import commands, completion, options
from bench.cli.app import app
from bench.cli.commands import CommandVerb
from bench.cli.gates import code_of, document_of, held_to, parse_gates, print_held
from bench.cli.misspelt import wrong_with
from bench.cli.next_step import after_run, doctor_words, suggest
from bench.cli.output import Console, complain, complain_of, notify, print_json
from bench.cli.session import choose, open_session
from bench.compare.reference import like_or_newest, without
from bench.compare.sample import sample_of
from bench.compare.work.difference import WorkDifference, compare_work
from bench.engine.assets import diagnostics_folder
from bench.errors import UsageError, gravest
from bench.record.schema import Record, Source
from bench.record.storage.disk import check_results_folder
from bench.record.storage.find import NoBundle, find_bundles
from bench.report.entry import Entry
from bench.report.terminal.checks.selftest import selftest_view
from bench.report.terminal.results import first_summary, result_summary
from bench.run.baseline import Baseline, default_baseline
from bench.run.measure import measure
from bench.run.plan import Options, Plan, make_plan, need_of, parse_env
from bench.run.selftest.run import self_test
from bench.run.session import Session
from bench.run.source.keep import Code, kept_code
from bench.run.source.read import Checkout, read_catalog_source
from bench.run.work.counting import Wanted

NEED_BYTES = 256 * 1024**2
"""Room that a bundle may need, checked before a run."""


@app.command(cls=CommandVerb)
def run(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(help="A name that 'bench list' shows.", show_default=False, autocompletion=completion.names),
    ] = None,
    engine: options.EngineName = None,
    host: options.HostUrl = None,
    repeat: Annotated[int, typer.Option("--repeat", help="Fresh containers.", metavar="N")] = 1,
    profile: options.Profile = "full",
    cpus: options.Cpus = None,
    cpuset: options.Cpuset = None,
    memory: options.Memory = None,
    threads: options.Threads = None,
    timeout: options.Timeout = None,
    ceiling: options.Ceiling = None,
    env: options.Env = [],  # noqa: B006, typer copies it
    results: options.Results = options.DEFAULT_RESULTS,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", help="A bundle or folder to compare with.", metavar="PATH")
    ] = None,
    variant: Annotated[
        str | None,
        typer.Option("--variant", help="A variant of the catalog.", metavar="NAME", autocompletion=completion.variant),
    ] = None,
    profiler: Annotated[bool, typer.Option("--profiler", help="Run torch's profiler around the test.")] = False,
    project: options.Project = None,
    node: options.Node = [],  # noqa: B006, typer copies it
    device: options.Device = "cpu",
    requirements: Annotated[
        Path | None, typer.Option("--requirements", help="What the project needs beside torch.", metavar="FILE")
    ] = None,
    command_name: commands.Name = None,
    image: commands.Image = None,
    torch: commands.Torch = False,
    shell: commands.Shell = False,
    prepare: commands.Prepare = None,
    input_: commands.Input = None,
    expect_exit: commands.ExpectExit = 0,
    warmup: commands.Warmup = None,
    python: commands.Python = None,
    calibration: options.Calibration = True,
    work: options.Work = None,
    fail_on: options.FailOn = [],  # noqa: B006, typer copies it
    if_busy: options.Busy = "wait",
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Run a diagnostic or, behind --, a command; keep the evidence.

    Example: bench run grad_cpu --profile smoke --repeat 3
    """
    asked = Asked(command_name, image, torch, device_of(device), shell, prepare, input_, expect_exit)
    one = options.node_of(node)
    project = project or options.project_here(one, name)
    catalog, diagnostic = what_is_named(name, project, one, commands.words_of(context), asked)
    commands.refuse_installing(requirements, python)
    engine = commands.engine_for(engine, diagnostic, python)
    gate = parse_gates(fail_on)
    counted = wanted_work(work, gated=gate is not None)
    chosen = Options(
        repeat=repeat,
        profile=profile,
        cpus=cpus,
        cpuset=cpuset,
        memory_bytes=options.size_of(memory),
        threads=threads,
        timeout_s=options.duration_of(timeout),
        ceiling_s=options.duration_of(ceiling),
        env=parse_env(env),
        profiler=profiler,
        warmup=warmup,
        python=python,
    )
    if diagnostic.name == SELFTEST:
        refuse_options(chosen, variant)
        check_results_folder(results, NEED_BYTES)
        with open_session(
            lambda say: choose(engine, host, say), host, results, if_busy, calibration=calibration
        ) as session:
            return run_selftest(diagnostic, session, host, json=json)
    plan = plan_of(
        diagnostic,
        chosen,
        code=context.with_resource(kept_code(checkout_of(project, results, diagnostic))),
        requirements=requirements,
        catalog=catalog,
        variant=variant,
    )
    check_results_folder(results, NEED_BYTES)
    known = _baseline(baseline, results, plan)
    with open_session(
        lambda say: choose(_engine_of(plan, engine), host, say),
        host,
        results,
        if_busy,
        plan=plan,
        calibration=calibration,
    ) as session:
        written = measure(plan, session, known, work=counted)
    wrong = wrong_with(written.record, project, requirements, installs=python is None)
    if wrong is not None:
        complain(wrong.said)
    held = held_to(gate, _grown(written.record, known) if gate is not None else ())
    if json:
        print_json({"path": str(written.path), "record": written.record} | document_of(held))
    else:
        print_held(held)
        told = [line for line in written.complaints if line is not None]
        entry = Entry(written.record, str(written.path))
        first = not (told or known.records or known.asked) and entry.passed and entry.wall_s is not None
        Console.out().print(first_summary(entry) if first else result_summary(entry, told), crop=False)
        change = wrong.option or (("--node", wrong.meant) if wrong.meant and one else None) if wrong else None
        more = commands.again(context, *change) if change else None
        if more is not None:
            suggest(*more)
        else:
            after_run(written.record, written.path, host)
    complain_of(written.complaints)
    return int(gravest([written.exit_code, code_of(held)]))


def wanted_work(asked: bool | None, *, gated: bool) -> Wanted:
    """Return whether the work is counted: as it was asked for, and in any case if the command's end depends on it.

    Raises:
        UsageError: it is to be held to a bound, and not to be counted.
    """
    if gated and asked is False:
        raise UsageError("--fail-on work needs what --no-work leaves out", fix="leave one of them out")
    if asked is None:
        return "always" if gated else "auto"
    return "always" if asked else "never"


def _grown(record: Record, known: Baseline) -> Sequence[WorkDifference | None]:
    chosen = like_or_newest(record, known.records)
    return [compare_work(sample_of(chosen), sample_of(record)) if chosen else None]


def checkout_of(project: Path | None, results: Path, diagnostic: Diagnostic) -> Checkout | None:
    """Return the checkout that a diagnostic is taken from; ``None`` for a shipped one.

    Args:
        project: what ``--project`` names.
        results: the results folder, which is no part of the code under test wherever it lies.
        diagnostic: what is run.
    """
    if project is None or diagnostic in builtin().diagnostics:
        return None
    return Checkout(project, results)


def plan_of(
    diagnostic: Diagnostic,
    chosen: Options,
    *,
    code: Code | None,
    requirements: Path | None,
    catalog: Catalog,
    variant: str | None,
) -> Plan:
    """Return the plan of a diagnostic of ours or of a project's.

    Args:
        diagnostic: what to run.
        chosen: what the command line sets of the run.
        code: the project's; ``None`` for a shipped diagnostic.
        requirements: a pip requirements file from the command line.
        catalog: the catalog with the variants that can be named.
        variant: the name of a variant to lay over the options.

    Raises:
        UsageError: an option that makes no sense, no such variant, or files of a project that cannot be read.
    """
    way = find_variant(catalog, variant) if variant else None
    if code is None:
        if requirements is not None:
            raise UsageError("--requirements goes with --project")
        of_command = diagnostic.command is not None
        source = Source(kind="command") if of_command else read_catalog_source(diagnostics_folder())
        return make_plan(diagnostic, chosen, source, variant=way)
    source, tree = code
    need = need_of(diagnostic, tree.root, requirements, tree)
    return make_plan(diagnostic, chosen, source, tree=tree, need=need, variant=way)


def what_is_named(
    name: str | None, project: Path | None, node: str | None, words: Sequence[str] | None, asked: Asked
) -> tuple[Catalog, Diagnostic]:
    """Return what a command line names, by a NAME, ``--node`` or a command, and the catalog with its variants.

    Args:
        name: a NAME of the catalog or of the project.
        project: the project's root.
        node: a pytest node of it, without a NAME.
        words: what stands behind ``--``.
        asked: what the command line asks of a command, and the device of the node.

    Raises:
        UsageError: nothing, several, or nothing of that name.
    """
    if node is None:
        return commands.named_or_command(name, words, asked, project)
    if name is not None or words is not None:
        what = "--node goes with --project and without a NAME or a command"
        raise UsageError(what, fix=f"leave {name or 'the command'} out, or leave --node out")
    if project is None:
        what = f"--node goes with --project, and {node.split('::')[0]} is not in this folder"
        raise UsageError(what, fix="add --project DIR, the folder of your checkout")
    asked, device = commands.refuse_without_command(asked), asked.device
    named = (one for one in read_catalog(project).diagnostics if (one.node, one.device) == (node, device))
    return options.catalog_with(project), commands.in_image(next(named, None) or of_node(node, device), asked)


def device_of(word: str) -> Device:
    """Return the device that ``--device`` names, even if a NAME has one of its own already.

    Raises:
        UsageError: there is no such device.
    """
    if word not in {"cpu", "cuda"}:
        raise UsageError(f"'{word}' is no device", fix="choose cpu or cuda")
    return "cuda" if word == "cuda" else "cpu"


def _engine_of(plan: Plan, name: str | None) -> str | None:
    return plan.variant.engine if plan.variant and plan.variant.engine else name


def _baseline(path: Path | None, results: Path, plan: Plan) -> Baseline:
    if path is None:
        return default_baseline(results, plan.diagnostic.name, plan.profile)
    try:
        known = tuple(bundle.record for bundle in find_bundles(str(path), results))
    except NoBundle:
        known = ()
    if (missing := without(plan.diagnostic.name, known)) is not None:  # it is in the verdict too, hours later
        notify(f"{missing}: the run will be compared with nothing")
    return Baseline(known, asked=True)


def refuse_options(chosen: Options, variant: str | None) -> None:
    """The loads are what they are: nothing about them can be chosen.

    Raises:
        UsageError: an option that sets how a diagnostic is run.
    """
    if chosen != Options(profile=chosen.profile) or variant is not None:
        raise UsageError(
            "the self-test runs fixed loads with limits of its own",
            fix="leave out options that change a run; --engine, --host, --results and --json may be given",
        )


def run_selftest(diagnostic: Diagnostic, session: Session, host: str | None, *, json: bool) -> int:
    """Make every check, keep the evidence, show each reading beside the truth, and return the exit code.

    Args:
        diagnostic: the self-test.
        session: where to run.
        host: the engine's address, if one was given.
        json: whether one JSON document is shown instead of a table.
    """
    checked = self_test(session, diagnostic)
    record, path = checked.written.record, str(checked.written.path)
    if json:
        print_json({"path": path, "record": record, "readings": checked.held, "not_made": dict(checked.not_made)})
    else:
        Console.out().print(selftest_view(record, checked.held, checked.not_made, path), crop=False)
        suggest(*doctor_words(host))
    complain_of(checked.written.complaints)
    return int(checked.written.exit_code)
