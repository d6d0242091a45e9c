"""Two hosts on one desk: the same test under other limits, on another class of machine, on another kernel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.engine.images.facts import ImageFacts
from bench.record.host_id import host_id
from bench.record.schema import HostClass
from tests.integration.command import Command, forge
from tests.integration.spin import make_project

pytestmark = pytest.mark.integration


class Desk:
    """A folder with a project, and bundles of it from here."""

    def __init__(self, folder: Path) -> None:
        self.command = Command(folder)
        self.project = make_project(folder / "project")
        self.free = self.run("free")
        self.limited = self.run("limited", "--cpus", "0.5")

    def run(self, results: str, *words: str, engine: str = "docker") -> Path:
        more = ("--engine", engine, "--results", results, "--no-calibration", "--json", "--repeat", "5")
        done = self.command("run", "spin_cpu", "--project", self.project, *more, *words)
        assert done.code == 0, done.err
        return self.command.folder / done.path()

    def compared(self, a: Path, b: Path) -> tuple[int, str]:
        done = self.command("compare", a, b, "--json")
        (one,) = done.document["comparisons"]
        return done.code, one["status"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, small_image: ImageFacts) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


def elsewhere(slower: float) -> Any:
    """Changes a record into one of another class of machine, all its runs slower by a factor."""

    def change(record: dict[str, Any]) -> None:
        host = record["host"]
        host["class"] |= {"cpu_model": "Another CPU @ 2.0GHz", "cores": 64, "threads": 128}
        host["id"] = host_id(msgspec.convert(host["class"], HostClass))
        record["id"] = f"{host['id']}/{record['diagnostic']['name']}/{record['stamp']}"
        for run in record["runs"]:
            run["wall_s"] *= slower

    return change


def test_other_limits_are_limit_bound(desk: Desk) -> None:
    assert desk.compared(desk.free, desk.limited) == (7, "limit_bound")
    assert desk.compared(desk.limited, desk.free) == (7, "limit_bound")
    said = desk.command("explain", desk.free, desk.limited)
    assert said.code == 0
    assert "throttled" in said.out


def test_results_travel_in_an_archive(desk: Desk) -> None:
    command = desk.command
    assert command("export", desk.free, desk.limited, "-o", "both.tar.zst").code == 0
    done = command("import", "both.tar.zst", "--results", "there", "--json")
    assert done.code == 0, done.err
    assert len(done.document["imported"]) == 2
    assert command("verify", "there").code == 0
    again = command("import", "both.tar.zst", "--results", "there", "--json")
    assert (again.code, again.document["imported"]) == (0, [])


@pytest.mark.parametrize("slower", [1.0, 2.0])
def test_another_class_of_machine_never_regressed(desk: Desk, tmp_path: Path, slower: float) -> None:
    other = forge(desk.free, tmp_path / desk.free.name, elsewhere(slower))
    assert desk.command("verify", other).code == 0
    assert desk.compared(desk.free, other) == (7, "host_differs")
    assert desk.compared(other, desk.free) == (7, "host_differs")
    said = desk.command("compare", other, desk.free)
    assert "Another CPU" in said.out
    assert "regressed" not in said.out


def test_a_container_and_the_host_itself_are_two_builds(desk: Desk) -> None:
    native = desk.run("native", engine="local")
    assert desk.compared(desk.free, native) == (7, "build_differs")


def test_reproducing_what_came_from_elsewhere(desk: Desk, tmp_path: Path) -> None:
    other = forge(desk.free, tmp_path / desk.free.name, elsewhere(1.0))
    words = ("reproduce", other, "--results", "again", "--json")
    refused = desk.command(*words, "--project", desk.project)
    assert refused.code == 2
    assert "--trust" in refused.complaint
    done = desk.command(*words, "--project", desk.project, "--trust")
    assert done.code == 0, done.err
    assert "processor: Another CPU @ 2.0GHz there," in done.err
    assert "the same here" in done.err
    assert done.document["comparison"]["status"] == "host_differs"


@pytest.mark.skipif(
    not os.environ.get("BENCH_CGROUP2_BUNDLE"), reason="BENCH_CGROUP2_BUNDLE names no archive from another kernel"
)
def test_an_archive_from_another_kernel(desk: Desk) -> None:
    command = desk.command
    archive = Path(os.environ["BENCH_CGROUP2_BUNDLE"]).resolve()
    done = command("import", archive, "--results", "vm", "--json")
    assert done.code == 0, done.err
    for imported in done.document["imported"]:
        bundle = command.folder / imported
        assert command("explain", bundle).code == 0
        name = bundle.parent.name
        if name == "selftest":
            ours = command("run", "selftest", "--engine", "local", "--results", "here", "--json")
            assert ours.code == 0, ours.err
            code, status = desk.compared(bundle, command.folder / ours.path())
            assert (code, status) in {(7, "host_differs"), (7, "limit_bound")}
            continue
        made = command("reproduce", bundle, "--project", desk.project, "--trust", "--results", "here", "--json")
        assert made.code in {0, 7}, made.err
        if made.code == 7:
            assert "--allow" in made.complaint
            codes = made.complaint.partition("--allow ")[2].split()[0]
            more = ("--project", desk.project, "--trust", "--results", "here", "--json", "--allow", codes)
            made = command("reproduce", bundle, *more)
            assert made.code == 0, made.err
        assert made.document["comparison"]["status"] in {"host_differs", "limit_bound"}
