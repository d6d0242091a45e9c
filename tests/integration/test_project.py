"""Tests of a project that never heard of us: own layout, options, plugin, timeouts and requirements."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import docker
import pytest

from bench.engine.images.facts import ImageFacts
from tests.integration.command import ROOT, Command, Done, snapshot

pytestmark = pytest.mark.integration

PYPROJECT = """
[project]
name = "shapes"
version = "1"

[tool.pytest.ini_options]
minversion = "7"
addopts = ["--strict-markers", "--strict-config", "-p", "plug", "--flavour=sweet", "-q"]
timeout = 1
xfail_strict = true
markers = ["dear: takes long"]
"""
CONFTEST = """
import pytest

@pytest.fixture
def flavour(request):
    return request.config.getoption("--flavour")
"""
PLUG = """
import os

def pytest_addoption(parser):
    parser.addoption("--flavour", default="plain")

def pytest_report_header(config):
    return "the project's plugin is here"
"""
TESTS = """
import json, os, pathlib, time
import pytest
from shapes import area


@pytest.mark.dear
@pytest.mark.timeout(1)
def test_patience(flavour, record_property):
    assert flavour == "sweet"
    time.sleep(5)
    record_property("metric:area", json.dumps({"value": area(3), "unit": "m2", "better": "lower"}))
    record_property("fact:dtypes", json.dumps({"input": "float32", "result": "float64"}))
    record_property("fact:unavailable:speed", json.dumps("no clock here"))


def test_dependency():
    import mdurl
    assert mdurl.encode("a b") == "a%20b"


def test_colour():
    assert os.environ["COLOUR"] == "red"


def test_shade():
    assert os.environ["COLOUR"] == "red"


def test_writes_beside_itself():
    pathlib.Path(__file__).with_name("written.txt").write_text("x")
"""
BENCH_TOML = """
[diagnostic.patience]
node = "tests/test_shapes.py::test_patience"
devices = ["cpu"]
image = "small"
timeout_s = 60

[diagnostic.colour]
node = "tests/test_shapes.py::test_colour"
devices = []
image = "small"

[diagnostic.writes]
node = "tests/test_shapes.py::test_writes_beside_itself"
devices = []
image = "small"

[diagnostic.dependency]
node = "tests/test_shapes.py::test_dependency"
devices = []
image = "small"
requirements = "locked.txt"

[diagnostic.loose]
node = "tests/test_shapes.py::test_dependency"
devices = []
image = "small"
requirements = "loose.txt"

[diagnostic.damaged]
node = "tests/test_shapes.py::test_dependency"
devices = []
image = "small"
requirements = "damaged.txt"
"""


def locked(package: str) -> str:
    """A package's lines of this project's own lock: a small one without dependencies, which the image lacks."""
    found = re.search(
        rf"^{package}==.*(?:\\\n +--hash=.*)+", (ROOT / "requirements/host.txt").read_text(), re.MULTILINE
    )
    assert found, f"{package} is locked no more: choose another"
    return found[0] + "\n"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkout")
    files = {
        "pyproject.toml": PYPROJECT,
        "plug.py": PLUG,
        "src/shapes/__init__.py": "def area(side):\n    return side * side\n",
        "tests/conftest.py": CONFTEST,
        "tests/test_shapes.py": TESTS,
        "bench.toml": BENCH_TOML,
        "locked.txt": locked("mdurl"),
        "damaged.txt": re.sub(r"[0-9a-f]{64}", "0" * 64, locked("mdurl")),
        "loose.txt": "mdurl\n",
        ".gitignore": "*.secret\n",
        "own.secret": "never copied",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    return root


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(tmp_path_factory.mktemp("project"))


def run(command: Command, checkout: Path, *words: object, engine: str = "docker", **environ: str) -> Done:
    """Run a test of the checkout, which nobody may write to."""
    before = snapshot(checkout)
    more = ("--project", checkout, "--engine", engine, "--no-calibration", "--json")
    done = command("run", *words, *more, **environ)
    assert snapshot(checkout) == before
    return done


@pytest.mark.parametrize("engine", ["docker", "local"])
def test_a_marker_s_and_an_ini_s_second_do_not_cut_five(
    command: Command, checkout: Path, small_image: ImageFacts, engine: str
) -> None:
    done = run(command, checkout, "patience_cpu", engine=engine)
    assert done.code == 0, done.err
    record = done.record()
    result = record["runs"][0]
    assert (result["outcome"], result["effective_timeout_s"], result["tests"][0]["marker_timeout_s"]) == (
        "passed", 60, 1,
    )  # fmt: skip
    assert result["tests"][0]["call_s"] >= 5
    assert result["metrics"]["area"] == {"value": 9.0, "unit": "m2", "better": "lower"}
    assert result["facts"]["dtypes"] == {"input": "float32", "result": "float64"}
    assert record["unavailable"]["runs[0].metrics.speed"] == "no clock here"
    source = record["diagnostic"]["source"]
    head = subprocess.run(["git", "-C", checkout, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert (source["kind"], source["commit"], source["dirty"]) == ("project", head.stdout.strip(), False)
    assert len(source["sha256"]) == 64
    assert "the project's plugin is here" in (command.folder / done.path() / "logs/pytest.log").read_text()


def test_a_changed_checkout_is_dirty_and_another_source(command: Command, checkout: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(checkout, copy)
    words = ("colour", "--env", "COLOUR=red")
    clean = run(command, copy, *words, engine="local")
    assert clean.code == 0, clean.err
    assert clean.record()["diagnostic"]["node"] == "tests/test_shapes.py::test_colour"
    (copy / "src/shapes/more.py").write_text("x = 1\n")
    dirty = run(command, copy, *words, engine="local")
    before, after = (done.record()["diagnostic"]["source"] for done in (clean, dirty))
    assert (before["dirty"], after["dirty"]) == (False, True)
    assert before["sha256"] != after["sha256"]
    (copy / "own.secret").write_text("changed")
    ignored = run(command, copy, *words, engine="local").record()["diagnostic"]["source"]
    assert ignored["sha256"] == after["sha256"]


def test_a_test_writes_to_its_own_copy(command: Command, checkout: Path, small_image: ImageFacts) -> None:
    for _ in range(2):
        done = run(command, checkout, "writes", engine="local")
        assert done.code == 0, done.err
    assert not (checkout / "tests/written.txt").exists()


def test_requirements_by_hash_are_one_layer_made_once(
    command: Command, checkout: Path, small_image: ImageFacts, docker_client: docker.DockerClient
) -> None:
    first = run(command, checkout, "dependency")
    try:
        assert first.code == 0, first.err
        assert first.err.count("installing locked.txt") == 1
        record = first.record()
        assert record["image"]["fingerprint"] != small_image.fingerprint
        assert not [found for found in record["runs"][0]["warnings"] if found["code"] == "environment"]
        second = run(command, checkout, "dependency")
        assert second.code == 0, second.err
        assert "installing" not in second.err
        assert second.record()["image"] == record["image"]
    finally:
        if first.code == 0:
            docker_client.images.remove(first.record()["image"]["name"], force=True)


def test_requirements_without_hashes_are_frozen_into_the_record(
    command: Command, checkout: Path, small_image: ImageFacts, docker_client: docker.DockerClient
) -> None:
    done = run(command, checkout, "loose")
    assert done.code == 0, done.err
    docker_client.images.remove(done.record()["image"]["name"], force=True)
    said = [found["message"] for found in done.record()["runs"][0]["warnings"] if found["code"] == "environment"]
    assert len(said) == 1
    assert "loose.txt is not hash-locked" in said[0]
    assert "mdurl==" in said[0]


def test_a_wrong_hash_installs_nothing(command: Command, checkout: Path, small_image: ImageFacts) -> None:
    done = run(command, checkout, "damaged")
    assert done.code == 6
    assert "damaged.txt cannot be installed" in done.complaint
    assert done.record()["outcome"] == "not_measured"
    assert done.record()["runs"] == []


def test_the_catalog_holds_the_project_s_names(command: Command, checkout: Path) -> None:
    names = [row["name"] for row in command("list", "--project", checkout, "--json").document]
    assert {"patience_cpu", "dependency", "loose", "grad_cpu"} <= set(names)
    wrong = command("run", "patiense_cpu", "--project", checkout)
    assert wrong.code == 2
    assert "did you mean 'patience_cpu'" in wrong.complaint


@pytest.mark.parametrize(
    "node", ["/etc/passwd", "../outside.py::test_a", "-p", "--version", "tests/../../x.py"], ids=str
)
def test_a_node_is_one_of_the_project(command: Command, checkout: Path, node: str) -> None:
    done = command("run", "--project", checkout, f"--node={node}", "--engine", "local")
    assert done.code == 2
    assert "is not a node of the project" in done.complaint


@pytest.mark.parametrize("image", [None, "torch"])
def test_a_node_runs_in_the_image_without_torch_or_in_the_one_asked_for(
    command: Command, checkout: Path, small_image: ImageFacts, cpu_image: ImageFacts, image: str | None
) -> None:
    asked = ("--image", image) if image else ()
    done = run(command, checkout, "--node", "tests/test_shapes.py::test_shade", "--env", "COLOUR=red", *asked)
    assert done.code == 0, done.err
    record, wanted = done.record(), cpu_image if image else small_image
    assert record["image"]["fingerprint"] == wanted.fingerprint
    assert ("image_because" in record["diagnostic"]["params"]) == (image is None)
    assert record["diagnostic"]["name"] == "tests-test-shapes-test-shade_cpu"


def test_a_node_that_is_not_there_is_not_measured(command: Command, checkout: Path, small_image: ImageFacts) -> None:
    copy = command.folder / "without"
    shutil.copytree(checkout, copy)
    text = (copy / "bench.toml").read_text().replace("::test_colour", "::test_none; touch written by a shell")
    (copy / "bench.toml").write_text(text)
    done = run(command, copy, "colour", engine="local")
    assert done.code == 6
    record = done.record()
    assert (record["outcome"], record["verdict"]["status"]) == ("not_measured", "not_measured")
    assert "not found" in record["runs"][0]["signature"]
    assert not [name for name in snapshot(copy) if "written" in name]
