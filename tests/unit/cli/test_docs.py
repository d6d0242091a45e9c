"""Every command of the documentation: ours executed in order with a deterministic engine, others held against what they name."""

import importlib.util
import json
import os
import re
import shlex
import subprocess
from itertools import pairwise

import pytest
import typer.main

from bench.cli.app import load_verbs
from bench.errors import ExitCode
from bench.record.storage.find import find_bundles
from tests.support.pages import COMMANDS, DOCS, PAGES, ROOT, blocks, commands, lines, sessions
from tests.support.tool_files import FILES

TASKS = {
    "run",
    "ab",
    "fleet",
    "reproduce",
    "compare",
    "ci",
    "project",
    "commands",
    "gpu",
    "closed-networks",
    "how-numbers-are-made",
    "record",
    "glossary",
    "report",
    "tutorial",
    "reference",
    "faq",
    "evidence",
    "work",
}
FLEET = "bench fleet grad_cpu --host ssh://one --host ssh://two --profile smoke"
"""Needs two machines: here it ends with the reason of each."""
GPU = "bench run grad_cuda --repeat 5"
(DUET,) = commands("ab.md", "bench ab slow_cpu --project DIR --base main --duet")
"""Needs two CPUs, and says so where there is one."""
(BISECT,) = commands("ab.md", "bench bisect ")
"""Here no run takes longer than another: there is nothing to find."""
FAILS = {
    BISECT: {2},
    DUET: {0, 2},
    FLEET: {2, 6},
    GPU: {0, 6},
    "bench reproduce A --allow image,engine": {0, 6},
    "bench doctor": {0, 6},
}
GATE = "bench ab slow_cpu --project DIR --base main --fail-on work:1%"
GATES = (GATE, "bench compare A B --fail-on work:1%", "bench run grad_cpu --baseline A --work --fail-on work:1%")
"""The engine of these tests counts no work, and no gate is passed without a count."""
FAILS |= {command: {6} for command in GATES}
REAL = {*commands("selftest.md", "bench run selftest"), *commands("fleet.md", "bench fleet grad_cpu dtype_cpu")}
"""Loads in real containers, a real cluster: test_selftest.py and test_fleet.py in ``tests/integration`` run them."""
(SHIPPED,) = commands("compare.md", "bench explain amd-")
"""Of a result that ships with the project: a test below runs it where that lies, and reads what it says."""
VERBS = typer.main.get_command(load_verbs()).commands
OPTIONS = {
    verb: {word for one in command.params for word in one.opts + one.secondary_opts} for verb, command in VERBS.items()
}


def ours(page):
    return [line for line in lines(page) if line.startswith("bench ")]


def git(root, *words):
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {"PATH": os.environ["PATH"], "HOME": str(root), **who}
    subprocess.run(["git", "-C", root, *words], check=True, capture_output=True, env=env)


@pytest.fixture
def place(measured, tmp_path):
    """A folder with three results and a project; ``A``, ``B``, ``C`` and ``DIR`` stand for them, as do the two of its session."""
    project = tmp_path / "project"
    (project / "tests").mkdir(parents=True)
    (project / "tests" / "test_x.py").write_text("def test_y(): pass\n")
    (project / "requirements.txt").write_text("\n")
    (project / "bench.toml").write_text(blocks("project.md", "toml")[0])
    git(project, "init", "-q", "-b", "main", ".")
    git(project, "add", ".")
    git(project, "commit", "-qm", "one")
    git(project, "tag", "v1.2")
    git(project, "commit", "-qm", "two", "--allow-empty")
    git(project, "tag", "v1.3")
    measured(*[[10.0] * 8] * 3)
    bundles = [str(bundle.path) for bundle in find_bundles("results")]
    shown = dict.fromkeys(re.findall(r"HOST/\S+", PAGES["compare.md"].read_text()))
    return {
        **dict(zip("ABC", bundles, strict=True)),
        **dict(zip(shown, bundles, strict=False)),
        "hyperfine.json": str(FILES / "hyperfine-2.0.0.json"),
        "pyperf.json": str(FILES / "pyperf-2.11.0.json"),
        "asv-results": str(FILES / "asv-0.6.6"),
        "DIR": str(project),
        "tests/test_count.py::test_many_words": "tests/test_x.py::test_y",
        "DIR/requirements.txt": str(project / "requirements.txt"),
    }


@pytest.mark.parametrize("page", [page for page in PAGES if ours(page)])
def test_every_command_of_a_page_works(page, place, bench_):
    for command in ours(page):
        if command not in {*REAL, SHIPPED}:
            works(command, place, bench_)


def works(command, place, bench_):
    words = [place.get(word, word) for word in shlex.split(command)[1:]]
    words += ["--work"] if command == GATE else []  # these tests run with BENCH_WORK=0
    code, _, err = bench_(*words)
    assert code in FAILS.get(command, {0}), f"{command}: {err}"


def test_every_command_of_the_readme_s_tables_works(place, bench_):
    rows = re.findall(r"^\|[^|\n]+\|(.*`bench .*)\|$", PAGES["README.md"].read_text(), re.MULTILINE)
    assert len(rows) > 9
    for command in re.findall(r"`(bench [^`]+)`", "\n".join(rows)):
        for one in {re.sub(r" \[.*?\]", "", command), re.sub(r"[][]", "", command)}:
            works(one, place, bench_)


def test_what_a_session_says_of_a_result_that_ships_is_what_is_said(monkeypatch, bench_):
    shown = dict(sessions("compare.md"))[SHIPPED]
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = bench_(*shlex.split(SHIPPED)[1:])
    assert code == 0, err
    said = [line.rstrip() for line in out.splitlines()]
    at = 0
    for before, line in pairwise(["", *shown]):
        if line != "…":
            at = said.index(line, at) if before == "…" else at
            assert said[at] == line
            at += 1


def test_each_task_has_its_page_and_the_readme_names_every_page():
    assert {f"{task}.md" for task in TASKS} <= set(PAGES)
    readme = (ROOT / "README.md").read_text()
    assert [page.name for page in DOCS if f"(docs/{page.name})" not in readme] == []


def test_a_block_is_of_a_kind_that_is_executed_or_read_here():
    kinds = {kind for page in PAGES.values() for kind in re.findall(r"^```(\w+)$", page.read_text(), re.MULTILINE)}
    assert kinds <= COMMANDS | {"json", "python", "toml"}


@pytest.mark.parametrize("page", PAGES)
def test_no_page_has_a_gap_to_be_filled(page):
    lines_of_page = PAGES[page].read_text().splitlines()
    assert [line for line in lines_of_page if re.fullmatch(r"\W*(TABLE|TODO|TBD|FIXME|XXX)\b.*", line)] == []


def names_a_session(words):
    listed = (ROOT / "noxfile.py").read_text()
    return all(re.search(rf'"{word}"|^def {word}\(', listed, re.MULTILINE) for word in words[2:])


def builds(words):
    """The Dockerfile has the target and the arguments that are given to it."""
    at = words.index("-f") + 1 if "-f" in words else None
    text = (ROOT / (words[at] if at else "Dockerfile")).read_text()
    targets = [word for before, word in pairwise(words) if before == "--target"]
    given = [word.split("=")[0] for before, word in pairwise(words) if before == "--build-arg"]
    return all(f" AS {one}\n" in text for one in targets) and all(f"ARG {one}=" in text for one in given)


def reads_what_exists(words):
    files = [word for before, word in pairwise(words) if before == "-r"]
    return bool(files) and all((ROOT / file).is_file() for file in files)


def is_a_step_of_ci(words):
    programs = [word for word in words if word in {"ci/setup", "ci/run"}]
    modules = [word for before, word in pairwise(words) if before == "-m"]
    known = (ROOT / ".github/workflows/bench.yml").read_text() + (ROOT / "ci/gitlab.yml").read_text()
    return bool(programs) and all(f"-m {module}" in known and importlib.util.find_spec(module) for module in modules)


def asks_for_an_action_in_use(words):
    return words[2].removeprefix("https://github.com/") in (ROOT / ".github/workflows/bench.yml").read_text()


def is_what_a_test_executes(words):
    """With torch, so once: the test takes its command line from the page."""
    test = (ROOT / "tests/unit/diagnostics/test_shipped.py").read_text()
    return f'commands("diagnostics.md", "{" ".join(words[:3])}")' in test


def is_what_a_test_takes(words):
    return 'commands("pytest.md", "pytest --bench")' in (ROOT / "tests/integration/test_pytest_plugin.py").read_text()


def is_what_the_fleet_s_test_takes(words):
    return f'commands("fleet.md", "{words[0]} ")' in (ROOT / "tests/integration/test_fleet.py").read_text()


KINDS = {
    "srun": is_what_the_fleet_s_test_takes,
    "nox -s": names_a_session,
    "docker build": builds,
    "python3.13 -m pip download": reads_what_exists,
    "ci/": is_a_step_of_ci,
    "git ls-remote": asks_for_an_action_in_use,
    "python -m pytest": is_what_a_test_executes,
    "pytest --bench": is_what_a_test_takes,
}


@pytest.mark.parametrize(
    ("page", "line"), [(page.name, line) for page in DOCS for line in lines(page.name) if not line.startswith("bench ")]
)
def test_a_command_of_another_tool_names_what_there_is(page, line):
    """Where there is no engine and no network; with them tests/integration/test_docs_commands.py executes each."""
    check = next((kind for start, kind in KINDS.items() if line.startswith(start)), None)
    assert check is not None, f"nothing tests '{line}' of {page}"
    assert check(shlex.split(line))


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_commands_within_the_text_have_verbs_and_options_that_exist(page):
    text = page.read_text()
    for command in re.findall(r"`bench ([a-z][^`\n]*)`", text) + re.findall(r"^\$ bench (.*)$", text, re.MULTILINE):
        verb, *words = command.split()
        assert verb in VERBS, command
        own = words[: words.index("--")] if "--" in words else words
        given = {word.split("=")[0] for word in own if word.startswith("-")}
        assert given <= OPTIONS[verb] | {"--help"}, command
    for session in re.findall(r"nox -s ([a-z_]+)", text):
        assert names_a_session(["nox", "-s", session]), session


def test_a_test_s_own_number_is_recorded_as_the_page_says():
    (example,) = blocks("project.md", "python")
    recorded = {}
    exec(example, {"json": json, "record_property": recorded.__setitem__})
    ((name, text),) = recorded.items()
    assert name.startswith("metric:")
    assert set(json.loads(text)) == {"value", "unit", "better"}


def test_a_machine_of_one_s_own_is_a_row_of_the_matrix():
    (example,) = blocks("ci.md", "json")
    shipped = json.loads((ROOT / "ci" / "matrix.json").read_text())
    assert set(json.loads(example)) == set(shipped["runners"][0])


def test_the_readme_s_picture_is_there_and_small():
    (picture,) = re.findall(r"!\[[^]]+\]\((docs/images/[^)]+)\)", (ROOT / "README.md").read_text())
    data = (ROOT / picture).read_bytes()
    assert data.startswith(b"\x89PNG")
    assert len(data) < 300_000


def test_the_readme_is_read_in_a_few_minutes():
    assert len((ROOT / "README.md").read_text().splitlines()) < 120


def test_every_variable_of_the_environment_is_in_a_table_and_every_exit_code_too():
    page = PAGES["reference.md"].read_text()
    named = {
        name for path in (ROOT / "bench").rglob("*.py") for name in re.findall(r"\bBENCH_[A-Z_]+", path.read_text())
    }
    between_processes = {
        "BENCH_COMPLETE",
        "BENCH_RUN_ID",
        "BENCH_EVENTS",
        "BENCH_MEASURED_PYTEST",
        "BENCH_OWN_MODULES",
        "BENCH_OWN_ROOTS",
        "BENCH_PROFILER_OUT",
        "BENCH_WORK_OUT",
    }
    assert named - between_processes - set(re.findall(r"BENCH_[A-Z_]+", page)) == set()
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert codes == {int(code) for code in ExitCode}


def test_every_page_is_on_the_site():
    named = set(re.findall(r"^   ([a-z-]+)$", (ROOT / "docs/index.rst").read_text(), re.MULTILINE))
    assert {page.stem for page in DOCS} == named
