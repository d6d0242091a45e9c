"""The verb ``ab``: two sides in pairs of random order, until the answer is certain."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from bench.cli import commands, completion, options
from bench.cli.app import app
from bench.cli.gates import code_of, held_to, parse_gates
from bench.cli.output import notify
from bench.cli.paired.asked import Asked, absolute, parse_effect, rules_of, words_of
from bench.cli.paired.experiments import experiment
from bench.cli.paired.prepare import prepare
from bench.cli.paired.resumed import sides_to_go_on_with
from bench.cli.paired.shown import show
from bench.cli.session import choose
from bench.cli.verbs.measure.run import NEED_BYTES, wanted_work
from bench.compare.measures import CALL, CPU, WALL
from bench.errors import gravest
from bench.record.storage.disk import check_results_folder
from bench.record.storage.temporary import temporary_folder
from bench.run.ab.alike import same_code
from bench.run.ab.resume import read_earlier
from bench.run.ab.sides import parse_side
from bench.run.ab.words import Words

SIDE = "A revision, and/or variant= requirements= env.K= threads= image=, comma between"


@app.command(cls=commands.CommandVerb)
def ab(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            help="A name that 'bench list' shows; with --resume also an experiment's id or one of its bundles.",
            show_default=False,
            autocompletion=completion.names,
        ),
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", help=f"What to compare with. {SIDE}.", metavar="SIDE", show_default=False)
    ] = None,
    head: Annotated[str, typer.Option("--head", help="What to judge; else the working tree.", metavar="SIDE")] = "",
    project: options.Project = None,
    node: options.Node = [],  # noqa: B006, typer copies it
    device: options.Device = "cpu",
    requirements: Annotated[
        Path | None, typer.Option("--requirements", help="What both sides need beside torch.", metavar="FILE")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            help="The figure that decides: call, wall, cpu, peak_memory, minor_faults, or a metric of the test.",
            show_default=CALL,
            metavar="NAME",
            autocompletion=options.one_of(CALL, WALL, CPU, "peak_memory", "max_rss", "minor_faults"),
        ),
    ] = None,
    effect: Annotated[
        str | None,
        typer.Option("--effect", help="Smaller changes are the same.", show_default="5%", metavar="PERCENT"),
    ] = None,
    max_pairs: Annotated[int, typer.Option("--max-pairs", help="Give up after so many.", metavar="N")] = 60,
    min_pairs: Annotated[
        int, typer.Option("--min-pairs", help="Decide after so many at the earliest.", metavar="N")
    ] = 1,
    budget: Annotated[
        str | None, typer.Option("--budget", help="Give up after so long, as in 20min.", metavar="TIME")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Decides the order within each pair.", show_default="drawn", metavar="N"),
    ] = None,
    duet: Annotated[
        bool, typer.Option("--duet", help="Run both sides of a pair at once, on a half of the CPUs each.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an experiment: the newest, or NAME.")] = False,
    command_name: commands.Name = None,
    image: commands.Image = None,
    torch: commands.Torch = False,
    shell: commands.Shell = False,
    prepare_line: commands.Prepare = None,
    input_: commands.Input = None,
    expect_exit: commands.ExpectExit = 0,
    warmup: commands.Warmup = None,
    python: commands.Python = None,
    work: options.Work = None,
    fail_on: options.FailOn = [],  # noqa: B006, typer copies it
    engine: options.EngineName = None,
    host: options.HostUrl = None,
    profile: options.Profile = "full",
    cpus: options.Cpus = None,
    cpuset: options.Cpuset = None,
    memory: options.Memory = None,
    threads: options.Threads = None,
    timeout: options.Timeout = None,
    ceiling: options.Ceiling = None,
    env: options.Env = [],  # noqa: B006, typer copies it
    calibration: options.Calibration = True,
    results: options.Results = options.DEFAULT_RESULTS,
    if_busy: options.Busy = "wait",
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Decide which of two sides is slower, in pairs of random order.

    Example: bench ab slow_cpu --project . --base main
    """
    one = options.node_of(node)
    project = project or options.project_here(one, name)
    commands.refuse_installing(requirements, python)
    gate = parse_gates(fail_on)
    asked = Asked(
        rules=rules_of(max_pairs, min_pairs, budget, metric),
        metric=metric,
        effect=parse_effect(effect),
        seed=seed,
        calibration=calibration,
        if_busy=if_busy,
        work=wanted_work(work, gated=gate is not None),
    )
    check_results_folder(results, NEED_BYTES)
    with temporary_folder("ab") as folder:
        given = None
        if base is not None:
            given = Words(
                name=name,
                base=base,
                head=head,
                project=absolute(project),
                node=one,
                device=device,
                requirements=absolute(requirements),
                engine=engine,
                host=host,
                profile=profile,
                cpus=cpus,
                cpuset=cpuset,
                memory=memory,
                threads=threads,
                timeout=timeout,
                ceiling=ceiling,
                env=tuple(env),
                duet=duet,
                command=commands.words_of(context),
                called=command_name,
                image=image,
                torch=torch,
                shell=shell,
                prepare=prepare_line,
                input=absolute(input_),
                expect_exit=expect_exit,
                warmup=warmup,
                python=python,
                results=str(results.absolute()),
                where=str(Path.cwd()),
            )
        earlier = None
        if resume:
            earlier = read_earlier(sides_to_go_on_with(name, given, results, if_busy), folder / "earlier")
            if given is not None and one is None:
                given = msgspec.structs.replace(given, name=earlier.name)
        words = words_of(given, earlier, results)
        prepared = prepare(words, asked.rules, folder)
        if earlier is None and not words.head:
            notice = same_code(*prepared.plans, parse_side("--base", words.base))
            if notice is not None:
                notify(notice)
        place = commands.engine_for(words.engine, prepared.question.diagnostic, words.python)
        done = experiment(prepared, asked, earlier, partial(choose, place, words.host))
    held = held_to(gate, [done.comparison.work])
    show(done, asked.rules, words, held, json=json)
    return int(gravest([done.exit_code, code_of(held)]))
