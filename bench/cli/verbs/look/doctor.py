"""The verb ``doctor``: whether this host is fit to measure on."""

from __future__ import annotations

import dataclasses
import os

from bench.cli import options
from bench.cli.app import app
from bench.cli.next_step import doctor_words, results_words, suggest
from bench.cli.output import Console, print_json
from bench.engine.docker.ask import ask_docker
from bench.engine.local.environment import COSTS, is_made
from bench.engine.local.find_python import Python, present, stand_in
from bench.engine.local.installer import find_uv
from bench.errors import ExitCode
from bench.host.doctor.examine import examine, examine_there, worst
from bench.host.doctor.facts import read_facts
from bench.record.check import Check, ok
from bench.report.terminal.checks.doctor import doctor_view


@app.command()
def doctor(
    host: options.HostUrl = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Look before a run what this host can do and what disturbs.

    Engine, limits, GPU, governor, boost, load, swap, huge pages, disk; each line ok, warn or fail, with the fix.

    Example: bench doctor
    """
    said = ask_docker(host)
    python = present(find_uv())
    found = python.path if python else None
    examined = examine_there if said.elsewhere else examine
    facts = read_facts(results, said.info, said.version, said.problem, said.fix, found)
    alone = said.named and (host is not None or os.environ.get("BENCH_ENGINE") not in {"auto", "local"})
    image = said.image or (None if alone else _environment(python))
    checks = examined(
        dataclasses.replace(facts, image=image, engine_named=alone, stand_in=None if python else stand_in(find_uv()))
    )
    if json:
        print_json(checks)
    else:
        Console.out().print(doctor_view(checks))
        if worst(checks) == "fail":
            suggest(*doctor_words(host), *results_words(results))
        else:
            suggest("list", *results_words(results))
    return int(ExitCode.NOT_MEASURED if worst(checks) == "fail" else ExitCode.OK)


def _environment(python: Python | None) -> Check | None:
    """Whether the local engine's environment is there, or what a first run fetches."""
    if python is None:
        return None
    lacks = [kind for kind in ("small", "cpu") if not is_made(kind, python)]
    if not lacks:
        return ok("image", "the local engine's environments are there, with torch and without: a run downloads nothing")
    named = {"small": "the environment without torch", "cpu": "that with torch"}
    first = "; ".join(f"{named[kind]} is made by the first run that needs it: {COSTS[kind]}" for kind in lacks)
    return ok("image", f"local engine: {first}")
