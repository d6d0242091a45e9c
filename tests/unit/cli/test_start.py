"""What a command does before it is there: no more imports than it needs, and Ctrl-C then is no fault."""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_group

import bench
from bench.cli import main
from bench.cli.app import load_verbs
from bench.cli.start.verbs import VERBS, module_of, purpose
from bench.importer.shipped import write_reference

ROOT = Path(bench.__file__).parents[1]
SLOW = {"docker", "duckdb", "jinja2", "numpy", "psutil", "requests"}
CONSOLE = "import sys; from bench.cli import main; code = main()"
"""As the installed program has it."""


def started(script, *words, path="", **more):
    known = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")}
    env = {**known, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}", **more}
    command = [sys.executable, "-c", script, *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def imported(*words, **more):
    done = started(f"{CONSOLE}; print(*sys.modules, file=sys.stderr)", *words, **more)
    return set(done.stderr.splitlines()[-1].split()), done.stdout.split()


def test_the_table_of_verbs_names_the_module_of_each():
    found = {info.name or info.callback.__name__: info.callback.__module__ for info in load_verbs().registered_commands}
    assert found == {verb: module_of(verb) for verb in VERBS}


HELP = {"docker", "duckdb", "filelock", "jinja2", "msgspec", "numpy", "psutil", "re2", "rich", "tomllib"}
"""What names and purposes need none of."""
READS = SLOW | {"bench.engine", "bench.fleet", "bench.importer", "backports", "filelock", "platformdirs", "re2", "xml"}
"""What whoever reads results needs none of."""
UNREAD = {
    "bench.compare",
    "bench.record.storage",
    "bench.record.index.listing",
    "email",
    "rich",
    "statistics",
    "tempfile",
}
"""What is read once there are results, or something is drawn, written or left to uvx."""
DENIED = {
    "list": READS | UNREAD,
    "query": READS - {"numpy"},
    "report": READS,
    "history": READS,
    "compare": READS - {"numpy"},
    "explain": READS - {"numpy"},
    "export": READS - {"backports"},
    "verify": READS - {"backports", "re2"},
    "schema": READS | {"bench.compare", "bench.report.entry", "bench.run", "rich"},
    "doctor": {"bench.run", "duckdb", "jinja2", "numpy", "requests"},
    "import": {"bench.engine.docker", "docker", "duckdb", "jinja2", "psutil", "requests"},
    "run": {"bench.report.html", "docker", "duckdb", "jinja2", "requests"},
    "reproduce": {"bench.report.html", "docker", "duckdb", "jinja2", "requests"},
    "ab": {"bench.report.html", "docker", "duckdb", "jinja2", "requests"},
    "bisect": {"bench.report.html", "docker", "duckdb", "jinja2", "requests"},
    "whatif": {"bench.report.html", "docker", "duckdb", "jinja2", "requests"},
    "fleet": {"bench.report.html", "docker", "duckdb", "jinja2", "requests"},
}
"""What reading a verb's module may not bring."""
EACH = """
import importlib, json, os, sys
import bench.cli.command
for module in sys.argv[1:]:
    if os.fork() == 0:
        importlib.import_module(module)
        print(json.dumps([module, *sys.modules]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.parametrize("words", [["--help"], [], ["--version"]])
def test_the_help_reads_no_verb_and_draws_nothing(words):
    modules, said = imported(*words)
    assert modules & HELP == set()
    assert modules & {module_of(verb) for verb in VERBS} == set()
    assert words == ["--version"] or set(VERBS) < set(said)


def test_a_verb_brings_only_what_it_needs():
    assert set(DENIED) == set(VERBS)
    done = started(EACH, *(module_of(verb) for verb in VERBS))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    brought = {module: set(modules) for module, *modules in lines}
    assert set(brought) == {module_of(verb) for verb in VERBS}, done.stderr
    assert {verb: brought[module_of(verb)] & DENIED[verb] for verb in VERBS} == {verb: set() for verb in VERBS}


def test_the_list_of_what_can_be_run_reads_no_statistics(tmp_path):
    modules, said = imported("list", "--json", "--results", str(tmp_path))
    assert '"grad_cpu",' in said
    assert modules & (READS | (UNREAD - {"bench.record.storage", "bench.record.index.listing"})) == set()
    assert modules & {"bench.record.index.columns", "bench.record.storage.verify"} == set()
    modules, _ = imported("list", "--json", "--results", str(tmp_path / "none"))
    assert modules & (READS | UNREAD) == set()


def test_a_document_of_results_reads_no_statistics(tmp_path):
    write_reference(tmp_path)
    modules, said = imported("report", "--json", str(tmp_path))
    assert '"bench.report/1",' in said
    assert modules & (READS - {"backports"}) == set()


def test_at_a_tab_a_verb_takes_the_words_it_always_takes():
    script = "from bench.cli.start.signatures import read_only_signatures; read_only_signatures()\n"
    script += "import json; from typer.main import get_group; from bench.cli.app import load_verbs, VERBS\n"
    script += "group = get_group(load_verbs())\n"
    script += "import sys; print(json.dumps({n: [p.opts for p in group.commands[n].params] for n in VERBS}))\n"
    script += "print(json.dumps(sorted(sys.modules)))"
    taken, modules = map(json.loads, started(script).stdout.splitlines())
    group = get_group(load_verbs())
    assert taken == {verb: [one.opts for one in group.commands[verb].params] for verb in VERBS}
    assert not {"docker", "numpy", "psutil", "re2", "rich"} & set(modules)


@pytest.mark.parametrize("verb", ["run", "compare", "import"])
def test_a_verb_s_help_is_the_same_without_what_it_does(verb, capsys):
    modules, said = imported(verb, "--help", COLUMNS="100")
    assert main([verb, "--help"]) == 0
    assert said == capsys.readouterr().out.split()
    assert modules & (HELP - {"msgspec", "tomllib"}) == set()


def test_the_version_costs_no_slow_import():
    modules, said = imported("--version")
    assert said == ["bench", bench.__version__]
    assert modules & SLOW == set()
    assert "typer" in modules


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("bench run grad_cp", ["grad_cpu"]),
        ("bench run grad_cpu --variant tcm", ["tcmalloc"]),
        ("bench run grad_cpu --prof", ["--profile", "--profiler"]),
        ("bench his", ["history"]),
    ],
)
def test_a_tab_waits_for_no_library(line, offered):
    asked = {"_BENCH_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    modules, said = imported(**asked)
    assert said == offered
    assert modules & (SLOW | {"bench.catalog", "bench.record", "filelock", "msgspec", "re2", "rich", "typer"}) == set()


def test_a_tab_where_a_verb_may_stand_reads_none():
    asked = {"_BENCH_COMPLETE": "complete_bash", "COMP_WORDS": "bench ", "COMP_CWORD": "1"}
    modules, said = imported(**asked)
    assert said == list(VERBS)
    assert modules & (SLOW | {"rich", "tomllib", "typer"}) == set()
    assert modules & {module_of(verb) for verb in VERBS} == set()


def test_what_a_verb_says_at_a_tab_is_what_its_help_says():
    for info in load_verbs().registered_commands:
        verb = info.name or info.callback.__name__
        assert purpose(verb, module_of(verb)) == inspect.getdoc(info.callback)
    assert purpose("nothing", module_of("run")) is None


def test_an_engine_that_is_not_docker_s_needs_no_client():
    script = "import sys; from bench.engine.choose import choose; from bench.errors import UsageError\n"
    script += "try: choose('podman', None, print)\nexcept UsageError: print(*sys.modules)"
    assert not {"docker", "requests"} & set(started(script).stdout.split())


@pytest.mark.parametrize(
    ("during", "words"),
    [("typer", ["--version"]), ("msgspec", ["run", "grad_cpu"]), ("msgspec", ["run", "grad_cpu", "--json"])],
)
def test_ctrl_c_while_it_starts_is_one_line(tmp_path, during, words):
    struck = "import os, signal, time\ntry:\n    os.kill(os.getpid(), signal.SIGINT); time.sleep(60)\n"
    (tmp_path / f"{during}.py").write_text(f"{struck}except BaseException:\n    raise ImportError from None\n")
    done = started(f"{CONSOLE}; sys.exit(code)", *words, path=tmp_path)
    assert (done.returncode, done.stderr) == (130, "bench: interrupted\n")
    if "--json" in words:
        assert json.loads(done.stdout)["exit_code"] == 130
    else:
        assert done.stdout == ""


def test_ctrl_c_that_was_to_be_ignored_stays_so(tmp_path):
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nraise SystemExit(7)\n")
    script = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {CONSOLE}"
    assert started(script, "--version", path=tmp_path).returncode == 7


def test_importing_bench_reads_nothing_until_something_is_used():
    script = "import sys; before = set(sys.modules); import bench; print(*(set(sys.modules) - before))"
    brought = set(started(script).stdout.split())
    assert not {name for name in brought if name.startswith("bench.")}
    assert not brought & (HELP | SLOW)
    used = started("import sys, bench; bench.load; print(*sys.modules)").stdout.split()
    assert not set(used) & (SLOW | {"bench.cli", "bench.engine", "rich"})
