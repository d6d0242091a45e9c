"""The wheel: built here, without an index."""

import re
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from trove_classifiers import classifiers

import bench

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(path) as packed:
        yield packed


def metadata(wheel):
    return message_from_string(wheel.read(f"bench_reproducer-{bench.__version__}.dist-info/METADATA").decode())


def test_a_type_checker_finds_our_types(wheel):
    assert wheel.read("bench/py.typed") == b""
    assert "Typing :: Typed" in metadata(wheel).get_all("Classifier")


def test_it_holds_the_package_and_what_images_are_made_of(wheel):
    names = set(wheel.namelist())
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "bench").rglob("*.py")}
    assert modules <= names
    assert {"bench/_assets/Dockerfile", "bench/_assets/requirements/image-cpu.txt"} <= names
    assert [name for name in names if name.startswith(("tests/", "benchmarks/", "ci/"))] == []


def test_what_an_index_shows_is_true(wheel):
    said = metadata(wheel)
    assert set(said.get_all("Classifier")) <= classifiers
    assert said["Requires-Python"] == ">=3.11"
    assert said.get_all("Project-URL") is None  # until there is an address
    dependencies = {line.split(">")[0] for line in PROJECT["project"]["dependencies"]}
    locked = {
        line.split(" ")[0].split("<")[0]
        for line in (ROOT / "requirements/host.in").read_text().splitlines()
        if line[0] != "#"
    }
    assert dependencies == locked


def test_what_is_large_is_not_installed_with_it():
    """An installed bench takes less than 200 MB; each of these would take more than is left."""
    locked = (ROOT / "requirements/host.txt").read_text()
    for package in ("scipy", "plotly", "torch", "pandas", "pyarrow", "matplotlib", "zstandard"):
        assert not re.search(rf"^{package}\b", locked, re.MULTILINE), package


def test_every_dependency_promises_a_lowest_version():
    assert [line for line in PROJECT["project"]["dependencies"] if ">=" not in line] == []
    assert f"hatchling=={_version('hatchling')}" in PROJECT["build-system"]["requires"]


def _version(name):
    from importlib.metadata import version

    return version(name)
