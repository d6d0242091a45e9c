"""The verb ``doctor``: whether this host is fit to measure on."""

from __future__ import annotations

from bench.cli import options
from bench.cli.app import app
from bench.cli.output import Console, print_json
from bench.engine.docker.ask import ask_docker
from bench.engine.local.find_python import present
from bench.engine.local.installer import find_uv
from bench.errors import ExitCode
from bench.host.doctor.examine import examine, examine_there, worst
from bench.host.doctor.facts import read_facts
from bench.report.terminal.doctor import doctor_view


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
    checks = examined(read_facts(results, said.info, said.version, said.problem, said.fix, found))
    if json:
        print_json(checks)
    else:
        Console.out().print(doctor_view(checks))
    return int(ExitCode.NOT_MEASURED if worst(checks) == "fail" else ExitCode.OK)
