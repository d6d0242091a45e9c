"""Podman measures: the same engine protocol and the same `bench run`, against a real Podman of the tests' own."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import docker
import msgspec
import pytest

from bench.engine.docker.client import Endpoint, open_client
from bench.engine.docker.container import Container
from bench.engine.docker.engine import DockerEngine
from bench.engine.docker.place import image_place
from bench.engine.images.base import base_tag
from bench.engine.images.ensure import has
from bench.engine.images.facts import ImageFacts
from bench.engine.protocol import Task, Tree
from bench.record.schema import Limits
from bench.record.storage.bundle import read_bundle
from bench.run.selftest.checks import CHECKS
from tests.integration.command import Command
from tests.integration.private_engine import client_of
from tests.integration.private_podman import PrivatePodman, podman
from tests.integration.runs import Runs, cleaned, make_project

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def service(docker_client: docker.DockerClient, small_image: ImageFacts) -> Iterator[PrivatePodman]:
    """A Podman that has the image without torch."""
    with podman() as one:
        bases = [base_tag()] if has(docker_client, base_tag()) else []
        one.load(docker_client, small_image.name, *bases)
        yield one


@pytest.fixture
def runs(service: PrivatePodman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """`bench run` in that Podman, of small tests in a folder of its own."""
    monkeypatch.setenv("DOCKER_HOST", service.url)
    make_project(tmp_path / "project")
    with closing(client_of(service.url)) as client:
        yield Runs(tmp_path, client)


def test_it_is_called_podman_and_its_lock_is_the_machine_s(service: PrivatePodman) -> None:
    """`/info` has another id at each call; only the rest of it tells the machine."""
    endpoint = Endpoint(service.url, "test")
    with closing(open_client(endpoint, 30)) as client:
        assert client.info()["ID"] != client.info()["ID"]
        engine = DockerEngine(client, endpoint)
        assert engine.name == "podman"
        assert engine.machine == ""


def test_a_run_passes_and_a_limit_that_kills_is_read_inside(runs: Runs, small_image: ImageFacts) -> None:
    passed = runs("passes")
    record = passed.bundle().record
    assert (record.engine.name, record.outcome) == ("podman", "passed"), passed.why
    assert record.engine.version
    assert record.image is not None
    assert record.image.fingerprint == small_image.fingerprint
    assert record.engine.security["seccomp"] == "default"
    assert b'"/' not in msgspec.json.encode(record.engine), "a path of the host"
    assert "nproc" in record.runs[0].cgroup["ulimits"]
    ended = runs("eats", "--memory", "64m")
    assert ended.code == 5, ended.why
    run = ended.bundle().record.runs[0]
    assert (run.outcome, run.memory.limit_bytes) == ("oom_killed", 64 << 20), ended.why


def test_files_arrive_also_piece_by_piece(
    service: PrivatePodman, small_image: ImageFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Podman reads an archive up to its end, and refuses it if anything comes after that."""

    def slowly(self: Container, handle: str, path: str, spool: IO[bytes]) -> None:
        def pieces() -> Iterator[bytes]:
            while piece := spool.read(512):
                yield piece
                time.sleep(0.02)

        self._api.put_archive(handle, path, pieces())

    monkeypatch.setattr(Container, "_put", slowly)
    endpoint = Endpoint(service.url, "test")
    (tmp_path / "a.txt").write_text("mine")
    task = Task(
        argv=("{python}", "-c", "import shutil; shutil.copy('{src}/a.txt', '{out}/b.txt')"),
        env={},
        cwd="{out}",
        timeout_s=60,
        limits=Limits(),
        torch=False,
        tree=Tree(tmp_path, ("a.txt",), ""),
    )
    (out := tmp_path / "out").mkdir()
    with closing(open_client(endpoint, 60)) as client:
        ending = DockerEngine(client, endpoint).execute(image_place(small_image), task, out, lambda _: None)
    assert (ending.exit_code, ending.error) == (0, None)
    assert (out / "b.txt").read_text() == "mine"


def test_what_the_self_test_reads_is_true(service: PrivatePodman, tmp_path: Path) -> None:
    done = Command(tmp_path)("run", "selftest", "--no-calibration", "--json", DOCKER_HOST=service.url)
    assert done.code == 0, done.err
    record = read_bundle(tmp_path / done.path()).record
    assert (record.engine.name, record.outcome, len(record.runs)) == ("podman", "passed", len(CHECKS))
    assert [held for held in done.document["readings"] if held["outcome"] == "failed"] == []
    assert not done.document["not_made"]


def test_a_result_of_docker_is_reproduced_in_podman_and_back_and_variants_are_tried_there(
    service: PrivatePodman, tmp_path: Path
) -> None:
    make_project(tmp_path / "project")
    command = Command(tmp_path)
    more = ("--project", "project", "--json")
    made = command("run", "passes_cpu", *more, "--results", "docker", "--engine", "docker", "--no-calibration")
    assert made.code == 0, made.err
    there = {"DOCKER_HOST": service.url}
    again = command("reproduce", made.path(), *more, "--trust", "--allow", "engine", "--results", "again", **there)
    assert again.code == 0, again.err
    assert {one["code"] for one in again.document["mismatches"] if one["blocking"]} == {"engine"}
    assert again.document["comparison"]["status"] in {"setup_differs", "limit_bound"}  # the latter by other ulimits
    back = command("reproduce", again.path(), *more, "--trust", "--allow", "engine", "--results", "back")
    assert back.code == 0, back.err
    assert {one["code"] for one in back.document["mismatches"] if one["blocking"]} == {"engine"}
    tried = command("whatif", "passes_cpu", *more, "--variants", "glibc,unconfined", "--repeat", "1", **there)
    assert tried.code == 0, tried.err
    assert [(one["name"], one["passed"]) for one in tried.document["variants"]] == [
        ("glibc", True), ("unconfined", True),
    ]  # fmt: skip
    records = [read_bundle(path.parent).record for path in (tmp_path / "results").glob("*/*/*/record.json")]
    assert {record.engine.name for record in records} == {"podman"}
    assert {record.engine.security["seccomp"] for record in records} == {"default", "unconfined"}


def test_ctrl_c_stops_in_order(runs: Runs) -> None:
    with cleaned(runs.start("waits")) as started:
        started.until(runs.client, "started")
        started.process.send_signal(signal.SIGINT)
        ended = started.end()
    assert ended.code == 130, ended.why
    assert ended.bundle().record.outcome == "interrupted", ended.why
    assert started.left(runs.client) == []


def test_what_a_killed_command_left_is_finished_by_the_next(runs: Runs) -> None:
    with cleaned(runs.start("waits")) as started:
        started.until(runs.client, "started")
        started.process.kill()
        started.process.wait()
    assert started.left(runs.client)
    ended = runs("passes")
    assert "finished the evidence of a run whose command was killed" in ended.err
    assert started.left(runs.client) == []
    found = [read_bundle(path.parent).record for path in runs.folder.glob("results/*/waits_cpu/*/record.json")]
    assert [record.outcome for record in found] == ["interrupted"]


def test_a_podman_that_makes_no_groups_measures_none(
    docker_client: docker.DockerClient, small_image: ImageFacts, tmp_path: Path
) -> None:
    """As a rootless one on version 1 of control groups: no figure is the machine's, and no limit passes for one."""
    with podman({"containers": 'cgroups = "disabled"'}) as one:
        bases = [base_tag()] if has(docker_client, base_tag()) else []
        one.load(docker_client, small_image.name, *bases)
        make_project(tmp_path / "project")
        with pytest.MonkeyPatch.context() as patch, closing(client_of(one.url)) as client:
            patch.setenv("DOCKER_HOST", one.url)
            runs = Runs(tmp_path, client)
            passed = runs("passes")
            record = passed.bundle().record
            assert record.outcome == "passed", passed.why
            assert record.runs[0].memory.peak_bytes is None
            assert "no control group of the run's own" in str(record.unavailable)
            ended = runs("passes", "--memory", "256m")
            assert ended.code == 6, ended.why
            assert "--memory" in str(ended.bundle().record.runs[0].signature)
