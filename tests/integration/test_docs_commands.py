"""Every command of another tool in the documentation, executed as its page has it, or named with what keeps it from being.

`bench …` itself is in tests/unit/cli/test_docs.py. What a command needs of the world outside is played on this machine; what
is put in its place, and why, stands beside it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import docker
import pytest
from docker.errors import APIError

from bench.engine.images.base import base_tag
from bench.engine.images.contents import read_file
from bench.engine.images.context import open_context
from bench.engine.images.ensure import ensure_base, has
from bench.engine.images.options import BuildOptions
from tests.integration.ci_systems import check_out, load_yaml
from tests.integration.conftest import missing
from tests.support.pages import PAGES, ROOT, commands, lines

pytestmark = [pytest.mark.slow]

VM = "a machine with cgroup v2 and what tests/cgroup2/prepare made; run by hand before a release"
NOT_RUN = {
    ".venv/bin/nox": "style, types, imports and all tests, minutes: .ci/run does these sessions one by one",
    ".venv/bin/nox -s unit": "two minutes, of tests that .ci/run passes in its session tests",
    "tests/cgroup2/prepare given": "fetches some hundred packages for another machine",
    "BENCH_BASE=python-base:3.13.5 tests/cgroup2/suite given": VM,
    "BENCH_BASE=python-base:3.13.5 tests/cgroup2/suite given tests/unit/agent -x": VM,
    "BENCH_BASE=python-base:3.13.5 tests/cgroup2/archive given runs.tar.zst": VM,
}
ELSEWHERE = {
    ("closed-networks.md", "python3.13 -m pip download"): "tests/integration/test_images.py",
    ("diagnostics.md", "python -m pytest"): "tests/unit/diagnostics/test_shipped.py",
    ("fleet.md", "srun "): "tests/integration/test_fleet.py",
    ("pytest.md", "pytest --bench"): "tests/integration/test_pytest_plugin.py",
    ("selftest.md", "bench run selftest"): "tests/integration/test_selftest.py",
}
"""Commands that another file's tests take from the page: what comes of them is looked at there."""


def execute(
    line: str, cwd: Path, more: Mapping[str, str] | None = None, *, codes: frozenset[int] = frozenset({0})
) -> subprocess.CompletedProcess[str]:
    """A line as a person's shell runs it, with nothing of these tests' own settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("BENCH_", "PYTEST_", "COV_"))}
    argv = ["bash", "-euo", "pipefail", "-c", line]
    done = subprocess.run(argv, cwd=cwd, env=env | dict(more or {}), capture_output=True, text=True, check=False)
    assert done.returncode in codes, f"{line}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done


def elsewhere(page: str, line: str) -> bool:
    """Whether another file's tests execute a line."""
    return any(page == of and line.startswith(start) for of, start in ELSEWHERE)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which a person has set up what the README says, and asked for its first measurement.

    No engine answers it: what `grad_cpu` reads in its image is the business of test_grad_smoke.py.
    """
    folder = check_out(tmp_path_factory.mktemp("docs") / "checkout")
    shutil.copy2(ROOT / "noxfile.py", folder)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    (first,) = [line for line in commands("README.md", "python3 -m venv") if line.endswith("-s grad_cpu")]
    no_engine = {"BENCH_ENGINE": "docker", "DOCKER_HOST": f"unix://{folder}/no.sock"}
    done = execute(first, folder, no_engine, codes=frozenset({6}))
    assert "no Docker engine answers" in done.stderr
    (record,) = folder.glob("results/*/grad_cpu/*/record.json")
    assert json.loads(record.read_text())["outcome"] == "not_measured"
    return folder


def sets_up(line: str, request: pytest.FixtureRequest, _: Path) -> None:
    """The README's first command was executed where the checkout was made, and its second is what CI executes."""
    if line.endswith("-s tests"):
        script = (ROOT / ".ci/run").read_text()
        (chooses,) = re.findall(r"^readme=\$\((.*)\)$", script, re.MULTILINE)
        assert execute(chooses, ROOT).stdout.strip() == line
        assert '\nbash -euo pipefail -c "$readme"\n' in script
        return
    assert (request.getfixturevalue("checkout") / ".venv/bin/nox").exists()
    whole = [part.strip() for one in commands("README.md", "python3 -m venv") for part in one.split("&&")]
    assert {part.strip() for part in line.split("&&")} <= set(whole)


def runs_a_session(line: str, request: pytest.FixtureRequest, _: Path) -> None:
    """As it stands; `tests` with the environment in which these tests run, since another would be gigabytes."""
    checkout: Path = request.getfixturevalue("checkout")
    words = shlex.split(line)
    session = words[words.index("-s") + 1]
    if session == "base_image" and not has(request.getfixturevalue("docker_client"), base_tag()):
        pytest.skip("no base was made on this machine (nox -s base_image), and making one takes a minute and root")
    if session == "tests":
        if "\nuv =" not in Path(sys.prefix, "pyvenv.cfg").read_text():
            pytest.skip("these tests do not run in an environment of nox")
        here = checkout / ".nox/tests"
        here.unlink(missing_ok=True)
        here.symlink_to(sys.prefix)
        line = line.replace("nox -s", "nox -R -s")  # installs nothing there
    more = {"PATH": f"{checkout}/.venv/bin:{os.environ['PATH']}"}
    done = execute(line, checkout, more)
    assert f"Session {session} was successful" in done.stderr
    said = {"base_image": f"base image {base_tag()} is there already", "tests": " passed in "}
    assert said[session] in done.stdout


def builds(line: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The documented build, with three words changed: a base that is here, a stage without torch, a tag of our own.

    The files are those of the documented context, and what this machine needs to reach an index is added. What the
    other stages make is looked into by test_images.py.
    """
    if shutil.which("docker") is None:
        missing("there is no docker command here")
    client: docker.DockerClient = request.getfixturevalue("docker_client")
    options: BuildOptions = request.getfixturevalue("build_options")
    base = ensure_base(client, options, print)
    tag = f"bench-scratch:{uuid.uuid4().hex[:12]}"
    words = [f"BASE={base}" if word.startswith("BASE=") else word for word in shlex.split(line)]
    words[words.index("-t") + 1] = tag
    more = [] if "--target" in words else ["--target", ""]
    more += [] if f"BASE={base}" in words else ["--build-arg", f"BASE={base}"]
    here = options.build_arguments()  # taken from the environment, as an address may hold a password
    more += [word for name in here for word in ("--build-arg", name)]
    more += ["--network", options.network] if options.network else []
    context = tmp_path / "context"
    with (
        open_context("cuda" if "Dockerfile.cuda" in words else "cpu", options) as stored,
        tarfile.open(fileobj=stored) as tar,
    ):
        tar.extractall(context, filter="data")
    own = options.extra_ca.read_text() if options.extra_ca else ""
    (context / "corp.pem").write_text(f"{own}\n# certificate of {tag}\n")  # nothing is found in the engine's cache
    words[2:2] = more
    words[words.index("--target") + 1] = "overlay"
    done = execute(shlex.join(words), context, here)
    try:
        assert "bench" in read_file(client, tag, "/build/overlay/etc/passwd")
    finally:
        for name in [tag, *reversed(made(done.stdout))]:
            with suppress(APIError):  # what another image still needs, the engine keeps
                client.images.remove(name)


def made(said: str) -> list[str]:
    """The steps that the older builder says it made, not those that it found."""
    shown = re.findall(r"^ ---> (Using cache|[0-9a-f]{12})$", said, re.MULTILINE)
    return [step for before, step in pairwise(["", *shown]) if "Using cache" not in (before, step)]


def asks(line: str, _: pytest.FixtureRequest, tmp_path: Path) -> None:
    """As it stands; git is told that the address lies on this disk."""
    address, tag = shlex.split(line)[2:]
    workflow = (ROOT / ".github/workflows/bench.yml").read_text()
    action, version = address.removeprefix("https://github.com/"), tag.removeprefix("refs/tags/")
    assert re.search(rf"uses: {re.escape(action)}@[0-9a-f]{{40}} # {re.escape(version)}$", workflow, re.MULTILINE)
    user = {f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    make = "git init -q . && git commit -q --allow-empty -m one && git rev-parse HEAD"
    commit = execute(make, tmp_path, user).stdout.strip()
    execute(f"git update-ref {tag} {commit}", tmp_path)
    here = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{tmp_path}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
    }
    assert execute(line, tmp_path, here).stdout == f"{commit}\t{tag}\n"


def is_a_step(line: str, request: pytest.FixtureRequest, _: Path) -> None:
    """One of those that test_ci_workflow.py executes, word for word, or a line of several, which is executed here."""
    if "&&" in line:
        decides(line, request.getfixturevalue("any_ci"))
        return
    github, gitlab = load_yaml(ROOT / ".github/workflows/bench.yml"), load_yaml(ROOT / "ci/gitlab.yml")
    steps = [step.get("run", "") for job in github["jobs"].values() for step in job["steps"]]
    steps += [step for job in gitlab.values() if isinstance(job, dict) for step in job.get("script", [])]
    # An option that is only there where a new baseline is to be accepted.
    assert line in {re.sub(r" \$\{ACCEPT:\+\S+\}$", "", step) for step in steps}


@pytest.fixture(scope="module")
def any_ci(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A job's checkout and environment in a system of no name: its one runner has an engine that does not answer."""
    folder = tmp_path_factory.mktemp("any-ci")
    (shipped,) = [
        one for one in json.loads((ROOT / "ci/matrix.json").read_text())["runners"] if one["name"] == "linux-x64"
    ]
    runner = shipped | {"arguments": ["--engine", "docker", "--host", f"unix://{folder}/no.sock"]}
    (folder / "matrix.json").write_text(json.dumps({"diagnostics": ["grad_cpu"], "runners": [runner]}))
    env = {
        "BENCH_PYTHON": sys.executable,
        "BENCH_MATRIX": str(folder / "matrix.json"),
        "BENCH_LOCK_FOLDER": str(folder),
    }
    return check_out(folder / "checkout"), env


def decides(line: str, where: tuple[Path, dict[str, str]]) -> None:
    """A leg that measures nothing has said so, and the last job has seen it and fails nothing."""
    folder, env = where
    execute(line, folder, env)
    leg = json.loads((folder / "legs/grad_cpu-linux-x64/leg.json").read_text())
    assert "no.sock" in json.dumps(leg)
    if "ci.gate" in line:
        (row,) = json.loads((folder / "report/verdict.json").read_text())["legs"]
        assert (row["leg"], row["status"]) == ("grad_cpu-linux-x64", "not_measured")


def decides_a_project(line: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The README's first commands on a project of two versions: one pair in the environment that runs this, and with an
    image as far as an engine, of which none answers here.
    """
    checkout: Path = request.getfixturevalue("checkout")
    project = tmp_path / "project"
    (project / "tests").mkdir(parents=True)
    words = shlex.split(line)
    file, _, name = words[words.index("--node") + 1].partition("::")
    test = project / file
    user = {f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    execute("git init -q -b main .", project)
    for revision in ("pass", "assert 1"):
        test.write_text(f"def {name}(): {revision}\n")
        execute("git add . && git commit -qm one", project, user)
    test.write_text(f"def {name}(): assert 2\n")
    in_own = "--python" in words
    more = {
        "PATH": f"{checkout}/.venv/bin:{os.environ['PATH']}",
        "BENCH_RESULTS": str(tmp_path / "results"),
        "DOCKER_HOST": f"unix://{tmp_path}/no.sock",
    }
    if in_own:
        (project / ".venv").symlink_to(sys.prefix)
        line += " --max-pairs 1 --no-calibration --no-work"
    else:
        more["BENCH_ENGINE"] = "docker"
    for name in ("README.md", "LICENSE", "pyproject.toml"):
        shutil.copy2(ROOT / name, checkout)
    shutil.copytree(ROOT / "results/reference", checkout / "results/reference", dirs_exist_ok=True)
    done = execute(re.sub(r"\bDIR\b", str(project), line), checkout, more, codes=frozenset({6}))
    assert ("undecided after 1 pair" in done.stdout) == in_own, done.stdout
    assert ("no Docker engine answers" in done.stderr) != in_own, done.stderr
    assert len(list((tmp_path / "results").glob("*/*/*/record.json"))) == 2


RUNNERS: Mapping[str, Callable[[str, pytest.FixtureRequest, Path], None]] = {
    "python3 -m venv": sets_up,
    "uvx --from .": decides_a_project,
    "nox -s": runs_a_session,
    ".venv/bin/nox -s": runs_a_session,
    "docker build": builds,
    "git ls-remote": asks,
    "ci/": is_a_step,
}
OTHERS = [(page, line) for page in PAGES for line in lines(page) if not line.startswith("bench ")]


@pytest.mark.integration
@pytest.mark.parametrize(("page", "line"), [one for one in OTHERS if one[1] not in NOT_RUN and not elsewhere(*one)])
def test_a_command_of_another_tool_does_what_its_page_says(
    page: str, line: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    runner = next((runner for start, runner in RUNNERS.items() if line.startswith(start)), None)
    assert runner is not None, f"nothing runs '{line}' of {page}"
    runner(line, request, tmp_path)


def test_what_is_not_run_here_is_in_a_page() -> None:
    assert set(NOT_RUN) <= {line for _, line in OTHERS}
    for (page, start), file in ELSEWHERE.items():
        assert commands(page, start)
        assert f'commands("{page}", "{start}")' in (ROOT / file).read_text()
