"""The verb ``whatif``: a diagnostic under variants, and what to set."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Annotated

import typer

from bench.catalog.command import Asked
from bench.catalog.model import Catalog, Diagnostic, Variant
from bench.cli import commands, completion, options
from bench.cli.app import app
from bench.cli.next_step import doctor_words, suggest
from bench.cli.output import Console, complain_of, print_json
from bench.cli.session import choose, open_beside, open_session
from bench.cli.verbs.measure.run import NEED_BYTES, checkout_of, plan_of
from bench.compare.advice import advice
from bench.compare.beside.rounds import agreed
from bench.compare.comparison import compare
from bench.compare.sample import sample_of
from bench.engine.absent import AbsentEngine
from bench.engine.choose import CONTAINERS
from bench.engine.protocol import Engine
from bench.errors import ExitCode, UsageError, gravest
from bench.record.storage.disk import check_results_folder
from bench.report.entry import Entry
from bench.report.terminal.whatif import VariantLine, used, whatif_view
from bench.run.measure import WrittenResult
from bench.run.plan import Options, Plan, parse_env
from bench.run.session import Session
from bench.run.source.keep import Code, kept_code
from bench.run.whatif import VARIED, Tried, name_of, select, try_variants


@app.command(cls=commands.CommandVerb)
def whatif(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(help="A name that 'bench list' shows.", show_default=False, autocompletion=completion.names),
    ] = None,
    variants: Annotated[
        str,
        typer.Option(
            "--variants",
            help="Variants to try, the reference first; 'threads' is 1, 2, 4 …",
            metavar="LIST",
            autocompletion=completion.variants,
        ),
    ] = "",
    repeat: Annotated[int, typer.Option("--repeat", help="Rounds, each with every variant once.", metavar="N")] = 5,
    profile: options.Profile = "full",
    engine: options.EngineName = None,
    host: options.HostUrl = None,
    cpus: options.Cpus = None,
    cpuset: options.Cpuset = None,
    memory: options.Memory = None,
    threads: options.Threads = None,
    env: options.Env = [],  # noqa: B006, typer copies it
    project: options.Project = None,
    metric: options.MetricName = options.WALL,
    command_name: commands.Name = None,
    image: commands.Image = None,
    torch: commands.Torch = False,
    shell: commands.Shell = False,
    prepare: commands.Prepare = None,
    input_: commands.Input = None,
    expect_exit: commands.ExpectExit = 0,
    warmup: commands.Warmup = None,
    python: commands.Python = None,
    work: Annotated[
        bool, typer.Option("--work/--no-work", help="Count each variant's work in one more run, not timed.")
    ] = False,
    results: options.Results = options.DEFAULT_RESULTS,
    if_busy: options.Busy = "wait",
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Run a diagnostic or a command under variants; report what to set.

    Example: bench whatif grad_cpu --profile smoke --variants glibc,jemalloc
    """
    said_of = Asked(command_name, image, torch, "cpu", shell, prepare, input_, expect_exit)
    catalog, diagnostic = commands.named_or_command(name, commands.words_of(context), said_of, project)
    engine = commands.engine_for(engine, diagnostic, python)
    if repeat < 1:
        raise UsageError(f"--repeat {repeat} runs nothing", fix="give 1 or more")
    names = [part for part in variants.split(",") if part]
    select(catalog.variants, names, None)  # a name that there is none of is refused before anybody waits
    check_results_folder(results, NEED_BYTES)
    with ExitStack() as stack:
        asked = Options(
            profile=profile,
            cpus=cpus,
            cpuset=cpuset,
            threads=threads,
            memory_bytes=options.size_of(memory),
            env=parse_env(env),
            repeat=repeat,
            warmup=warmup,
            python=python,
        )
        code = stack.enter_context(kept_code(checkout_of(project, results, diagnostic)))
        plain = plan_of(diagnostic, asked, code=code, requirements=None, catalog=catalog, variant=None)
        usual = stack.enter_context(
            open_session(lambda say: choose(engine, host, say), host, results, if_busy, plan=plain)
        )
        chosen = select(catalog.variants, names, usual.engine.capacity().cpus)
        plans = _plans(catalog, diagnostic, asked, chosen, code)
        shared = sessions_for(usual, chosen, host, stack)
        sessions = {name_of(plan): shared[engine_for(plan.variant, usual.engine)] for plan in plans}
        tried = try_variants(plans, sessions, "always" if work else "never")
    lines = [_line(one, tried[0].written, metric) for one in tried]
    comparisons = {line.name: line.comparison for line in lines if line.comparison is not None}
    said = advice(comparisons, chosen, tried[0].problem, {line.name: line.agreed for line in lines})
    if json:
        print_json({"reference": chosen[0].name, "variants": lines, "advice": said})
    else:
        Console.out().print(whatif_view(diagnostic.name, lines, said))
        paths = [one.written.path for one in tried if one.written is not None and one.written.record.runs]
        suggest(*(("explain", *paths[:2]) if len(paths) > 1 else doctor_words(host)))
    complaints = [said for one in tried if one.written is not None for said in one.written.complaints]
    complain_of(dict.fromkeys(complaints))  # what keeps all from running is reported once
    outcomes = [one.written.exit_code for one in tried if one.written is not None]
    if tried[0].problem is not None or not outcomes:
        outcomes.append(ExitCode.NOT_MEASURED)
    return int(gravest(outcomes))


def engine_for(variant: Variant | None, usual: Engine) -> str:
    """Return the name of the engine that a variant runs in; where Podman serves as Docker, that is ``podman``."""
    wanted = (variant.engine if variant else None) or usual.name
    return usual.name if wanted == "docker" and usual.name in CONTAINERS else wanted


def sessions_for(
    usual: Session, chosen: Sequence[Variant | None], host: str | None, stack: ExitStack
) -> dict[str, Session]:
    """Return a session in every engine that a variant asks for, by its name.

    If the usual engine is absent nobody holds the host's place, and nothing is measured in another one.

    Args:
        usual: the session in the engine that is used if a variant asks for none.
        chosen: the variants; ``None`` is a run as it is.
        host: the engine's address that was asked for.
        stack: what closes them.
    """
    sessions = {usual.engine.name: usual}
    for kind in (engine_for(variant, usual.engine) for variant in chosen):
        if kind in sessions or isinstance(usual.engine, AbsentEngine):
            sessions.setdefault(kind, usual)
            continue
        address = host if kind in CONTAINERS else None
        find = partial(choose, kind, address)
        sessions[kind] = stack.enter_context(open_beside(usual, find, address))
    return sessions


def _plans(
    catalog: Catalog, diagnostic: Diagnostic, asked: Options, chosen: Sequence[Variant], code: Code | None
) -> list[Plan]:
    """One plan a variant."""
    return [
        plan_of(diagnostic, asked, code=code, requirements=None, catalog=catalog, variant=variant.name)
        for variant in chosen
    ]


def _line(tried: Tried, reference: WrittenResult | None, metric: str) -> VariantLine:
    """A variant as the table shows it, against the first."""
    written = tried.written
    if written is None:
        return VariantLine(tried.variant.name, tried.variant.about, None, passed=False, problem=tried.problem)
    record = written.record
    against = reference is not None and written is not reference and record.runs
    return VariantLine(
        tried.variant.name,
        tried.variant.about,
        Entry(record).wall_s,
        passed=bool(record.measured_runs) and all(run.outcome == "passed" for run in record.measured_runs),
        comparison=compare(reference.record, record, accept=VARIED, metric=metric, ceiling=False)
        if against and reference is not None
        else None,
        problem=tried.problem,
        runs=sum(run.outcome != "not_measured" for run in record.measured_runs),
        not_passed=sample_of(record).not_passed,
        figures=used(sample_of(record).runs),
        agreed=agreed(reference.record, record) if against and reference is not None else (),
    )
